"""What a run leaves behind and reports: checkpoint, kernels, digest, provenance, how far it is."""

"""What a run leaves behind and tells: checkpoint, kernels, digest, provenance, how far it is."""

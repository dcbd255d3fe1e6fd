"""What a run is and where it lies: identities, the store, leases, the runs of a study. Nothing here needs torch."""

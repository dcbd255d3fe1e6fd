"""Where a run is computed: its devices, its one or two processes, batches made on a GPU."""

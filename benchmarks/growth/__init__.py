"""How cost grows with batch, width, picture size, processes, pictures and runs: `make bench-growth`."""

"""Where the towers live changes no number: single, split, ranks."""

"""The page that a person reads, and its figures."""

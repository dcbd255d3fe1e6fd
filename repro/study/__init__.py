"""What is to be run: typed studies, variants, scaling rules, run identity."""

"""The embedded data sets: pictures that are drawn, not taken."""

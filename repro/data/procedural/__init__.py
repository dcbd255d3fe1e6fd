"""The embedded data set: pictures that are drawn, not taken."""

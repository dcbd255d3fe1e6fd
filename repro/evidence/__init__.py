"""The record of a study's measurements with their provenance: all that claims read."""

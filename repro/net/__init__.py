"""The net: one table of layers, the two-tower module, its normalisation, initial values and switches."""

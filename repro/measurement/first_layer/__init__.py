"""What is read off the first layer's weights: colour, structure, how far they moved (section 6.1, Figure 3)."""

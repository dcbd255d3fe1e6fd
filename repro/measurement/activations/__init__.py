"""What is read off layers inside the net: of what hidden units and normalisation compute for pictures."""

"""Numbers read off finished runs, in evaluation mode."""

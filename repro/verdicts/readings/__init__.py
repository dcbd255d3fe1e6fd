"""What is read off a study's evidence, for a test or for a gate."""

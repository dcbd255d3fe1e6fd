"""What is registered: statements, the tests that judge them, gates, metrics, literature."""

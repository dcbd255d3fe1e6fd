"""What stands beside a verdict, by the form of its claim."""

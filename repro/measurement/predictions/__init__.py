"""What is read off the outputs: errors and answers, averaged, or on pictures that were changed."""

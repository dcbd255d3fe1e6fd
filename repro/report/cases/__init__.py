"""What is drawn: rows of verdicts, each with the evidence that it was judged on."""

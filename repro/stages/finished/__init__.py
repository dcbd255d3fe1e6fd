"""What is done with finished runs: opened in a notebook, kept in git, trained again."""

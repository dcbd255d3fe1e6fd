"""What `dvc metrics` and `dvc plots` show of a study."""

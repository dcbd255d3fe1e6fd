"""What a study has and lacks, what the rest costs, and what its seeds can decide."""

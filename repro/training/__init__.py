"""Training: the paper's update rule, the schedule, the loop, checkpoints, the store of runs, the workers."""

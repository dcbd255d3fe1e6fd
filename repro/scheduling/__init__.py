"""Who trains what where: a grid of runs over processes, devices and machines."""

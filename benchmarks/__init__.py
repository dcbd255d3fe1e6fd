"""How fast the program is beside what a user would take instead: `python -m benchmarks` lists what is measured."""

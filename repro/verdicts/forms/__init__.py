"""The forms of claims: a module has all of a form but its registered type. `table.py` lists them."""

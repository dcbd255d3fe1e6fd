"""Where a picture's class is written: in its folder's name, in a table, in ILSVRC's development kit."""

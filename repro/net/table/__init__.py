"""The layer table in pure Python, the one source of shapes and sizes; nothing here needs torch."""

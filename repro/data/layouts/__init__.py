"""The shapes that picture collections come in: one module a family, all giving the same `Layout`."""

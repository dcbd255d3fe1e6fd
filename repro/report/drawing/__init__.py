"""Axes, marks and numbers of every figure."""

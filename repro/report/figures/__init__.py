"""The figures of claims and studies."""

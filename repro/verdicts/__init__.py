"""From evidence to verdicts: statistics, forms of claims, the registry, the decision, the pytest plugin."""

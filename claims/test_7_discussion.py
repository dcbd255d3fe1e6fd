"""Section 7, Discussion."""

from repro.verdicts.authoring import all_of, claim, equal


@claim("S90")
def test_removing_any_middle_layer_costs_performance(evidence):
    return evidence.samples()


@claim("S91")
def test_depth_matters_at_equal_computation(evidence):
    return evidence.samples()


@claim("S92")
def test_nets_start_from_random_weights(evidence):
    parents = evidence.parents("base").items()
    start = "random weights"
    return all_of(equal(f"seed {seed}, trained from", parent or start, start) for seed, parent in parents)

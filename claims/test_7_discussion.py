"""Section 7, Discussion."""

from repro.verdicts.authoring import all_of, claim, equal


@claim("S90")
def test_removing_any_middle_layer_costs_performance(evidence):
    return evidence.each("remove_conv2", "remove_conv3", "remove_conv4", against="base")


@claim("S91")
def test_depth_matters_at_equal_computation(evidence):
    return evidence.arms("remove_conv4_compensated", "base")


@claim("S92")
def test_nets_start_from_random_weights(evidence):
    parents = evidence.parents("base").items()
    start = "random weights"
    return all_of(equal(f"seed {seed}, trained from", parent or start, start) for seed, parent in parents)

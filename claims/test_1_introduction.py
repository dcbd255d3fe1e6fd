"""Section 1, Introduction."""

from itertools import pairwise

from repro.verdicts.claim import claim
from repro.verdicts.comparison import all_of, at_most

FAR_FEWER = 0.1
SECONDS_PER_DAY = 86_400
# Multiply and add are two operations; backward costs about twice forward.
OPERATIONS_PER_MULTIPLY_ADD = 2 * 3


@claim("S11d")
def test_far_fewer_connections_and_parameters_than_fully_connected(definition):
    table = definition.table()
    sizes = [table.inputs, *(layer.neurons for layer in table)]
    connected = sum(before * after for before, after in pairwise(sizes))
    return all_of(
        at_most("parameters, share of a fully connected net's", table.parameters / connected, FAR_FEWER),
        at_most("connections, share of a fully connected net's", table.multiply_adds / connected, FAR_FEWER),
    )


@claim("S12")
def test_removing_any_convolutional_layer_hurts(evidence):
    return evidence.each(
        "remove_conv1", "remove_conv2", "remove_conv3", "remove_conv4", "remove_conv5", against="base"
    )


@claim("S13")
def test_no_convolutional_layer_holds_more_than_1_percent(definition):
    table = definition.table()
    return all_of(
        at_most(f"{layer.name}, share of parameters", layer.parameters / table.parameters, 0.01)
        for layer in table.convolutions
    )


@claim("S15")
def test_five_to_six_days_are_possible_on_two_cards(definition):
    printed = definition.printed
    pictures = printed["training_pictures"] * printed["epochs"]
    operations = pictures * definition.table().multiply_adds * OPERATIONS_PER_MULTIPLY_ADD
    fewest_days = min(printed["training_days"])
    peak = printed["gpus"] * printed["gpu_peak_operations_per_second"]
    return at_most("operations per second needed", operations / (fewest_days * SECONDS_PER_DAY), peak)

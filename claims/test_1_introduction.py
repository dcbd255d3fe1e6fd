"""Section 1, Introduction."""

from itertools import pairwise

from repro.verdicts.authoring import SECONDS_PER_DAY, CannotSay, all_of, at_most, claim, estimate

FAR_FEWER = 0.1
SIMPLE_TASK = "procedural"
CARD = "GTX 580"


@claim("S11a")
def test_larger_data_sets_give_better_performance(evidence):
    return evidence.samples()


@claim("S11c")
def test_simple_tasks_are_solved_with_small_data_sets(evidence):
    if evidence.data != SIMPLE_TASK:
        raise CannotSay("scale", f"the pictures of {evidence.study} are no simple task; the {SIMPLE_TASK} ones are")
    return evidence.samples()


@claim("S11d")
def test_far_fewer_connections_and_parameters_than_fully_connected(definition):
    table = definition.table()
    sizes = [table.inputs, *(layer.neurons for layer in table)]
    connected = sum(before * after for before, after in pairwise(sizes))
    return all_of(
        at_most("parameters, share of a fully connected net's", table.parameters / connected, FAR_FEWER),
        at_most("connections, share of a fully connected net's", table.multiply_adds / connected, FAR_FEWER),
    )


@claim("S11e")
def test_capacity_is_controlled_by_depth_and_breadth(evidence):
    return evidence.samples()


@claim("S11f")
def test_nets_rely_on_the_places_of_pixels(evidence):
    return evidence.samples()


@claim("S12")
def test_removing_any_convolutional_layer_hurts(evidence):
    return evidence.samples()


@claim("S13")
def test_no_convolutional_layer_holds_more_than_1_percent(definition):
    table = definition.table()
    shares = {layer.name: layer.parameters / table.parameters for layer in table}
    return all_of(
        at_most(f"{layer.name}, share of parameters", shares[layer.name], 0.01) for layer in table.convolutions
    ).beside("the fully connected layers' share", sum(shares[layer.name] for layer in table.connected))


@claim("S15")
def test_training_takes_five_to_six_days_on_two_cards(evidence):
    printed = evidence.definition.printed
    fewest, most = printed["training_days"]
    days = [
        run.epoch * printed["epochs"] / SECONDS_PER_DAY
        for accelerators, runs in evidence.timings("base").items()
        if evidence.at_paper_scale and len(accelerators) == 2 and all(CARD in name for name in accelerators)
        for run in runs
    ]
    if not days:
        possible = at_most(
            f"operations a second needed for {fewest} days",
            evidence.definition.training_rate(fewest),
            printed["gpus"] * printed["gpu_peak_operations_per_second"],
        )
        raise CannotSay(
            "hardware", f"{evidence.study} has no run of the full training on two {CARD}; by arithmetic: {possible}"
        )
    return estimate(f"days of {printed['epochs']} passes", min(days), max(days), above=fewest, at_most=most)


@claim("S16")
def test_larger_nets_more_data_and_longer_training_help(evidence):
    return evidence.samples()


@claim("S17c")
def test_overfitting_is_serious_without_remedies(evidence):
    return evidence.samples()


@claim("S17d")
def test_overfitting_is_not_severe_with_them(evidence):
    return evidence.samples()

"""The paper's abstract."""

from repro.verdicts.authoring import CannotSay, all_of, at_least, claim, equal, estimate, said, shown

MILLION = 1_000_000
# Of counts that the paper rounds.
PRINTED_WITHIN = 0.02
ROUGHLY = 0.1


@claim("S01")
def test_training_set_is_lsvrc_with_1000_classes(evidence):
    if evidence.contest != 2010:
        raise CannotSay("scale", f"{evidence.study} staged other pictures than those of LSVRC-2010")
    return all_of(
        equal("classes", evidence.classes, 1000),
        equal("training pictures", evidence.training_pictures, 1_200_000, within=ROUGHLY),
        equal("share of them that the base is trained on", evidence.share_trained_on("base"), 1.0),
    )


@claim("S02")
def test_errors_on_lsvrc_2010(evidence):
    return evidence.samples()


@claim("S03")
def test_errors_are_much_lower_than_the_best_before(definition):
    printed = definition.printed
    return all_of(
        at_least("top-1 gain in points", round(printed["sift_top1"] - printed["cnn_top1"], 1), 8.2),
        at_least("top-5 gain in points", round(printed["sift_top5"] - printed["cnn_top5"], 1), 8.7),
    )


@claim("S04")
def test_net_has_60_million_parameters(definition):
    return equal("parameters", definition.table().parameters, 60 * MILLION, within=PRINTED_WITHIN)


@claim("S05")
def test_net_has_650_000_neurons(definition):
    return equal("neurons", definition.table().neurons, 650_000, within=PRINTED_WITHIN)


@claim("S06")
def test_five_convolutional_and_three_connected_layers(definition):
    table = definition.table()
    return all_of(
        equal("convolutional layers", len(table.convolutions), 5),
        equal("fully connected layers", len(table.connected), 3),
        equal("pooled layers", [layer.name for layer in table if layer.pool], ["conv1", "conv2", "conv5"]),
        equal("outputs", table.layers[-1].out_maps, 1000),
        equal("nonlinearity of the last layer", table.layers[-1].activation, None),
    )


@claim("S07")
def test_units_that_do_not_saturate_train_faster(evidence):
    return evidence.samples()


@claim("S08")
def test_accelerators_train_faster_than_a_cpu_core(evidence):
    timings = evidence.timings("base")
    on_cpu = [run.step for run in timings.pop((), [])]
    if not on_cpu or not timings:
        days = max(evidence.definition.printed["training_days"])
        rate = shown(evidence.definition.training_rate(days))
        raise CannotSay(
            "hardware",
            f"{evidence.study} has no timed runs of the full-size base on both CPU and an accelerator; by arithmetic, "
            f"the authors' {days} days are {rate} operations a second on two GPUs",
        )
    return all_of(
        estimate(
            f"seconds of a step on CPU, times those on {said(accelerators)}",
            min(on_cpu) / max(run.step for run in runs),
            max(on_cpu) / min(run.step for run in runs),
            above=1,
        )
        for accelerators, runs in timings.items()
    )

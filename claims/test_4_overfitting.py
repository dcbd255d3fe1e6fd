"""Section 4, Reducing Overfitting."""

import math

from repro.verdicts.authoring import CannotSay, above, all_of, at_most, below, claim, equal, estimate, said

STORED_SIDE = 256
LITTLE = 0.01
FREE = 0.05


@claim("S48a")
def test_a_label_gives_about_10_bits(definition):
    return equal("bits", round(math.log2(definition.table().layers[-1].out_maps), 3), 10, within=0.05)


@claim("S48b")
def test_labels_give_fewer_bits_than_there_are_parameters(definition):
    printed, table = definition.printed, definition.table()
    bits = printed["training_pictures"] * math.log2(printed["classes"])
    return below("bits of all labels", bits, table.parameters)


@claim("S49")
def test_augmentation_is_in_effect_free(evidence):
    table = evidence.definition.table()
    # A copy for crop and reflection, a sum for the colour; training computes about three times a forward pass.
    share = 2 * table.inputs / (3 * table.multiply_adds)
    operations = at_most("operations on pixels, share of the net's multiply-adds", share, LITTLE)
    added = {
        accelerators: [run.augmentation for run in runs if run.augmentation is not None]
        for accelerators, runs in evidence.timings("base").items()
        if accelerators
    }
    if not any(added.values()):
        raise CannotSay(
            "hardware",
            f"{evidence.study} has no run of the full-size base that was timed on an accelerator; by arithmetic: "
            f"{operations}",
        )
    return all_of(
        operations,
        (
            estimate(f"time that both add to a step on {said(names)}", min(shares), max(shares), at_most=FREE)
            for names, shares in added.items()
            if shares
        ),
    )


@claim("S50")
def test_crops_and_reflections_give_2048_versions(definition):
    offsets = STORED_SIDE - definition.table().net.geometry.crop + 1
    return equal("versions of a picture", offsets**2 * 2, 2048)


@claim("S51")
def test_without_crops_and_reflections_the_net_overfits(evidence):
    return evidence.samples()


@claim("S52")
def test_without_crops_a_smaller_net_is_better(evidence):
    return evidence.samples()


@claim("S53")
def test_prediction_is_the_mean_over_ten_views(definition):
    fact = definition.fact("ten_views")
    corners_and_centre = [[0, 0], [0, 32], [32, 0], [32, 32], [16, 16]]
    return all_of(
        equal("offsets of the views", fact["offsets"], corners_and_centre),
        equal("views", fact["views"], 10),
        at_most("last five against mirror images of the first", fact["difference_from_mirrored"], 0.0),
        at_most("prediction against the mean softmax", fact["difference_from_mean_softmax"], 1e-6),
    )


@claim("S55a")
def test_colour_noise_has_the_covariance_of_the_components(definition):
    fact = definition.fact("colour_noise")
    return all_of(
        equal("deviation of the draws", fact["setting"], 0.1),
        at_most("covariance of shifts, relative error", fact["relative_error_of_covariance"], 0.05),
        at_most("variation of a shift over a picture's pixels", fact["variation_within_a_picture"], 1e-3),
        above("difference between two uses of a picture", fact["difference_between_uses"], 0.0),
    )


@claim("S55b")
def test_colour_noise_teaches_invariance_to_the_light(evidence):
    return evidence.samples()


@claim("S55c")
def test_colour_noise_lowers_the_error(evidence):
    return evidence.samples()


@claim("S57")
def test_dropout_silences_half_of_the_first_two_connected_layers(definition):
    fact = definition.fact("dropout")
    rates = {layer.name: layer.dropout for layer in definition.table()}
    return all_of(
        equal("layers with dropout", [name for name, rate in rates.items() if rate], ["fc6", "fc7"]),
        (equal(f"{name}, probability", rates[name], 0.5) for name in ("fc6", "fc7")),
        (equal(f"{name}, dropped share", fact["dropped_share"][name], 0.5, within=0.02) for name in ("fc6", "fc7")),
        equal("largest output of a dropped unit", fact["largest_output_of_dropped"], 0.0),
        equal("largest gradient of a dropped unit", fact["largest_gradient_of_dropped"], 0.0),
        above("largest gradient of a kept unit", fact["largest_gradient_of_kept"], 0.0),
    )


@claim("S58")
def test_dropout_reduces_co_adaptation(evidence):
    return evidence.samples()


@claim("S59")
def test_scaled_outputs_approximate_the_geometric_mean(evidence):
    has_dropout = evidence.net("base").dropout.probability > 0
    return evidence.samples("base" if has_dropout else "dropout")


@claim("S60a")
def test_without_dropout_the_net_overfits(evidence):
    return evidence.samples()


@claim("S60b")
def test_dropout_doubles_the_iterations_to_convergence(evidence):
    return evidence.samples()

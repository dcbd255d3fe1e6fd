"""Section 3, The Architecture."""

from repro.verdicts.authoring import CannotSay, above, all_of, at_least, at_most, below, claim, equal, estimate, shown

FLOAT = 4
CIFAR_10 = {"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"}
OWN_TOWER = ("conv2", "conv4", "conv5")
BOTH_TOWERS = ("conv3", "fc6", "fc7")
# Half the kernels in conv1 to conv4; conv5 and the fully connected layers at full width (section 3.2).
ONE_GPU = {"towers": 1, "widths": {"conv": (48, 128, 192, 192, 256)}}
# Share of the computation's time that communication may take.
ACCEPTABLE = 0.1
# The one-GPU net takes longer, and at most a quarter longer.
SLIGHTLY = 1.25


@claim("S19")
def test_features_come_in_the_order_of_their_importance(evidence):
    return evidence.samples()


# ---- 3.1 ReLU Nonlinearity


@claim("S20")
def test_saturating_units_train_several_times_more_slowly(evidence):
    return evidence.samples()


@claim("S21")
def test_relu_is_six_times_faster_on_cifar_10(evidence):
    _needs_four_layers_on_cifar_10(evidence)
    return evidence.samples()


@claim("S22")
def test_relu_is_consistently_faster(evidence):
    return evidence.samples()


@claim("S25")
def test_learning_faster_gives_a_better_net(evidence):
    return evidence.samples()


def _needs_four_layers_on_cifar_10(evidence):
    if evidence.net("base").architecture != "four_layer":
        raise CannotSay("scale", f"the nets of {evidence.study} are not the four-layer ones")
    if {name.lower() for name in evidence.class_names} != CIFAR_10:
        raise CannotSay("scale", f"the pictures of {evidence.study} are not those of CIFAR-10")


# ---- 3.2 Two GPUs


@claim("S26")
def test_training_does_not_fit_into_3_gb(definition):
    table, batch = definition.table(), definition.printed["batch"]
    parameters = 3 * table.parameters * FLOAT  # weights, gradients, velocities
    outputs = table.inputs + sum(_kept(layer) for layer in table)
    separate = outputs + sum(layer.neurons for layer in table)  # sums and activations apart
    return estimate(
        "bytes for training",
        parameters + outputs * batch * FLOAT,
        parameters + 2 * separate * batch * FLOAT,  # and as much again for what flows back
        above=definition.printed["gpu_memory_bytes"],
    )


def _kept(layer):
    """Values that one picture leaves behind in a layer for the way back."""
    normalised = 2 * layer.neurons if layer.normalised else 0
    return layer.neurons + normalised + (layer.outputs if layer.pool else 0)


@claim("S27")
def test_layers_2_4_5_see_their_own_gpu_only(definition):
    reach = definition.fact("gradient_between_towers")
    crossing = definition.fact("normalisation_between_towers")
    return all_of(
        (equal(f"{name}, gradient to the other tower", reach[name], 0.0) for name in OWN_TOWER),
        (above(f"{name}, gradient to the other tower", reach[name], 0.0) for name in BOTH_TOWERS),
        (equal(f"{name}'s normalisation, gradient to the other tower", crossing[name], 0.0) for name in crossing),
        (equal(f"towers of {layer.name}", layer.towers, 2) for layer in definition.table().convolutions),
    )


@claim("S28a")
def test_communication_is_a_small_fraction_of_computation(definition):
    table, printed = definition.table(), definition.printed
    # What goes forward has a gradient that comes back.
    communication = 2 * table.crossing_values * FLOAT / printed["gpu_link_bytes_per_second"]
    computation = table.training_operations / (printed["gpus"] * printed["gpu_peak_operations_per_second"])
    return all_of(
        at_most("time of communication, share of that of computation", communication / computation, ACCEPTABLE),
        above("values crossing", table.crossing_values, 0),
    )


@claim("S29")
def test_columns_are_not_independent(definition):
    return above("conv3, gradient to the other tower", definition.fact("gradient_between_towers")["conv3"], 0.0)


@claim("S30")
def test_two_towers_beat_one_of_half_width(evidence):
    return evidence.samples()


@claim("S31")
def test_one_gpu_net_has_about_as_many_parameters(definition):
    table, half = definition.table(), definition.table(**ONE_GPU)
    return all_of(
        equal("parameters of the one-GPU net", half.parameters, table.parameters, within=0.05),
        at_least("fc6, share of the parameters", table["fc6"].parameters / table.parameters, 0.5),
        equal("kernels of the last convolutional layer", half["conv5"].out_maps, table["conv5"].out_maps),
    )


@claim("S32")
def test_one_gpu_net_is_bigger_than_half(definition):
    table, half = definition.table(), definition.table(**ONE_GPU)
    return all_of(
        above("parameters, share of the two-GPU net's", half.parameters / table.parameters, 0.5),
        above("multiply-adds, share of the two-GPU net's", half.multiply_adds / table.multiply_adds, 0.5),
    )


@claim("S33")
def test_two_gpus_take_slightly_less_time_than_one(evidence):
    on_two, on_one = evidence.timings("base"), evidence.timings("half_width_one_tower")
    estimates = [
        estimate(
            f"seconds of a step on 1 x {name}, times those on 2",
            min(run.step for run in one) / max(run.step for run in two),
            max(run.step for run in one) / min(run.step for run in two),
            above=1,
            at_most=SLIGHTLY,
        )
        for (name,), one in ((names, runs) for names, runs in on_one.items() if len(names) == 1)
        if (two := on_two.get((name, name)))
    ]
    if not estimates:
        table, half = evidence.definition.table(), evidence.definition.table(**ONE_GPU)
        ratio = half.multiply_adds / (table.multiply_adds / 2)
        raise CannotSay(
            "hardware",
            f"{evidence.study} has no timed runs of the full-size net on two accelerators and of the one-GPU net on "
            "one of them; by arithmetic, without communication: multiply-adds of the one-GPU net, times those on each "
            f"of two GPUs, {shown(ratio)}",
        )
    return all_of(estimates)


# ---- 3.3 Response normalisation


@claim("S34a")
def test_a_relu_learns_if_some_example_gives_positive_input(definition):
    fact = definition.fact("relu_gradient")
    return all_of(
        equal("largest gradient without a positive input", fact["largest_without_positive_input"], 0.0),
        above("smallest gradient with one", fact["smallest_with_a_positive_input"], 0.0),
        equal("gradient at a large input", fact["at_a_large_input"], 1.0),
    )


@claim("S34b")
def test_normalisation_helps_generalisation(evidence):
    return evidence.samples()


@claim("S35")
def test_response_normalisation_follows_the_formula(definition):
    fact = definition.fact("normalisation")
    rules = [layer.normalisation for layer in definition.table() if layer.normalised]
    constants = [[rule.size, rule.k, rule.alpha, rule.beta] for rule in rules]
    return all_of(
        at_most("largest difference from the formula as a loop", fact["largest_difference_from_loop"], 1e-10),
        above("change when maps are permuted", fact["change_when_maps_are_permuted"], 0.0),
        equal("n, k, alpha, beta after conv1 and conv2", constants, [[5, 2.0, 1e-4, 0.75]] * 2),
    )


@claim("S36")
def test_kernels_at_a_place_compete(definition):
    fact = definition.fact("normalisation")
    return all_of(
        below("largest derivative by a neighbouring map", fact["largest_derivative_in_window"], 0.0),
        equal("largest derivative by a map further off", fact["largest_derivative_outside"], 0.0),
    )


@claim("S37")
def test_brightness_normalisation_subtracts_no_mean(definition):
    fact = definition.fact("normalisation")
    return at_least("change when 10 is added to all maps", fact["change_when_a_constant_is_added"], 1.0)


@claim("S38")
def test_normalisation_lowers_the_error(evidence):
    return evidence.samples()


@claim("S39")
def test_normalisation_lowers_the_error_on_cifar_10(evidence):
    _needs_four_layers_on_cifar_10(evidence)
    return evidence.samples()


# ---- 3.4 Overlapping pooling


@claim("S40")
def test_pooling_overlaps_throughout(definition):
    pools = {layer.name: layer.pool for layer in definition.table() if layer.pool}
    return all_of(
        equal("pooled layers", list(pools), ["conv1", "conv2", "conv5"]),
        (equal(f"z and s after {name}", list(pool), [3, 2]) for name, pool in pools.items()),
    )


@claim("S41")
def test_overlapping_pooling_lowers_the_error(evidence):
    _needs_equal_maps(evidence, "non_overlapping_pooling", "base")
    return evidence.samples()


@claim("S42")
def test_pooling_2_2_gives_the_same_dimensions(definition):
    table, other = definition.table(), definition.table(pooling={"size": 2, "stride": 2})
    return all_of(
        equal(f"side after {layer.name}", other[layer.name].out_side, layer.out_side) for layer in table.convolutions
    )


@claim("S43")
def test_overlapping_pooling_is_harder_to_overfit(evidence):
    _needs_equal_maps(evidence, "non_overlapping_pooling", "base")
    return evidence.samples()


def _needs_equal_maps(evidence, first, second):
    """Where the geometry gives other maps, more than the overlap differs."""
    sides = [[layer.out_side for layer in evidence.table(name)] for name in (first, second)]
    if sides[0] != sides[1]:
        raise CannotSay("scale", f"the maps of {first} in {evidence.study} have other sides than those of {second}")


# ---- 3.5 Overall architecture


@claim("S44")
def test_objective_is_the_mean_log_probability_of_the_label(definition):
    return at_most("difference of loss and minus that mean", definition.fact("loss")["largest_difference"], 1e-10)


@claim("S45")
def test_layers_are_connected_normalised_pooled_and_rectified_as_told(definition):
    table = definition.table()
    return all_of(
        equal("layers that read their own GPU", _named(table, lambda layer: layer.reads == "own"), [*OWN_TOWER]),
        equal("conv3 reads", table["conv3"].reads, "both"),
        equal("normalised layers", _named(table, lambda layer: layer.normalised), ["conv1", "conv2"]),
        equal("pooled layers", _named(table, lambda layer: layer.pool), ["conv1", "conv2", "conv5"]),
        (equal(f"nonlinearity of {layer.name}", layer.activation, "relu") for layer in table.layers[:-1]),
    )


def _named(table, condition):
    return [layer.name for layer in table if condition(layer)]


@claim("S46")
def test_kernels_have_the_printed_shapes(definition):
    table = definition.table()
    shapes = {layer.name: [layer.out_maps, layer.kernel, layer.in_maps] for layer in table.convolutions}
    printed = {
        "conv1": [96, 11, 3],
        "conv2": [256, 5, 48],
        "conv3": [384, 3, 256],
        "conv4": [384, 3, 192],
        "conv5": [256, 3, 192],
    }
    return all_of(
        (equal(f"{name}: kernels, side, maps read", shapes.get(name), shape) for name, shape in printed.items()),
        equal("stride of conv1", table["conv1"].stride, 4),
        equal("side of the input", table["conv1"].in_side, 224),
        (equal(f"units of {name}", table[name].out_maps, 4096) for name in ("fc6", "fc7")),
    )


@claim("S47")
def test_layers_have_the_printed_numbers_of_neurons(definition):
    table = definition.table()
    printed = [253_440, 186_624, 64_896, 64_896, 43_264, 4096, 4096, 1000]
    return all_of(
        equal("input dimensions", table.inputs, 150_528),
        (
            equal(f"neurons of {layer.name}", layer.neurons, number)
            for layer, number in zip(table, printed, strict=True)
        ),
    )

"""Section 5, Details of learning."""

from itertools import pairwise

from repro.verdicts.authoring import CannotSay, all_of, at_most, between, claim, equal

BIASES_OF_1 = ("conv2", "conv4", "conv5", "fc6", "fc7")
BIASES_OF_0 = ("conv1", "conv3", "fc8")


@claim("S61a")
def test_update_rule_and_its_constants(definition):
    fact = definition.fact("update_rule")
    return all_of(
        equal("batch", fact["batch_size"], 128),
        equal("momentum", fact["momentum"], 0.9),
        equal("weight decay", fact["weight_decay"], 0.0005),
        at_most("difference from the printed recursion", fact["largest_difference_from_recursion"], 1e-12),
    )


@claim("S61b")
def test_weight_decay_is_important_for_learning(evidence):
    return evidence.samples()


@claim("S61c")
def test_weight_decay_lowers_the_training_error(evidence):
    return evidence.samples()


@claim("S62")
def test_initial_weights_and_biases(definition):
    fact = definition.fact("initial_values")
    return all_of(
        equal("layers", sorted(fact), sorted(BIASES_OF_1 + BIASES_OF_0)),
        (equal(f"{name}, deviation", values["deviation"], 0.01, within=0.02) for name, values in fact.items()),
        (at_most(f"{name}, mean off 0, standard errors", values["mean_in_se"], 5.0) for name, values in fact.items()),
        (equal(f"{name}, biases", fact[name]["biases"], [1.0]) for name in BIASES_OF_1),
        (equal(f"{name}, biases", fact[name]["biases"], [0.0]) for name in BIASES_OF_0),
    )


@claim("S63")
def test_biases_of_1_speed_up_the_first_stages(evidence):
    return evidence.samples()


@claim("S64")
def test_all_layers_learn_at_the_same_rate(definition):
    rates = definition.fact("learning_rates")
    return equal("different rates among the layers", len(set(rates.values())), 1)


@claim("S65")
def test_learning_rate_falls_three_times_on_plateaus(evidence):
    if evidence.setting("base", "training", "schedule", "kind") != "plateau":
        raise CannotSay("scale", f"{evidence.study} does not follow the paper's schedule")
    curves = evidence.curves("base", "learning_rate").items()
    return all_of(
        (equal(f"seed {seed}, first rate", rates[0], 0.01, within=1e-6) for seed, rates in curves),
        (equal(f"seed {seed}, reductions", len(_falls(rates)), 3) for seed, rates in curves),
        (
            equal(f"seed {seed}, divided by", factor, 10, within=1e-6)
            for seed, rates in curves
            for factor in _falls(rates)
        ),
        (between(f"seed {seed}, epochs", len(rates), 75, 105) for seed, rates in curves),
    )


def _falls(rates):
    """By what the rate was divided each time that it fell."""
    return [before / after for before, after in pairwise(rates) if after != before]

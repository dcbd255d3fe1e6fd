"""Facts see what they are meant to see: each changes when the code that it measures is changed."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from repro.facts import net_facts, recipe_facts
from repro.facts.measure import measure_facts
from repro.net.alexnet import AlexNet
from repro.net.table.layers import layer_table
from repro.net.table.settings import Dropout, Geometry, InitialValues, NetSettings, Widths
from repro.study.settings import Augmentation, TrainingSettings
from repro.training.update_rule import PaperSGD


def _small(**changes: Any) -> NetSettings:
    return NetSettings(geometry=Geometry(crop=67), widths=Widths(conv=(8, 16, 16, 16, 16), fc=(32, 32)), **changes)


def _value(fact: dict[str, Any]) -> Any:
    assert set(fact) == {"value", "how"}
    assert fact["how"][0].islower() or fact["how"][0].isdigit()
    return fact["value"]


def test_towers_meet_where_the_settings_say() -> None:
    met = _value(net_facts.gradient_between_towers(AlexNet(_small(), 10, 0).eval()))
    assert {name for name, value in met.items() if value > 0} == {"conv3", "fc6", "fc7", "fc8"}
    other = _small(crossings=("conv2", "fc7"))
    met = _value(net_facts.gradient_between_towers(AlexNet(other, 10, 0).eval()))
    assert {name for name, value in met.items() if value > 0} == {"conv2", "fc7", "fc8"}


def test_normalisation_without_cuts_would_be_seen() -> None:
    net = AlexNet(_small(), 10, 0).eval()
    assert set(_value(net_facts.normalisation_between_towers(net)).values()) == {0.0}
    module = net.layers[0].normalisation
    assert module is not None
    module.blocks = 1
    module.band = torch.ones(8, 8, 1, 1)
    assert _value(net_facts.normalisation_between_towers(net))["conv1"] > 0


def test_a_wrong_constant_of_normalisation_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    rule = layer_table(_small(), 10)[0].normalisation
    assert rule is not None
    assert _value(net_facts.normalisation(rule))["largest_difference_from_loop"] < 1e-10
    monkeypatch.setattr(
        "repro.net.normalisation.normalise",
        lambda x, window_sum, rule, **_: x / window_sum(x * x, rule.alpha / rule.size, rule.k) ** rule.beta,
    )
    assert _value(net_facts.normalisation(rule))["largest_difference_from_loop"] > 1e-3


def test_dropout_without_a_mask_and_another_rate_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    shares = _value(net_facts.dropout(_small(dropout=Dropout(probability=0.25))))["dropped_share"]
    assert shares["fc6"] == pytest.approx(0.25, abs=0.05)
    monkeypatch.setattr("repro.net.layer_module.dropout", lambda x, *rest: x)
    value = _value(net_facts.dropout(_small()))
    assert value["largest_output_of_dropped"] > 0
    assert value["largest_gradient_of_dropped"] > 0


def test_no_scaling_at_test_time_would_be_seen() -> None:
    assert _value(net_facts.dropout_geometric_mean(_small()))["total_variation"] < 1e-12
    unscaled = _small(dropout=Dropout(probability=0.1))
    assert _value(net_facts.dropout_geometric_mean(unscaled))["total_variation"] > 1e-3


def test_other_initial_values_would_be_seen() -> None:
    net = AlexNet(_small(initial_values=InitialValues(rule="he", he_bias=0.1)), 10, 0)
    value = _value(net_facts.initial_values(net))
    assert value["conv3"]["deviation"] > 0.05
    assert value["conv2"]["biases"] == pytest.approx([0.1])


def test_positive_inputs_leave_the_net_as_it_was() -> None:
    net = AlexNet(_small(), 10, 0).eval()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    value = _value(net_facts.positive_inputs(net))
    assert value["fc7"]["biases_1"] > value["fc7"]["biases_0"]
    assert all(torch.equal(before[name], now) for name, now in net.state_dict().items())


def test_a_nonlinearity_that_saturates_would_be_seen() -> None:
    assert _value(net_facts.relu_gradient(_small()))["at_a_large_input"] == 1.0
    value = _value(net_facts.relu_gradient(_small(activation="tanh")))
    assert value["at_a_large_input"] == 0.0
    assert value["largest_without_positive_input"] > 0


def test_another_update_rule_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def as_torch_does(self: PaperSGD, rates: Any) -> None:
        with torch.no_grad():
            for name, value in self.parameters.items():
                assert value.grad is not None
                decayed = value.grad + 0.0005 * value
                self.velocities[name].mul_(self.momentum).add_(decayed)
                value.sub_(self.velocities[name] * rates.weights)

    assert _value(recipe_facts.update_rule(TrainingSettings()))["largest_difference_from_recursion"] < 1e-14
    monkeypatch.setattr(PaperSGD, "step", as_torch_does)
    assert _value(recipe_facts.update_rule(TrainingSettings()))["largest_difference_from_recursion"] > 1e-4


def test_colour_noise_in_other_units_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    training = TrainingSettings()
    assert _value(recipe_facts.colour_noise(training))["relative_error_of_covariance"] < 0.05
    none = TrainingSettings(augmentation=Augmentation(colour_noise=0.0))
    assert _value(recipe_facts.colour_noise(none))["difference_between_uses"] == 0
    by_eigenvalue = recipe_facts.colour_shifts
    monkeypatch.setattr(recipe_facts, "colour_shifts", lambda *words: by_eigenvalue(*words) * 10)
    assert _value(recipe_facts.colour_noise(training))["relative_error_of_covariance"] > 1


def test_fidelities_differ_in_the_facts_that_their_switches_name() -> None:
    authors, modern = measure_facts("authors"), measure_facts("modern")
    assert authors["initial_values"]["value"]["conv4"]["deviation"] == pytest.approx(0.03, rel=0.02)
    assert len(set(authors["learning_rates"]["value"].values())) == 2
    assert "gradient_between_towers" not in modern
    assert "normalisation" not in modern

"""The paper's update rule (section 5) against its own recursion and against torch.optim.SGD."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from repro.study.settings import TrainingSettings
from repro.training.update_rule import PaperSGD, Rates

GRADIENTS = (1.0, 2.0, -1.0, 0.5)
RATES = (0.01, 0.01, 0.001, 0.001)


def train_one_weight(name: str, gradients, rates, **settings) -> list[float]:
    value = torch.ones(1, dtype=torch.float64)
    rule = PaperSGD([(name, value)], TrainingSettings.model_validate(settings))
    trail = []
    for gradient, rate in zip(gradients, rates, strict=True):
        value.grad = torch.full_like(value, gradient)
        rule.step(Rates(rate, rate))
        trail.append(float(value))
    return trail


def test_four_steps_by_hand():
    assert train_one_weight("w.weight", GRADIENTS, RATES) == pytest.approx(
        [0.989995, 0.96098555, 0.9358765646, 0.9127780097], abs=1e-10
    )


def test_differs_from_torch_after_the_rate_falls():
    value = torch.nn.Parameter(torch.ones(1, dtype=torch.float64))
    optimiser = torch.optim.SGD([value], lr=0.01, momentum=0.9, weight_decay=0.0005)
    trail = []
    for gradient, rate in zip(GRADIENTS, RATES, strict=True):
        optimiser.param_groups[0]["lr"] = rate
        value.grad = torch.full_like(value, gradient)
        optimiser.step()
        trail.append(float(value.detach()))
    ours = train_one_weight("w.weight", GRADIENTS, RATES)
    assert ours[:2] == pytest.approx(trail[:2], abs=1e-12)
    assert abs(ours[2] - trail[2]) > 0.01


@given(
    st.lists(st.floats(-2, 2), min_size=1, max_size=12),
    st.floats(1e-4, 0.1),
    st.floats(0, 0.99),
    st.floats(0, 0.01),
)
def test_any_trail_is_the_recursion(gradients, rate, momentum, decay):
    ours = train_one_weight("w.weight", gradients, [rate] * len(gradients), momentum=momentum, weight_decay=decay)
    weight, velocity = 1.0, 0.0
    for gradient, got in zip(gradients, ours, strict=True):
        velocity = momentum * velocity - decay * rate * weight - rate * gradient
        weight += velocity
        assert got == pytest.approx(weight, abs=1e-12)


def test_biases_do_not_decay_unless_told_to():
    still = train_one_weight("conv1.bias", [0.0], [0.1])
    decayed = train_one_weight("conv1.bias", [0.0], [0.1], decay_biases=True)
    assert still == [1.0]
    assert decayed[0] < 1.0


def test_a_parameter_without_gradient_is_an_error():
    rule = PaperSGD([("lost.weight", torch.ones(1))], TrainingSettings())
    with pytest.raises(RuntimeError, match=r"lost\.weight has no gradient"):
        rule.step(Rates(0.1, 0.1))


def test_biases_that_decay_do_so_at_their_own_rate():
    """The released code gives biases twice the weights' rate, and multiplies each parameter's decay by its own."""
    values = {name: torch.ones(1, dtype=torch.float64) for name in ("conv1.weight", "conv1.bias")}
    rule = PaperSGD(values.items(), TrainingSettings(weight_decay=0.0005, decay_biases=True))
    for value in values.values():
        value.grad = torch.zeros_like(value)
    rule.step(Rates(weights=0.1, biases=0.2))
    assert float(values["conv1.weight"]) == pytest.approx(1 - 0.0005 * 0.1, abs=1e-12)
    assert float(values["conv1.bias"]) == pytest.approx(1 - 0.0005 * 0.2, abs=1e-12)

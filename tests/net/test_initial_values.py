"""Initial values: section 5's moments, He's, torch's, and independence from placement."""

from __future__ import annotations

import math

import pytest
import torch

from repro.net.alexnet import AlexNet, tower_state
from repro.net.initial_values import initial_bias, initial_weight
from repro.net.table.layers import layer_table
from repro.net.table.settings import NetSettings
from tests.net.nets import SMALL, TINY, net


def test_printed_moments() -> None:
    """N(0, 0.01) everywhere, biases 1 in conv2, conv4, conv5, fc6 and fc7, else 0."""
    for layer in layer_table(net({"widths": {"fc": [512, 512]}}), 100):
        for tower in (0, 1):
            weight = initial_weight(layer, tower, seed=3)
            n = weight.numel()
            assert abs(weight.mean().item()) < 5 * 0.01 / math.sqrt(n)
            assert abs(weight.std().item() / 0.01 - 1) < 5 / math.sqrt(2 * n)
            kurtosis = (weight.double() / 0.01).pow(4).mean().item()
            assert abs(kurtosis - 3) < 5 * math.sqrt(96 / n)
            expected = 1.0 if layer.name in ("conv2", "conv4", "conv5", "fc6", "fc7") else 0.0
            assert (initial_bias(layer, tower, seed=3) == expected).all()


def test_he_deviations() -> None:
    settings = net(SMALL, {"initial_values": {"conv1_gain": 0.25, "he_bias": 0.1}})
    for layer in layer_table(settings, 10):
        gain = {"conv1": 0.25}.get(layer.name, 1.0)
        expected = 0.01 if layer.name == "fc8" else gain * math.sqrt(2 / layer.fan_in)
        assert layer.initial_deviation == pytest.approx(expected)
        assert layer.initial_bias == (0.1 if layer.name in ("conv2", "conv4", "conv5", "fc6", "fc7") else 0.0)


def test_the_first_layer_left_takes_conv1s_gain() -> None:
    settings = net(SMALL, {"removed": ["conv1"], "initial_values": {"conv1_gain": 0.25}})
    assert layer_table(settings, 10)[0].initial_deviation == pytest.approx(0.25 * math.sqrt(2 / 75))


def test_uniform_as_torch_does_it() -> None:
    settings = net(SMALL, {"initial_values": {"rule": "uniform"}})
    for layer in layer_table(settings, 10):
        bound = 1 / math.sqrt(layer.fan_in)
        weight = initial_weight(layer, 0, seed=1)
        assert weight.abs().max().item() <= bound * (1 + 1e-6)
        assert weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.1)
        assert 0 < initial_bias(layer, 0, seed=1).abs().max().item() <= bound * (1 + 1e-6)


def test_a_towers_values_depend_on_seed_tower_and_name_only() -> None:
    state = tower_state(AlexNet(net(TINY), 5, seed=7))
    other = tower_state(AlexNet(net(TINY, {"crossings": [], "removed": ["conv3"]}), 9, seed=7))
    assert torch.equal(state["tower1.conv2.weight"], other["tower1.conv2.weight"])
    assert not torch.equal(state["tower0.conv2.weight"], state["tower1.conv2.weight"])
    again = tower_state(AlexNet(net(TINY), 5, seed=8))
    assert not torch.equal(state["tower0.conv2.weight"], again["tower0.conv2.weight"])


def test_drawing_leaves_torchs_stream_alone_and_ignores_it() -> None:
    torch.manual_seed(1)
    first = tower_state(AlexNet(net(TINY), 5, seed=0))
    drawn = torch.rand(3)
    torch.manual_seed(1)
    assert torch.equal(drawn, torch.rand(3))
    second = tower_state(AlexNet(net(TINY), 5, seed=0))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_precision_does_not_change_the_draws() -> None:
    single = AlexNet(net(TINY), 5, 0).state_dict()
    double = AlexNet(net(TINY), 5, 0, torch.float64).state_dict()
    assert all(torch.equal(single[name].double(), double[name]) for name in single)


def test_golden_values() -> None:
    """The first kernel's first row of the paper's tower 0: if this changes, old runs are not repeatable."""
    layer = layer_table(NetSettings(), 1000)[0]
    values = initial_weight(layer, 0, seed=0)[0, 0, 0, :3].tolist()
    assert values == pytest.approx([-0.00520003, -0.00518834, 0.01923714], abs=1e-8)


def test_uniform_biases_are_draws_of_their_own() -> None:
    """Not the first of the layer's weights, which have the same bounds."""
    settings = net(SMALL, {"initial_values": {"rule": "uniform"}})
    for layer in layer_table(settings, 10):
        bias = initial_bias(layer, 0, seed=1)
        assert not torch.isclose(bias, initial_weight(layer, 0, seed=1).flatten()[: len(bias)]).any()

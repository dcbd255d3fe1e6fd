"""The four-layer CIFAR-10 net: its table by hand, unshared convolution against a loop, what does not apply."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from repro.errors import UserError
from repro.net.alexnet import AlexNet, load_tower_state, tower_state
from repro.net.layer_module import unshared_convolution
from repro.net.state import tower_shapes
from repro.net.table import layers
from repro.net.table.activation import ACTIVATIONS
from repro.net.table.describe import describe, describe_text
from repro.net.table.layers import layer_table
from repro.net.table.settings import NetSettings
from repro.net.towers import TowerNet
from tests.net.nets import net

DOUBLE = torch.float64
RELEASED: dict[str, Any] = {
    "architecture": "four_layer",
    "towers": 1,
    "geometry": {"crop": 24},
    "normalisation": {"layers": []},
    "pooling": {"layers": ["conv1", "conv2"], "rounding": "ceil"},
    "dropout": {"probability": 0.0},
}
NORMALISED: dict[str, Any] = {
    "normalisation": {
        "layers": ["conv1", "conv2"],
        "after_pooling": ["conv1"],
        "size": 9,
        "k": 1.0,
        "alpha": 1e-3 / 9,
    }
}
TINY: dict[str, Any] = {
    "geometry": {"crop": 9},
    "four_layer": {"conv": [4, 6], "local": [5, 4], "conv_kernel": 3, "conv_padding": 1},
    "initial_values": {"rule": "he"},
}


def pictures(settings: NetSettings, count: int = 2) -> Tensor:
    side = settings.geometry.crop
    return torch.randn(count, 3, side, side, generator=torch.Generator().manual_seed(0), dtype=DOUBLE)


def by_a_loop(x: Tensor, weight: Tensor, bias: Tensor, padding: int) -> Tensor:
    kernels, rows, columns, _, height, width = weight.shape
    x = F.pad(x, (padding,) * 4)
    sums = [
        (x[:, :, row : row + height, column : column + width] * weight[kernel, row, column]).sum((1, 2, 3))
        + bias[kernel, row, column]
        for kernel in range(kernels)
        for row in range(rows)
        for column in range(columns)
    ]
    return torch.stack(sums, 1).view(-1, kernels, rows, columns)


@given(
    side=st.integers(3, 6),
    kernel=st.integers(1, 3),
    padding=st.integers(0, 2),
    maps=st.integers(1, 3),
    kernels=st.integers(1, 3),
    channels_last=st.booleans(),
)
@settings(max_examples=25, deadline=None)
def test_unshared_convolution_is_the_loop_with_its_gradients(side, kernel, padding, maps, kernels, channels_last):
    generator = torch.Generator().manual_seed(side)
    out = side + 2 * padding - kernel + 1
    x = torch.randn(2, maps, side, side, generator=generator, dtype=DOUBLE)
    if channels_last:
        x = x.contiguous(memory_format=torch.channels_last)
    weight = torch.randn(kernels, out, out, maps, kernel, kernel, generator=generator, dtype=DOUBLE)
    bias = torch.randn(kernels, out, out, generator=generator, dtype=DOUBLE)
    factor = torch.randn(2, kernels, out, out, generator=generator, dtype=DOUBLE)
    found = []
    for compute in (unshared_convolution, by_a_loop):
        leaves = [value.clone().requires_grad_() for value in (x, weight, bias)]
        result = compute(*leaves, padding)
        found.append([result, *torch.autograd.grad((result * factor).sum(), leaves)])
    for ours, loops in zip(*found, strict=True):
        torch.testing.assert_close(ours, loops, rtol=1e-12, atol=1e-12)


def test_equal_weights_at_every_place_are_a_convolution():
    x = torch.randn(2, 3, 6, 6, dtype=DOUBLE)
    kernel, bias = torch.randn(4, 3, 3, 3, dtype=DOUBLE), torch.randn(4, dtype=DOUBLE)
    weight = kernel[:, None, None].expand(-1, 6, 6, -1, -1, -1)
    ours = unshared_convolution(x, weight, bias[:, None, None].expand(-1, 6, 6), 1)
    torch.testing.assert_close(ours, F.conv2d(x, kernel, bias, padding=1))


def test_the_released_net_by_hand():
    table = layer_table(net(RELEASED), 10)
    rows = [
        (layer.name, layer.kind, layer.weights, layer.biases, layer.neurons, layer.multiply_adds, layer.out_side)
        for layer in table
    ]
    assert rows == [
        ("conv1", "conv", 64 * 75, 64, 64 * 576, 64 * 576 * 75, 12),
        ("conv2", "conv", 64 * 1600, 64, 64 * 144, 64 * 144 * 1600, 6),
        ("local3", "local", 36 * 32 * 576, 36 * 32, 36 * 32, 36 * 32 * 576, 6),
        ("local4", "local", 36 * 32 * 288, 36 * 32, 36 * 32, 36 * 32 * 288, 6),
        ("fc5", "fc", 11_520, 10, 10, 11_520, 1),
    ]
    assert [layer.initial_deviation for layer in table] == [1e-4, 0.01, 0.04, 0.04, 0.01]
    assert {layer.initial_bias for layer in table} == {0.0}
    assert [layer.activation for layer in table] == ["relu"] * 4 + [None]
    assert not any(layer.normalised or layer.dropout for layer in table)
    assert layers.traffic(table) == ()


def test_the_net_with_11_percent_error():
    table = layer_table(net(RELEASED, NORMALISED, {"four_layer": {"local": [64, 32]}}), 10)
    assert [layer.out_maps for layer in table] == [64, 64, 64, 32, 10]
    rules = [layer.normalisation for layer in table]
    assert [rule and (rule.size, rule.k, rule.alpha, rule.beta, rule.place) for rule in rules] == [
        (9, 1.0, 1e-3 / 9, 0.75, "after_pooling"),
        (9, 1.0, 1e-3 / 9, 0.75, "after_activation"),
        None,
        None,
        None,
    ]


def test_every_width_kernel_and_padding_is_its_own_layers():
    """Unlike the released net's, no two of these are alike."""
    own = {"conv": [4, 6], "local": [5, 7], "conv_kernel": 3, "conv_padding": 1, "local_kernel": 5, "local_padding": 2}
    table = layer_table(net(RELEASED, {"four_layer": own}), 3)
    assert [(layer.out_maps, layer.in_maps, layer.kernel, layer.padding) for layer in table[:-1]] == [
        (4, 3, 3, (1, 1)),
        (6, 4, 3, (1, 1)),
        (5, 6, 5, (2, 2)),
        (7, 5, 5, (2, 2)),
    ]
    assert (table[-1].out_maps, table[-1].in_maps) == (3, 7 * 6 * 6)


def test_the_whole_net_is_its_layers_one_after_the_other():
    model = AlexNet(net(RELEASED, NORMALISED, TINY), 3, 0, DOUBLE)
    x = pictures(model.net)
    own = dict(model.named_parameters())

    def normalised(values: Tensor) -> Tensor:
        return F.local_response_norm(values, 9, 1e-3, 0.75, 1.0)  # torch divides alpha by the size

    def pooled(values: Tensor) -> Tensor:
        return F.max_pool2d(values, 3, 2, ceil_mode=True)

    y = normalised(pooled(torch.relu(F.conv2d(x, own["conv1.weight"], own["conv1.bias"], padding=1))))
    y = pooled(normalised(torch.relu(F.conv2d(y, own["conv2.weight"], own["conv2.bias"], padding=1))))
    for name in ("local3", "local4"):
        y = torch.relu(by_a_loop(y, own[f"{name}.weight"], own[f"{name}.bias"], 1))
    expected = F.linear(y.flatten(1), own["fc5.weight"], own["fc5.bias"])
    torch.testing.assert_close(model(x), expected, rtol=1e-6, atol=1e-9)  # the band is made in float32


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_it_can_be_trained_with_every_nonlinearity(activation):
    model = AlexNet(net(RELEASED, TINY, {"activation": activation}), 3, 0, DOUBLE)
    capture: dict[str, Tensor] = {}
    logits = model(pictures(model.net), capture=capture)
    torch.testing.assert_close(capture["local3.activation"], getattr(torch, activation)(capture["local3.linear"]))
    logits.square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())


@pytest.mark.parametrize("rule", ["printed", "he", "uniform"])
def test_the_table_counts_what_the_module_has(rule):
    model = AlexNet(net(RELEASED, TINY, {"initial_values": {"rule": rule}}), 3, 0)
    assert sum(p.numel() for p in model.parameters()) == layers.parameters(model.table)
    for layer in model.table:
        weight = dict(model.named_parameters())[f"{layer.name}.weight"]
        assert weight.std().item() == pytest.approx(layer.initial_deviation, rel=0.2)


def test_he_deviations_count_what_a_kernel_reads():
    table = layer_table(net(RELEASED, {"initial_values": {"rule": "he"}}), 10)
    expected = [(2 / inputs) ** 0.5 for inputs in (75, 1600, 576, 288)]
    assert [layer.initial_deviation for layer in table] == pytest.approx([*expected, 0.01])


def test_files_keep_it():
    model = AlexNet(net(RELEASED, TINY), 3, 1)
    other = AlexNet(net(RELEASED, TINY), 3, 2)
    state = tower_state(model)
    assert {name: tuple(value.shape) for name, value in state.items()} == tower_shapes(model.table)
    load_tower_state(other, state)
    assert all(torch.equal(value, other.state_dict()[name]) for name, value in model.state_dict().items())


def test_the_form_by_towers_is_the_same_net():
    settings = net(RELEASED, NORMALISED, TINY)
    x = pictures(settings)
    torch.testing.assert_close(AlexNet(settings, 3, 5, DOUBLE)(x), TowerNet(settings, 3, 5, DOUBLE)(x))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"towers": 2}, r"net\.towers: 2, but .* one tower; set net\.towers: 1"),
        ({"dropout": {"probability": 0.5}}, r"net\.dropout\.probability: 0\.5 has no hidden .* set it to 0\.0"),
        ({"dropout": {"rule": "inverted"}}, r"net\.dropout\.rule: inverted is of no effect"),
        ({"crossings": []}, r"net\.crossings: \(\) is of no effect"),
        ({"geometry": {"conv1_kernel": 5}}, r"net\.geometry\.conv1_kernel: 5 is of no effect"),
        ({"widths": {"fc": [64, 64]}}, r"net\.widths: .* is of no effect"),
        ({"removed": ["conv2"]}, r"net\.removed: .* is of no effect"),
        ({"initial_values": {"he_bias": 1.0}}, r"net\.initial_values\.he_bias: 1\.0 is of no effect"),
        ({"initial_values": {"deviations": {"conv1": 0.1}}}, r"net\.initial_values\.deviations: .* is of no effect"),
        ({"pooling": {"layers": ["conv5"]}}, r"net\.pooling\.layers: conv5 is not in this net, which has conv1"),
        ({"normalisation": {"layers": ["conv3"]}}, r"net\.normalisation\.layers: conv3 is not in this net"),
        ({"geometry": {"crop": 3}}, r"the maps vanish"),
    ],
)
def test_what_does_not_apply_is_refused(changes, message):
    with pytest.raises(UserError, match=message):
        layer_table(net(RELEASED, changes), 10)


def test_its_settings_do_not_apply_to_alexnet():
    with pytest.raises(UserError, match=r"net\.four_layer is of no effect with net\.architecture: alexnet"):
        layer_table(net({"four_layer": {"local": [64, 32]}}), 10)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"after_pooling": ["conv3"]}, r"after_pooling: conv3 has no pooling"),
        (
            {"after_pooling": ["conv1"], "before_activation": ["conv1"]},
            r"after_pooling: conv1 stands in before_activation too",
        ),
    ],
)
def test_normalisation_after_pooling_needs_a_place_of_its_own(changes, message):
    with pytest.raises(UserError, match=message):
        layer_table(net({"normalisation": {"layers": ["conv1", "conv3"], **changes}}), 10)


def test_descriptions():
    settings = net(RELEASED, NORMALISED)
    text = describe_text(settings, 10)
    assert max(map(len, text.splitlines())) <= 100
    assert "net.architecture: four_layer (paper: alexnet)" in text
    row = next(line for line in text.splitlines() if line.startswith("local3"))
    assert row.split() == ["local3", "32", "at", "36", "3x3x64", "1", "1", "all", "32x6x6", "relu"]
    record = json.loads(json.dumps(describe(settings, 10)))
    assert [layer["kind"] for layer in record["layers"]] == ["conv", "conv", "local", "local", "fc"]
    assert record["layers"][0]["then"] == ["relu", "pool 3/2 to 12", "norm"]
    assert record["layers"][2]["output"] == [32, 6, 6]
    assert record["parameters"] == sum(layer["parameters"] for layer in record["layers"])

"""The net in one piece: shapes and counts as in the table, connectivity by gradients, dropout, capture."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from repro.net.alexnet import AlexNet, DropoutKey
from repro.net.table import layers
from repro.net.table.layers import layer_table
from repro.net.table.settings import NetSettings
from tests.net.nets import SMALL, TINY, net, nets

DOUBLE = torch.float64


def pictures(settings: NetSettings, count: int = 2, seed: int = 0) -> Tensor:
    side = settings.geometry.crop
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, 3, side, side, generator=generator, dtype=DOUBLE)


@given(settings=nets(), classes=st.integers(2, 7))
@settings(max_examples=60, deadline=None)
def test_real_shapes_and_counts_are_the_tables(settings: NetSettings, classes: int) -> None:
    model = AlexNet(settings, classes, seed=0, dtype=DOUBLE)
    assert sum(p.numel() for p in model.parameters()) == layers.parameters(model.table)
    capture: dict[str, Tensor] = {}
    key = DropoutKey(1, torch.arange(2))
    logits = model(pictures(settings), dropout=key, capture=capture)
    assert logits.shape == (2, classes)
    for layer in model.table:
        linear, out = capture[f"{layer.name}.linear"], capture[f"{layer.name}.out"]
        assert linear[0].numel() == layer.neurons
        assert out[0].numel() == layer.outputs
        if layer.kind == "conv":
            assert linear.shape[1:] == (layer.out_maps, layer.conv_side, layer.conv_side)
            assert out.shape[1:] == (layer.out_maps, layer.out_side, layer.out_side)
        assert (f"{layer.name}.normalisation_scale" in capture) == layer.normalised


@given(settings=nets())
@settings(max_examples=30, deadline=None)
def test_capturing_changes_nothing(settings: NetSettings) -> None:
    model = AlexNet(settings, 3, seed=0, dtype=DOUBLE)
    key = DropoutKey(1, torch.arange(2))
    plain = model(pictures(settings), dropout=key)
    assert torch.equal(plain, model(pictures(settings), dropout=key, capture={}))


def test_the_papers_net_whole() -> None:
    model = AlexNet(NetSettings(), 1000, seed=0).eval()
    assert sum(p.numel() for p in model.parameters()) == 60_965_224
    capture: dict[str, Tensor] = {}
    with torch.no_grad():
        assert model(torch.randn(1, 3, 224, 224), capture=capture).shape == (1, 1000)
    assert capture["conv1.linear"].shape == (1, 96, 55, 55)
    assert capture["conv5.out"].shape == (1, 256, 6, 6)


def test_the_last_window_hangs_over_the_right_and_bottom_edge() -> None:
    """conv1 on 224 pixels: zeros beyond the right and bottom edge, none beyond the left and top."""
    model = AlexNet(net({"widths": {"fc": [8, 8]}}), 10, seed=0, dtype=DOUBLE)
    x = pictures(model.net, 1)
    capture: dict[str, Tensor] = {}
    model.eval()(x, capture=capture)
    first = model.layers[0]
    expected = F.conv2d(x[:, :, :11, :11], first.weight, first.bias)
    corner = F.conv2d(F.pad(x[:, :, 216:, 216:], (0, 3, 0, 3)), first.weight, first.bias)
    torch.testing.assert_close(capture["conv1.linear"][:, :, :1, :1], expected)
    torch.testing.assert_close(capture["conv1.linear"][:, :, 54:, 54:], corner)


@pytest.mark.parametrize("place", ["after_activation", "before_activation", "after_pooling"])
def test_order_of_activation_normalisation_and_pooling(place: str) -> None:
    listed = {} if place == "after_activation" else {place: ["conv1"]}
    model = AlexNet(net(TINY, {"normalisation": listed}), 4, 0, DOUBLE).eval()
    capture: dict[str, Tensor] = {}
    model(pictures(model.net), capture=capture)
    linear = capture["conv1.linear"]
    normalise = model.layers[0].normalisation
    assert normalise is not None
    expected = {
        "before_activation": lambda: F.max_pool2d(torch.relu(normalise(linear)), 3, 2),
        "after_activation": lambda: F.max_pool2d(normalise(torch.relu(linear)), 3, 2),
        "after_pooling": lambda: normalise(F.max_pool2d(torch.relu(linear), 3, 2)),
    }
    torch.testing.assert_close(capture["conv1.out"], expected[place]())


class TestConnectivity:
    """Who reads whom, by gradients of one tower's maps with respect to the other's."""

    @pytest.fixture(scope="class")
    @classmethod
    def capture(cls) -> dict[str, Tensor]:
        # tanh and a large alpha: no gradient is zero by chance, and normalisation is well alive
        model = AlexNet(net(TINY, {"activation": "tanh", "normalisation": {"alpha": 1.0}}), 4, 0, DOUBLE)
        capture: dict[str, Tensor] = {}
        x = pictures(model.net).requires_grad_()
        capture["picture"] = x
        model.eval()(x, capture=capture)
        return capture

    def crosses(self, capture: dict[str, Tensor], source: str, target: str) -> list[bool]:
        """For each tower of `target`: does it depend on the other tower's half of `source`?"""
        values, read = capture[target], capture[source]
        found = []
        for tower, half in enumerate(values.chunk(2, 1)):
            weights = torch.linspace(0.5, 1.5, half.numel(), dtype=DOUBLE).view_as(half)
            (gradient,) = torch.autograd.grad((half * weights).sum(), read, retain_graph=True)
            own, other = gradient.chunk(2, 1) if tower == 0 else gradient.chunk(2, 1)[::-1]
            assert own.abs().max() > 0
            found.append(bool(other.abs().max() > 0))
        return found

    @pytest.mark.parametrize(
        ("source", "target", "expected"),
        [
            ("conv1.linear", "conv1.out", False),
            ("conv1.out", "conv2.linear", False),
            ("conv2.linear", "conv2.out", False),
            ("conv1.linear", "conv2.out", False),
            ("conv2.out", "conv3.linear", True),
            ("conv3.out", "conv4.linear", False),
            ("conv4.out", "conv5.linear", False),
            ("conv3.linear", "conv5.out", False),
            ("conv5.out", "fc6.linear", True),
            ("fc6.out", "fc7.linear", True),
            ("fc7.out", "fc8.linear", True),
        ],
    )
    def test_as_in_figure_2(self, capture: dict[str, Tensor], source: str, target: str, expected: bool) -> None:
        assert self.crosses(capture, source, target) == [expected, expected]

    def test_both_towers_read_the_picture(self, capture: dict[str, Tensor]) -> None:
        for half in capture["conv1.linear"].chunk(2, 1):
            (gradient,) = torch.autograd.grad(half.sum(), capture["picture"], retain_graph=True)
            assert gradient.abs().max() > 0

    def test_without_links_towers_never_meet_before_the_last_layer(self) -> None:
        model = AlexNet(net(TINY, {"crossings": [], "activation": "tanh"}), 4, 0, DOUBLE)
        capture: dict[str, Tensor] = {}
        model.eval()(pictures(model.net), capture=capture)
        assert self.crosses(capture, "conv1.linear", "fc7.out") == [False, False]
        assert self.crosses(capture, "fc7.out", "fc8.linear") == [True, True]

    def test_one_towers_windows_can_be_cut_where_towers_would_part(self) -> None:
        blocks = {"normalisation": {"alpha": 1.0, "blocks": 2}}
        for changes, expected in ((blocks, False), ({"normalisation": {"alpha": 1.0}}, True)):
            model = AlexNet(net(TINY, {"towers": 1, "activation": "tanh"}, changes), 4, 0, DOUBLE)
            capture: dict[str, Tensor] = {}
            model.eval()(pictures(model.net), capture=capture)
            assert self.crosses(capture, "conv1.linear", "conv1.out") == [expected, expected]


class TestDropout:
    def model(self, rule: str, place: str = "after") -> AlexNet:
        return AlexNet(net(TINY, {"dropout": {"rule": rule, "place": place}}), 4, 0, DOUBLE)

    def test_the_paper_masks_in_training_and_halves_in_evaluation(self) -> None:
        model = self.model("mask")
        capture: dict[str, Tensor] = {}
        x = pictures(model.net, 4)
        model.train()(x, dropout=DropoutKey(3, torch.arange(4)), capture=capture)
        active, out = capture["fc6.activation"], capture["fc6.out"]
        assert ((out == active) | (out == 0)).all()
        kept = (out != 0).sum() / (active != 0).sum()
        assert 0.2 < kept < 0.8
        model.eval()(x, capture=capture)
        assert torch.equal(capture["fc6.out"], 0.5 * capture["fc6.activation"])
        assert torch.equal(capture["fc7.out"], 0.5 * capture["fc7.activation"])

    def test_inverted_doubles_in_training_and_leaves_evaluation_alone(self) -> None:
        model = self.model("inverted")
        capture: dict[str, Tensor] = {}
        x = pictures(model.net, 4)
        model.train()(x, dropout=DropoutKey(3, torch.arange(4)), capture=capture)
        active, out = capture["fc6.activation"], capture["fc6.out"]
        assert ((out == 2 * active) | (out == 0)).all()
        model.eval()(x, capture=capture)
        assert torch.equal(capture["fc6.out"], capture["fc6.activation"])

    @pytest.mark.parametrize(("place", "dropped"), [("after", ["fc6", "fc7"]), ("before", ["conv5", "fc6"])])
    def test_where(self, place: str, dropped: list[str]) -> None:
        model = self.model("mask", place)
        assert [layer.name for layer in model.table if layer.dropout] == dropped
        other = layer_table(net(TINY, {"dropout": {"probability": 0.0}}), 4)
        assert [replace(layer, dropout=0.0, dropout_rule="mask") for layer in model.table] == list(other)

    def test_the_same_key_gives_the_same_function_and_another_another(self) -> None:
        model = self.model("mask")
        x = pictures(model.net, 4)
        ids = torch.arange(4)
        first, again, other = (model(x, dropout=DropoutKey(key, ids)) for key in (1, 1, 2))
        assert torch.equal(first, again)
        assert not torch.equal(first, other)

    def test_a_picture_keeps_its_mask_in_any_batch(self) -> None:
        model = self.model("mask")
        x = pictures(model.net, 4)
        whole = model(x, dropout=DropoutKey(1, torch.tensor([9, 5, 7, 2])))
        part = model(x[2:], dropout=DropoutKey(1, torch.tensor([7, 2])))
        torch.testing.assert_close(whole[2:], part, rtol=1e-12, atol=1e-12)

    def test_training_without_a_key_is_refused(self) -> None:
        model = self.model("mask")
        with pytest.raises(ValueError, match="DropoutKey"):
            model(pictures(model.net))


@pytest.mark.parametrize(
    "removed",
    [
        *(["conv1"], ["conv2"], ["conv3"], ["conv4"], ["conv5"]),
        *(["conv3", "conv4"], ["conv2", "conv5"], ["conv3", "conv4", "conv5"]),
    ],
)
def test_nets_with_layers_removed_run_and_learn(removed: list[str]) -> None:
    model = AlexNet(net(SMALL, {"removed": removed, "dropout": {"probability": 0.0}}), 10, 0)
    x = pictures(model.net, 4).float()
    loss = F.cross_entropy(model(x), torch.arange(4))
    loss.backward()
    assert all(p.grad is not None and p.grad.abs().max() > 0 for p in model.parameters())


def test_batches_in_nhwc_memory_stay_there() -> None:
    model = AlexNet(net(SMALL), 10, 0).eval()
    x = torch.randn(2, 48, 48, 3).permute(0, 3, 1, 2)
    capture: dict[str, Tensor] = {}
    model(x, capture=capture)
    for name in ("conv1.linear", "conv2.out", "conv5.out"):
        assert capture[name].is_contiguous(memory_format=torch.channels_last)
    assert (
        AlexNet(net({"widths": {"fc": [8, 8]}}), 10, 0)
        .layers[0](torch.randn(1, 224, 224, 3).permute(0, 3, 1, 2))
        .is_contiguous(memory_format=torch.channels_last)
    )

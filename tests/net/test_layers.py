"""The table of layers against the paper's printed sizes and against counts made by hand."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import torch
from pydantic import ValidationError

from repro.errors import UserError
from repro.net.normalisation import CrossMapNormalisation, SpatialNormalisation
from repro.net.table import layers
from repro.net.table.layers import layer_table
from repro.net.table.settings import NetSettings
from tests.net.nets import SMALL, net


def test_the_papers_layers() -> None:
    table = layer_table(NetSettings(), 1000)
    rows = [
        (layer.name, layer.parameters, layer.neurons, layer.multiply_adds, layer.reads, layer.in_maps)
        for layer in table
    ]
    assert rows == [
        ("conv1", 34_944, 290_400, 105_415_200, "picture", 3),
        ("conv2", 307_456, 186_624, 223_948_800, "own", 48),
        ("conv3", 885_120, 64_896, 149_520_384, "both", 256),
        ("conv4", 663_936, 64_896, 112_140_288, "own", 192),
        ("conv5", 442_624, 43_264, 74_760_192, "own", 192),
        ("fc6", 37_752_832, 4096, 37_748_736, "both", 9216),
        ("fc7", 16_781_312, 4096, 16_777_216, "both", 4096),
        ("fc8", 4_097_000, 1000, 4_096_000, "both", 4096),
    ]
    assert layers.parameters(table) == 60_965_224
    assert layers.neurons(table) == 659_272
    assert layers.multiply_adds(table) == 724_406_816
    assert sum(layer.weights for layer in table) == 60_954_656
    assert sum(layer.biases for layer in table) == 10_568
    assert [layer.conv_side for layer in table[:5]] == [55, 27, 13, 13, 13]
    assert [layer.out_side for layer in table[:5]] == [27, 13, 13, 13, 6]
    assert [layer.initial_bias for layer in table] == [0, 1, 0, 1, 1, 1, 1, 0]
    assert {layer.initial_deviation for layer in table} == {0.01}
    assert [layer.normalised for layer in table] == [True, True] + [False] * 6
    assert [layer.dropout for layer in table] == [0] * 5 + [0.5, 0.5, 0]


@pytest.mark.parametrize(
    ("changes", "parameters"),
    [
        ({"towers": 1}, 62_378_344),
        ({"towers": 1, "widths": {"conv": [48, 128, 192, 192, 256]}}, 59_798_312),
        ({"towers": 1, "widths": {"conv": [48, 128, 192, 192, 128]}}, 40_702_632),
        ({"removed": ["conv1"]}, 60_716_008),
        ({"removed": ["conv2"]}, 60_104_808),
        ({"removed": ["conv3"]}, 60_301_288),
        ({"removed": ["conv3"], "removal_form": "own"}, 59_858_920),
        ({"removed": ["conv4"]}, 60_301_288),
        ({"removed": ["conv5"]}, 60_301_288),
        ({"removed": ["conv5"], "removal_form": "wide"}, 79_396_968),
    ],
)
def test_parameters_of_other_nets(changes: dict[str, Any], parameters: int) -> None:
    assert layers.parameters(layer_table(net(changes), 1000)) == parameters


def test_the_one_gpu_nets_computation() -> None:
    table = layer_table(net({"towers": 1, "widths": {"conv": [48, 128, 192, 192, 256]}}), 1000)
    assert layers.multiply_adds(table) == 391_514_384


@pytest.mark.parametrize(
    "geometry",
    [
        {"crop": 227, "conv1_padding": 0},
        {"conv1_padding": 2, "conv1_padding_kind": "symmetric"},
    ],
)
def test_other_ways_to_55_pixels(geometry: dict[str, Any]) -> None:
    table = layer_table(net({"geometry": geometry}), 1000)
    assert [layer.conv_side for layer in table[:5]] == [55, 27, 13, 13, 13]
    assert layers.parameters(table) == 60_965_224


def test_224_without_padding_is_not_the_papers_net() -> None:
    table = layer_table(net({"geometry": {"conv1_padding": 0}}), 1000)
    assert [layer.conv_side for layer in table[:5]] == [54, 26, 12, 12, 12]
    assert table[5].in_maps == 6400


def test_pooling_without_overlap_gives_the_same_sides_when_rounded_down() -> None:
    sides = {
        rounding: [
            layer.out_side
            for layer in layer_table(net({"pooling": {"size": 2, "rounding": rounding}}), 1000)[:5]
            if layer.pool
        ]
        for rounding in ("floor", "ceil")
    }
    assert sides == {"floor": [27, 13, 6], "ceil": [28, 14, 7]}


def test_the_authors_net_without_overlapping_pooling() -> None:
    table = layer_table(
        net(
            {
                "pooling": {"size": 2, "rounding": "ceil"},
                "geometry": {"conv2_padding": 1, "conv5_padding": 0},
            }
        ),
        1000,
    )
    assert [(layer.conv_side, layer.out_side) for layer in table[:5]] == [
        (55, 28),
        (26, 13),
        (13, 13),
        (13, 13),
        (11, 6),
    ]


def test_the_small_net() -> None:
    table = layer_table(net(SMALL), 10)
    assert [layer.conv_side for layer in table[:5]] == [24, 11, 5, 5, 5]
    assert table[4].out_side == 2
    assert layers.parameters(table) == 135_082
    assert layers.multiply_adds(table) == 7_098_240


def test_traffic_between_the_papers_towers() -> None:
    sent = {item.reader: item.values for item in layers.traffic(layer_table(NetSettings(), 1000))}
    assert sent == {"conv3": 128 * 13 * 13, "fc6": 128 * 6 * 6, "fc7": 2048, "fc8": 2048}
    assert layers.traffic(layer_table(net({"towers": 1}), 1000)) == ()


def test_without_links_towers_meet_at_the_last_layer_only() -> None:
    table = layer_table(net({"crossings": []}), 1000)
    assert [layer.name for layer in table if layer.reads == "both"] == ["fc8"]
    assert table[5].in_maps == 128 * 6 * 6


def test_a_sixth_layer_reads_the_last_pooling() -> None:
    table = layer_table(net({"widths": {"conv6": 256}, "crossings": ["conv3", "conv6", "fc6", "fc7"]}), 1000)
    sixth = table[5]
    assert (sixth.name, sixth.reads, sixth.in_maps, sixth.in_side, sixth.out_side) == (
        "conv6",
        "both",
        256,
        6,
        6,
    )
    assert layers.parameters(table) == 60_965_224 + 256 * (256 * 9) + 256


class TestRemoval:
    """The rules of `repro.net.table.removal` on the paper's net."""

    def table(self, *removed: str, form: str = "primary") -> dict[str, layers.Layer]:
        value = net({"removed": list(removed), "removal_form": form})
        return {layer.name: layer for layer in layer_table(value, 1000)}

    def test_conv2_takes_conv1s_place(self) -> None:
        first = self.table("conv1")["conv2"]
        assert (first.kernel, first.stride, first.padding, first.reads) == (11, 4, (0, 3), "picture")
        assert (first.out_maps, first.pools, first.out_side) == (256, 2, 13)
        assert first.normalised
        assert first.initial_bias == 0

    def test_without_conv2_both_poolings_follow_conv1(self) -> None:
        table = self.table("conv2")
        assert (table["conv1"].pools, table["conv1"].out_side) == (2, 13)
        assert (table["conv3"].reads, table["conv3"].in_maps) == ("both", 96)

    @pytest.mark.parametrize(("form", "reads", "maps"), [("primary", "both", 256), ("own", "own", 128)])
    def test_conv4_inherits_conv3s_crossing(self, form: str, reads: str, maps: int) -> None:
        fourth = self.table("conv3", form=form)["conv4"]
        assert (fourth.reads, fourth.in_maps, fourth.out_maps) == (reads, maps, 384)

    def test_without_conv4_no_other_layer_changes(self) -> None:
        full = {layer.name: layer for layer in layer_table(NetSettings(), 1000)}
        assert self.table("conv4") == {name: layer for name, layer in full.items() if name != "conv4"}

    @pytest.mark.parametrize(("form", "maps"), [("primary", 256), ("wide", 384)])
    def test_conv4_takes_conv5s_pooling_and_width(self, form: str, maps: int) -> None:
        table = self.table("conv5", form=form)
        assert (table["conv4"].out_maps, table["conv4"].out_side) == (maps, 6)
        assert table["fc6"].in_maps == maps * 36

    def test_both_middle_layers(self) -> None:
        table = self.table("conv3", "conv4")
        assert (table["conv5"].reads, table["conv5"].in_maps) == ("both", 256)

    def test_the_order_of_the_list_does_not_matter(self) -> None:
        assert net({"removed": ["conv4", "conv3"]}) == net({"removed": ["conv3", "conv4"]})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"geometry": {"crop": 20}}, ["crop", "20", "vanish"]),
        ({"geometry": {"crop": 5}}, ["conv1", "11 x 11", "crop"]),
        # Its 13 x 13 maps with a pixel of zeros around are 15 x 15: one too few.
        ({"geometry": {"conv3_kernel": 16}}, ["conv3", "16 x 16", "13 x 13", "padding 1+1"]),
        ({"pooling": {"size": 60}}, ["net.pooling.size", "60", "conv1"]),
        ({"widths": {"conv": [96, 255, 384, 384, 256]}}, ["net.widths.conv", "conv2", "255", "even"]),
        ({"widths": {"fc": [4096, 7]}}, ["net.widths.fc", "fc7", "7"]),
        ({"removed": ["conv6"]}, ["net.removed", "conv6", "conv1, conv2"]),
        ({"crossings": ["conv6"]}, ["net.crossings", "conv6"]),
        ({"normalisation": {"layers": ["conv6"]}}, ["net.normalisation.layers", "conv6"]),
        ({"normalisation": {"blocks": 3}}, ["net.normalisation.blocks", "3", "multiple of 2"]),
        ({"normalisation": {"blocks": 20}}, ["net.normalisation.blocks", "20", "96"]),
        ({"removed": ["conv1", "conv2", "conv3", "conv4", "conv5"]}, ["net.removed", "at least one"]),
        ({"removed": ["conv4"], "removal_form": "own"}, ["net.removal_form", "own", "conv3"]),
        ({"removed": ["conv4"], "removal_form": "wide"}, ["net.removal_form", "wide", "conv5"]),
        ({"removal_form": "wide"}, ["net.removal_form", "wide"]),
    ],
)
def test_impossible_nets_are_refused_by_name(changes: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(UserError) as error:
        layer_table(net(changes), 1000)
    for word in words:
        assert word in str(error.value)


def test_a_kernel_or_a_window_may_be_as_large_as_its_maps() -> None:
    """conv3's 13 x 13 maps with a pixel of zeros around, and conv1's 55 x 55."""
    table = layer_table(net({"geometry": {"conv3_kernel": 15}, "pooling": {"layers": ["conv1", "conv2"]}}), 10)
    assert table[2].conv_side == 1
    assert layer_table(net({"pooling": {"size": 55, "layers": ["conv1"]}}), 10)[0].out_side == 1


def test_one_class_is_refused() -> None:
    with pytest.raises(UserError, match="classes: 1"):
        layer_table(NetSettings(), 1)


@pytest.mark.parametrize(
    "changes",
    [
        {"depth": 5},
        {"towers": 3},
        {"removed": ["conv9"]},
        {"removed": ["conv3", "conv3"]},
        {"widths": {"conv": [96, 256]}},
        {"widths": {"conv": [96, 256, 384, 384, "256"]}},
        {"widths": {"conv": [96, 256, 384, 384, 0]}},
        {"geometry": {"crop": 224.0}},
        {"geometry": {"crop": True}},
        {"dropout": {"probability": 1.0}},
        {"normalisation": {"alpha": float("nan")}},
        {"input_divisor": 0.0},
        {"activation": "gelu"},
    ],
)
def test_settings_are_strict(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        net(changes)


def test_settings_survive_json() -> None:
    value = net({"removed": ["conv3"], "normalisation": {"blocks": 2}})
    assert NetSettings.model_validate(value.model_dump(mode="json")) == value


def test_a_divided_input_keeps_normalisations_function() -> None:
    """Of a picture divided by 64 both kinds give the 64th part of what they give of the picture."""
    both = {"normalisation": {"layers": ["conv1"], "spatial_layers": ["conv2"], "spatial_alpha": 1e-4}}
    tables = [layer_table(net(both, {"input_divisor": divisor}), 10) for divisor in (1.0, 64.0)]
    x = torch.linspace(-200, 200, 384, dtype=torch.float64).view(1, 6, 8, 8)
    across = [CrossMapNormalisation(rule, 6, 1) for table in tables if (rule := table[0].normalisation)]
    in_space = [SpatialNormalisation(rule) for table in tables if (rule := table[1].spatial_normalisation)]
    for one, divided in (across, in_space):
        assert one(x).max() < 0.5 * x.max()
        torch.testing.assert_close(64 * divided(x / 64), one(x), rtol=1e-10, atol=1e-10)


def test_the_table_needs_no_torch() -> None:
    code = (
        "import sys; from repro.net.table import settings, layers, fidelity, describe;"
        "sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

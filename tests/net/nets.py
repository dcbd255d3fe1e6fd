"""Small nets for the tests, and a strategy for random valid ones."""

from __future__ import annotations

from typing import Any

from hypothesis import assume
from hypothesis import strategies as st

from repro.errors import UserError
from repro.net.table.activation import ACTIVATIONS
from repro.net.table.layers import layer_table
from repro.net.table.settings import NetSettings

SMALL: dict[str, Any] = {
    "geometry": {
        "crop": 48,
        "conv1_kernel": 5,
        "conv1_stride": 2,
        "conv1_padding": 2,
        "conv1_padding_kind": "symmetric",
    },
    "widths": {"conv": [48, 48, 64, 64, 48], "fc": [128, 128]},
    "initial_values": {"rule": "he"},
    "input_divisor": 64.0,
}
TINY: dict[str, Any] = {
    "geometry": {"crop": 23, "conv1_kernel": 5, "conv1_stride": 1, "conv1_padding": 2},
    "widths": {"conv": [8, 8, 12, 12, 8], "fc": [16, 16]},
    "initial_values": {"rule": "he", "he_bias": 0.1},
    "normalisation": {"alpha": 0.3},
}


def net(*layers: dict[str, Any]) -> NetSettings:
    """Settings from nested overrides laid over one another."""
    return NetSettings.model_validate(_merged(*layers))


def _merged(*layers: dict[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for layer in layers:
        for key, value in layer.items():
            both = isinstance(value, dict) and isinstance(result.get(key), dict)
            result[key] = _merged(result[key], value) if both else value
    return result


@st.composite
def nets(draw: st.DrawFn) -> NetSettings:
    """Valid settings of nets small enough to run."""
    convs = ["conv1", "conv2", "conv3", "conv4", "conv5"]
    even = st.integers(1, 4).map(lambda half: 2 * half)
    some = st.lists(st.sampled_from(convs), unique=True, max_size=5)
    towers = draw(st.sampled_from([1, 2, 2]))
    pooled, before = draw(some), draw(some)
    value = {
        "towers": towers,
        "crossings": draw(st.lists(st.sampled_from([*convs[1:], "fc6", "fc7"]), unique=True)),
        "geometry": {
            "crop": draw(st.integers(8, 40)),
            "conv1_kernel": draw(st.integers(1, 7)),
            "conv1_stride": draw(st.integers(1, 3)),
            "conv1_padding": draw(st.integers(0, 4)),
            "conv1_padding_kind": draw(st.sampled_from(["right_bottom", "symmetric"])),
            "conv2_kernel": draw(st.integers(1, 5)),
            "conv2_padding": draw(st.integers(0, 2)),
            "conv5_padding": draw(st.integers(0, 1)),
        },
        "widths": {
            "conv": [draw(even) for _ in range(5)],
            "conv6": draw(st.sampled_from([0, 0, 4])),
            "fc": [draw(even), draw(even)],
        },
        "normalisation": {
            "layers": draw(some),
            "size": draw(st.integers(1, 5)),
            "before_activation": before,
            "after_pooling": [name for name in pooled if name not in before and draw(st.booleans())],
            "spatial_layers": draw(some),
            "beta": draw(st.sampled_from([0.75, 0.5])),
        },
        "pooling": {
            "layers": pooled,
            "size": draw(st.integers(1, 3)),
            "stride": draw(st.integers(1, 3)),
            "rounding": draw(st.sampled_from(["floor", "ceil"])),
        },
        "activation": draw(st.sampled_from(list(ACTIVATIONS))),
        "dropout": {
            "probability": draw(st.sampled_from([0.0, 0.3, 0.5])),
            "rule": draw(st.sampled_from(["mask", "inverted"])),
            "place": draw(st.sampled_from(["after", "before"])),
        },
        "initial_values": {"rule": draw(st.sampled_from(["printed", "he", "uniform"]))},
        "removed": draw(st.lists(st.sampled_from(convs), unique=True, max_size=3)),
    }
    settings = NetSettings.model_validate(value)
    try:
        layer_table(settings, 3)
    except UserError:
        assume(False)
    return settings

"""Nets and pictures of every kind have the numbers that apply to them, and none raises an error."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from repro.data.packed import Packed
from repro.measurement.declared import declarations, declared_metrics
from repro.measurement.measure import MEASUREMENTS, OF_AVERAGED
from repro.study.settings import RunSettings
from tests.measurement.subjects import FEW, small_packed, subject_of
from tests.small_runs import small_settings

FOUR_LAYER = {
    "data": {"size": 20},
    "net": {
        "architecture": "four_layer",
        "towers": 1,
        "geometry": {"crop": 16},
        "four_layer": {"conv": [8, 8], "local": [4, 4]},
        "dropout": {"probability": 0.0},
        "pooling": {"layers": ["conv1", "conv2"]},
        "normalisation": {"layers": []},
        "initial_values": {"rule": "he"},
        "input_divisor": 64.0,
    },
    "training": {"batch_size": 7, "epochs": 1, "schedule": {"kind": "steps", "at": [0.5]}},
}


def _all_of(packed: Packed, settings: RunSettings, *, diverged: bool = False) -> dict[str, Any]:
    subject = subject_of(packed, settings, **FEW.model_dump())
    if diverged:
        for value in subject.net.parameters():
            value.data.fill_(float("nan"))
    scalars: dict[str, Any] = {}
    for one in (*MEASUREMENTS, *OF_AVERAGED):
        taken = one.take(subject, **one.values(FEW))
        json.dumps(taken.scalars, allow_nan=False)
        _as_declared(one.name, taken.scalars)
        scalars |= taken.scalars
    return scalars


def _as_declared(name: str, scalars: dict[str, Any]) -> None:
    """All numbers that a measurement's declaration names and no others, each in its range."""
    declared = declarations()[name].scalars if name in declarations() else {}
    assert set(scalars) == set(declared)
    for scalar, value in scalars.items():
        rule = declared[scalar].metric
        if rule is None or value is None:
            continue
        low, high = rule.range
        assert (-math.inf if low is None else low) <= value <= (math.inf if high is None else high), scalar


def test_a_four_layer_net_has_what_applies_to_it(tmp_path: Path) -> None:
    scalars = _all_of(small_packed(tmp_path), RunSettings.model_validate(FOUR_LAYER))
    absent = {
        "normalisation_alive_conv1",
        "normalisation_alive_conv2",
        *(f"{name}_{layer}" for name in ("correlation", "participation") for layer in ("fc6", "fc7")),
        "half_silenced_error",
        "neighbour_agreement",
        "neighbour_agreement_untrained",
        "neighbour_pixel_percentile",
        "code_agreement",
        *(name for name in scalars if name.startswith("dropout_")),
        *(name for name in scalars if name.startswith("labels_within_")),
        "cat_share",
        "cat_classes",
        "leopard_pictures",
    }
    nulls = {name for name, value in scalars.items() if value is None}
    assert absent <= nulls
    rules = declared_metrics()
    assert all(name in rules and rules[name].absent for name in nulls - absent), "each says why a run may lack it"


@pytest.mark.parametrize(
    "net",
    [
        {"removed": ["conv1"]},
        {"removed": ["conv1", "conv2", "conv5"]},
        {"towers": 1},
        {"activation": "tanh"},
        {"dropout": {"probability": 0.0}},
        {"dropout": {"place": "before"}},
        {"normalisation": {"layers": []}},
    ],
    ids=str,
)
def test_every_net_is_measured(tmp_path: Path, net: dict[str, Any]) -> None:
    scalars = _all_of(small_packed(tmp_path), small_settings(net=net))
    dropped = net.get("dropout") != {"probability": 0.0}
    assert (scalars["dropout_kl_ratio"] is not None) == dropped
    assert (scalars["normalisation_alive_conv2"] is not None) == (
        net.get("normalisation") is None and "conv2" not in net.get("removed", [])
    )
    for name in ("half_silenced_error", "ten_view_error", "off_centre_error", "neighbour_agreement"):
        assert 0 <= scalars[name] <= 1


@pytest.mark.parametrize(
    "pictures",
    [{"colour": "grey"}, {"classes": "second_half"}, {"half_split": 1}, {"share": 0.3}],
    ids=str,
)
def test_every_choice_of_pictures_is_measured(tmp_path: Path, pictures: dict[str, Any]) -> None:
    packed = small_packed(tmp_path)
    scalars = _all_of(packed, small_settings(pictures=pictures))
    expected = {"half_split": 24, "classes": 12}.get(next(iter(pictures)), 24)
    assert scalars["held_out_pictures"] == expected
    assert (scalars["held_out_top5_error"] is None) == ("classes" in pictures)  # four classes are left


def test_a_diverged_net_guesses_or_has_no_number(tmp_path: Path) -> None:
    scalars = _all_of(small_packed(tmp_path), small_settings(), diverged=True)
    assert scalars["held_out_error"] == scalars["ten_view_error"] == scalars["off_centre_error"] == 1
    assert scalars["held_out_loss"] == pytest.approx(np.log(8))
    assert scalars["selective_kernels"] is None
    assert scalars["selective_kernels_initial"] is not None
    assert scalars["neighbour_agreement"] is None
    assert scalars["neighbour_agreement_pixels"] is not None
    assert scalars["colour_shift_agreement"] is None
    assert scalars["dropout_kl_ratio"] is None
    assert scalars["half_silenced_error"] is None


def test_a_net_with_a_few_pictures_is_measured(tmp_path: Path) -> None:
    packed = small_packed(tmp_path, train=8, held_out=8)
    scalars = _all_of(packed, small_settings())
    assert scalars["neighbour_agreement"] is not None
    assert (
        _all_of(small_packed(tmp_path / "fewer", classes=2, train=4, held_out=2), small_settings())[
            "neighbour_agreement"
        ]
        is None
    )

"""Correlation and participation of units that are copies, independent, or mixed; silencing half of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from repro.measurement.activations import coadaptation
from repro.measurement.activations.coadaptation import mean_correlation, participation, silenced
from tests.measurement.subjects import small_packed, subject_of


def _noise(pictures: int, units: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((pictures, units))


def test_independent_units_share_nothing_and_copies_everything() -> None:
    independent = _noise(4000, 10)
    assert mean_correlation(independent) == pytest.approx(np.sqrt(2 / np.pi / 4000), rel=0.3)
    assert participation(independent) == pytest.approx(1, abs=0.01)
    one = _noise(500, 1)
    copies = one @ np.array([[1.0, 2.0, -3.0, 0.5]]) + 7
    assert mean_correlation(copies) == pytest.approx(1)
    assert participation(copies) == pytest.approx(1 / 4)


@given(st.integers(2, 6), st.integers(1, 4))
@settings(deadline=None, max_examples=20)
def test_duplicated_units_raise_correlation_and_halve_participation(units: int, seed: int) -> None:
    values = _noise(300, units, seed)
    twice = np.concatenate([values, values], axis=1)
    single, double = mean_correlation(values), mean_correlation(twice)
    assert single is not None
    assert double is not None
    # Of a unit's 2n - 1 partners one is its copy, and the others come twice.
    assert double == pytest.approx((1 + 2 * (units - 1) * single) / (2 * units - 1))
    whole, half = participation(values), participation(twice)
    assert whole is not None
    assert half == pytest.approx(whole / 2)


@given(st.integers(3, 9), st.integers(3, 9), st.integers(0, 5), st.floats(0.1, 10), st.floats(-5, 5))
@settings(deadline=None, max_examples=30)
def test_neither_scale_nor_offset_matters(pictures: int, units: int, seed: int, scale: float, offset: float) -> None:
    values = _noise(pictures, units, seed)
    assert mean_correlation(values * scale + offset) == pytest.approx(mean_correlation(values), rel=1e-6)
    ratio = participation(values)
    assert ratio == pytest.approx(participation(values * scale + offset), rel=1e-6)
    assert ratio is not None
    assert 1 / units - 1e-9 <= ratio <= 1 + 1e-9


def test_units_that_never_change_are_left_out() -> None:
    values = np.concatenate([_noise(200, 3), np.full((200, 2), 0.1)], axis=1)
    assert mean_correlation(values) == pytest.approx(mean_correlation(values[:, :3]))
    assert mean_correlation(values[:, 2:]) is None
    assert mean_correlation(np.zeros((5, 3))) is None
    assert participation(np.zeros((5, 3))) is None


def test_half_of_each_layer_is_zeroed_and_the_rest_doubled(tmp_path: Path) -> None:
    subject = subject_of(small_packed(tmp_path))
    layers = subject.net.layers[-3:]
    x = torch.from_numpy(np.abs(_noise(6, layers[0].layer.fan_in * layers[0].groups)).astype(np.float32))
    with torch.inference_mode():
        for layer in layers[:2]:  # every unit hands on its bias, so that what arrives is the mask
            layer.weight.zero_()
            layer.bias.fill_(1)
        layers[2].weight.fill_(1)
        found = silenced(layers, x, 0)
        scale = 1 - layers[1].layer.dropout  # test-time scaling of the last hidden layer
        expected = torch.full_like(found, scale * layers[1].layer.out_maps) + layers[2].bias
    torch.testing.assert_close(found, expected)  # half of the units, each twice
    assert coadaptation.measure(subject, hidden_pictures=20).scalars["half_silenced_error"] > 0.5

"""Gratings, blobs, edges and noise as kernels: what is selective, where, and what is not."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repro.measurement.first_layer import selectivity
from repro.measurement.first_layer.kernels import live
from repro.measurement.first_layer.selectivity import (
    FREQUENCY_SELECTIVE,
    blobs,
    dominant_colour,
    occupied_bins,
    octaves,
    orientation_selective,
    spectra_of,
)
from tests.measurement.subjects import small_packed, subject_of
from tests.small_runs import small_settings

GREY, RED_GREEN = np.array([1.0, 1.0, 1.0]), np.array([1.0, -1.0, 0.1])


def _gabor(
    orientation: float, frequency: float, colour: np.ndarray = GREY, side: int = 11, phase: float = 1.2
) -> np.ndarray:
    """A grating under a Gaussian; `orientation` in degrees is the direction in which it changes."""
    rows, columns = np.mgrid[0:side, 0:side] - (side - 1) / 2
    angle = math.radians(orientation)
    along = columns * math.cos(angle) + rows * math.sin(angle)
    shade = np.cos(2 * np.pi * frequency * along + 1.2) * np.exp(-(rows**2 + columns**2) / (2 * (side / 4) ** 2))
    return colour[:, None, None] * (shade - shade.mean())


def _blob(colour: np.ndarray, side: int = 11) -> np.ndarray:
    rows, columns = np.mgrid[0:side, 0:side] - (side - 1) / 2
    return colour[:, None, None] * np.exp(-(rows**2 + columns**2) / (2 * (side / 4) ** 2))


def _noise(n: int, side: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, 3, side, side))


@given(st.floats(0, 179.9), st.floats(0.15, 0.35), st.sampled_from([GREY, RED_GREEN]))
@settings(deadline=None, max_examples=30)
def test_a_grating_is_selective_for_its_own_frequency_and_orientation(
    orientation: float, frequency: float, colour: np.ndarray
) -> None:
    kernels = _gabor(orientation, frequency, colour)[None]
    found = spectra_of(kernels)
    apart = abs(found.orientation[0] - orientation)
    assert min(apart, 180 - apart) < 6
    assert found.frequency[0] == pytest.approx(frequency, rel=0.15)
    assert found.concentration[0] > 0.75
    assert found.uniform[0] < FREQUENCY_SELECTIVE
    assert orientation_selective(kernels, 199).all()


def test_noise_is_selective_as_often_as_its_level_says() -> None:
    assert orientation_selective(_noise(200, 11), 99).mean() < 0.03
    assert orientation_selective(_noise(400, 5), 99).mean() < 0.03


def test_blobs_are_not_oriented_and_count_when_coloured() -> None:
    kernels = np.stack([_blob(RED_GREEN), _blob(GREY), _gabor(30, 0.25, RED_GREEN), _blob(-RED_GREEN)])
    found = spectra_of(kernels)
    oriented = orientation_selective(kernels, 199)
    np.testing.assert_array_equal(oriented, [False, False, True, False])
    np.testing.assert_array_equal(blobs(kernels, found) & ~oriented, [True, False, False, True])
    assert (found.uniform[[0, 1, 3]] > FREQUENCY_SELECTIVE).all()


def test_an_oriented_bar_on_uniform_light_is_not_frequency_selective() -> None:
    bar = np.zeros((1, 3, 11, 11))
    bar[:, :, 4:7] = 1
    assert orientation_selective(bar, 199).all()
    assert spectra_of(bar).uniform[0] > FREQUENCY_SELECTIVE


@given(st.integers(0, 50), st.floats(0.01, 100), st.integers(3, 11))
@settings(deadline=None, max_examples=30)
def test_spectra_depend_on_neither_scale_nor_sign_nor_a_quarter_turn(seed: int, scale: float, side: int) -> None:
    kernels = _noise(3, side, seed)
    found, scaled = spectra_of(kernels), spectra_of(-kernels * scale)
    np.testing.assert_allclose(scaled.orientation, found.orientation)
    np.testing.assert_allclose(scaled.concentration, found.concentration, rtol=1e-4)
    turned = spectra_of(np.rot90(kernels, axes=(2, 3)))
    np.testing.assert_allclose(turned.frequency, found.frequency, rtol=1e-6)
    np.testing.assert_allclose(turned.concentration, found.concentration, rtol=1e-3)
    assert ((found.concentration > 0) & (found.concentration <= 1 + 1e-6)).all()


def test_the_dominant_colour_holds_the_kernel_of_one_colour() -> None:
    kernel = _gabor(60, 0.2, RED_GREEN)
    shade = dominant_colour(kernel[None])[0]
    assert np.linalg.norm(shade) == pytest.approx(np.linalg.norm(kernel))


def test_bins_and_octaves() -> None:
    assert occupied_bins(np.array([0.0, 14.9, 179.0, 90.0])) == 2  # 179 and 0 are neighbours
    assert occupied_bins(np.arange(0.0, 180, 30)) == 6
    assert occupied_bins(np.array([])) == 0
    assert octaves(np.array([0.1, 0.4, 0.2])) == pytest.approx(2)
    assert octaves(np.array([0.3])) == 0
    assert octaves(np.array([])) == 0


def test_a_trained_layer_is_told_from_its_initial_noise(tmp_path: Path) -> None:
    """conv1 is given gratings, blobs and its own initial noise; what never moved does not count."""
    wide = {"widths": {"conv": [16, 8, 8, 8, 8], "fc": [16, 16]}}
    geometry = {
        "crop": 20,
        "conv1_kernel": 11,
        "conv1_stride": 1,
        "conv1_padding": 5,
        "conv1_padding_kind": "symmetric",
        "conv2_kernel": 3,
        "conv2_padding": 1,
    }
    subject = subject_of(small_packed(tmp_path), small_settings(net={**wide, "geometry": geometry}))
    made = [_gabor(30 * number, 0.12 * 2 ** (number % 3 / 2), GREY) for number in range(6)] + [_blob(RED_GREEN)] * 2
    weight = subject.net.state_dict()["conv1.weight"]
    weight[:8] = weight.new_tensor(np.stack(made)) * 5
    found = selectivity.measure(subject, selectivity_permutations=199).scalars
    assert found["selective_kernels"] == pytest.approx(6 / 8)
    assert found["orientation_bins"] == 6
    assert found["frequency_octaves"] == pytest.approx(1, abs=0.25)
    assert found["colour_blobs"] == 2
    assert found["selective_kernels_initial"] <= 1 / 16
    assert found["orientation_bins_initial"] <= 1


def test_live_kernels_have_left_their_initial_value_and_noise_behind() -> None:
    rows, columns = np.mgrid[0:11, 0:11]
    upright, lying = (np.broadcast_to(np.cos(2 * np.pi * place / 5), (3, 11, 11)) for place in (columns, rows))
    noise, other_noise = np.random.default_rng(0).standard_normal((2, 3, 11, 11))
    start_and_end = {
        "turned from noise into a grating": (noise, upright, True),
        "turned from a grating into another": (lying, upright, True),
        "a grating from the start, only larger": (upright, 3 * upright, False),
        "noise that became other noise": (noise, other_noise, False),
        "a grating too faint to matter": (noise, 1e-5 * upright, False),
    }
    start, end, expected = zip(*start_and_end.values(), strict=True)
    assert dict(zip(start_and_end, live(np.stack(end), np.stack(start)).tolist(), strict=True)) == dict(
        zip(start_and_end, expected, strict=True)
    )

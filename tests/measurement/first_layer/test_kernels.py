"""First-layer kernels by hand: how much of one is colour, how much of it is one frequency, how far it has turned."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from repro.measurement.first_layer.kernels import chroma_shares, cosines, measure, peak_shares
from tests.measurement.subjects import small_packed, subject_of


@pytest.mark.parametrize(
    ("red", "green", "blue", "share"),
    [
        ([1, 2], [1, 2], [1, 2], 0),  # grey
        ([1, 0], [-1, 0], [0, 0], 1),  # the channels cancel out
        ([-3, 0], [0, 0], [0, 0], 2 / 3),  # one channel: its mean is a third, and 3 x 1/9 of its energy is grey
        ([1, 2], [1, 0], [1, 1], 1 / 4),  # energy 8; both pixels have the mean 1, so that 3 x (1 + 1) = 6 are grey
        ([0.1, 0.2], [0.1, 0], [0.1, 0.1], 1 / 4),
        ([0, 0], [0, 0], [0, 0], math.nan),
    ],
)
def test_the_chroma_share_is_the_energy_off_the_grey_axis(
    red: list[float], green: list[float], blue: list[float], share: float
) -> None:
    kernel = np.array([red, green, blue], dtype=np.float64).reshape(1, 3, 1, 2)
    for one in (kernel, -kernel, np.swapaxes(kernel, 2, 3)):
        np.testing.assert_allclose(chroma_shares(one), [share], atol=1e-12)


def _waves(*, flat: float = 0.0, across: float = 0.0, down: float = 0.0, finest: float = 0.0) -> np.ndarray:
    """An 8 x 8 kernel: uniform red, waves of two cycles across in red, of three down in green, a chessboard in blue."""
    rows, columns = np.mgrid[0:8, 0:8]
    red = flat + across * np.cos(2 * np.pi * 2 * columns / 8 + 0.7)
    return np.stack([red, down * np.cos(2 * np.pi * 3 * rows / 8), finest * (-1.0) ** (rows + columns)])


@pytest.mark.parametrize(
    ("kernel", "share"),
    [
        # A wave of amplitude a has a mean square of a^2 / 2, a constant or a chessboard c one of c^2.
        (_waves(across=0.01), 1),
        (_waves(across=2, down=1), 4 / 5),
        (_waves(across=2, down=3), 9 / 13),
        (_waves(flat=1, across=2), 2 / 3),
        (_waves(flat=3, across=2), 9 / 11),
        (_waves(finest=1), 1),
        (_waves(finest=1, down=1), 2 / 3),
        (_waves(), 0),
    ],
)
def test_the_peak_share_is_that_of_the_strongest_frequency_over_all_channels(kernel: np.ndarray, share: float) -> None:
    np.testing.assert_allclose(peak_shares(kernel[None]), [share], atol=1e-12)


def test_the_cosine_says_how_far_a_kernel_has_turned_and_a_zero_one_has_not() -> None:
    start = np.zeros((5, 3, 1, 2))
    start[:, 0, 0] = [3, 4]
    now = start.copy()
    now[1], now[2], now[3] = -2 * start[1], 0, 0
    now[3, 0, 0] = [-4, 3]
    now[4, 0, 0] = [4, 3]
    np.testing.assert_allclose(cosines(now, start), [1, -1, 1, 0, 24 / 25], atol=1e-12)


def test_weights_that_are_no_numbers_are_kept_as_zeros(tmp_path: Path) -> None:
    subject = subject_of(small_packed(tmp_path))
    weight = subject.net.state_dict()["conv1.weight"]
    start = weight.numpy().copy()
    weight[1:] *= 3
    larger = measure(subject)
    weight[0], weight[1], weight[2, 0] = math.nan, math.inf, -math.inf
    found = measure(subject)
    expected = 3 * start
    expected[:2], expected[2, 0] = 0, 0
    np.testing.assert_allclose(found.arrays["conv1"], expected, rtol=1e-6)
    np.testing.assert_array_equal(found.arrays["conv1_initial"], start)
    assert not found.arrays["conv1_live"].any()
    turned = np.linalg.norm(start[2, 1:]) / np.linalg.norm(start[2])  # of the third kernel two channels are left
    assert found.scalars["kernel_cosine"] == pytest.approx((len(start) - 1 + turned) / len(start))
    assert found.scalars["kernel_norm_ratio"] == 0
    squares = (start.astype(np.float64) ** 2).sum(axis=(1, 2, 3))
    ratio = math.sqrt((squares[0] + 9 * squares[1:].sum()) / squares.sum())
    assert larger.scalars["kernel_norm_ratio"] == pytest.approx(ratio)
    assert larger.scalars["kernel_cosine"] == pytest.approx(1)
    assert torch.isnan(subject.net.state_dict()["conv1.weight"][0]).all(), "measuring leaves the net as it is"

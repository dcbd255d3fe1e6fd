"""Sums over the training pictures' colours, against numpy's own mean and covariance."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repro.data import colour
from repro.data.colour import ColourSums
from repro.randomness import generator


def pictures(count: int, size: int, key: int = 0) -> np.ndarray:
    """Pictures whose channels go together by different amounts, with pixels from 0 to 255."""
    random = generator("colour sums", count, size, key)
    common = random.integers(0, 256, (count, size, size, 1))
    own = random.integers(0, 256, (count, size, size, 3))
    mixed = np.array([0.9, 0.5, 0.1]) * common + np.array([0.1, 0.5, 0.9]) * own
    mixed[0, 0, 0] = [255, 0, 255]
    return mixed.round().astype(np.uint8)


def summed(blocks: list[np.ndarray]) -> ColourSums:
    sums = ColourSums(blocks[0].shape[1])
    for block in blocks:
        sums.add(block)
    return sums


def test_mean_and_covariance_are_numpys():
    made = pictures(7, 5)
    sums = summed([made])
    np.testing.assert_allclose(sums.mean_picture(7), made.astype(float).mean(axis=0), rtol=1e-6)
    found = sums.summary(7)
    pixels = made.reshape(-1, 3).astype(float)
    np.testing.assert_allclose(found["mean"], pixels.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(found["covariance"], np.cov(pixels.T, bias=True), rtol=1e-9)


def test_components_explain_the_covariance_and_come_largest_first_with_a_positive_largest_part():
    found = summed([pictures(7, 5)]).summary(7)
    vectors, deviations = np.array(found["eigenvectors"]), np.array(found["deviations"])
    np.testing.assert_allclose((vectors * deviations**2) @ vectors.T, found["covariance"], rtol=1e-9)
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(3), atol=1e-12)
    assert deviations.tolist() == sorted(deviations, reverse=True)
    for component in vectors.T:
        assert component[np.abs(component).argmax()] > 0


def test_grey_pictures_have_one_component_and_no_negative_variance():
    grey = np.repeat(pictures(4, 3)[..., :1], 3, axis=-1)
    found = summed([grey]).summary(4)
    np.testing.assert_allclose(np.array(found["eigenvectors"])[:, 0], np.full(3, 3**-0.5))
    np.testing.assert_allclose(found["deviations"][1:], 0, atol=1e-3)


@pytest.mark.parametrize("at_once", [1, 24, 25, 26, 60, 1000])
def test_the_brightest_pictures_do_not_overflow_in_whatever_blocks_they_are_added(monkeypatch, at_once):
    """255 x 255 is the largest product; 25 pixels a picture, so the blocks have 1, 1, 1, 1, 2 and 40 pictures."""
    monkeypatch.setattr(colour, "_AT_ONCE", at_once)
    sums = summed([np.full((9, 5, 5, 3), 255, np.uint8)])
    assert sums.products == [[9 * 25 * 255 * 255] * 3] * 3
    assert sums.per_pixel.tolist() == np.full((5, 5, 3), 9 * 255).tolist()


@settings(max_examples=25)
@given(cuts=st.lists(st.integers(0, 8), max_size=4), parts=st.booleans())
def test_neither_blocks_nor_workers_change_the_sums(cuts, parts):
    made = pictures(8, 4)
    edges = [0, *sorted(cuts), 8]
    blocks = [made[a:b] for a, b in pairwise(edges) if b > a]
    whole = summed([made])
    if parts:
        found = ColourSums(4)
        for block in blocks:
            found.merge(summed([block]))
    else:
        found = summed(blocks)
    assert found.products == whole.products
    np.testing.assert_array_equal(found.per_pixel, whole.per_pixel)

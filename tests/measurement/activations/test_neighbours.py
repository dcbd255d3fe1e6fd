"""Neighbours and codes among planted clusters, and laws that any distances obey."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from repro.data.packed import Split
from repro.measurement.activations import binary_codes, neighbours
from repro.measurement.activations.binary_codes import codes, hamming, principal_axes, reduced_pixels
from repro.measurement.activations.neighbours import (
    agreement,
    nearest,
    percentiles,
    pixel_distances,
    squared_distances,
)
from tests.measurement.subjects import packed_of, subject_of

LABELS = np.repeat(np.arange(5), 12)


def _clusters(spread: float, seed: int = 0) -> np.ndarray:
    """Five clusters of twelve points, their centres ten apart."""
    source = np.random.default_rng(seed)
    return np.eye(5, 40)[LABELS] * 10 + source.standard_normal((60, 40)) * spread


def test_planted_clusters_are_found() -> None:
    database, queries = _clusters(0.5), _clusters(0.5, seed=1)
    distances = squared_distances(queries, database)
    assert agreement(distances, LABELS, LABELS) == 1
    assert agreement(hamming(*codes(queries, database, 32)), LABELS, LABELS) == 1
    chosen = nearest(distances)
    assert (LABELS[chosen] == LABELS[:, None]).all()
    assert percentiles(distances, chosen).max() < 100 * 6 / 59
    scattered = _clusters(50)
    assert agreement(squared_distances(_clusters(50, seed=1), scattered), LABELS, LABELS) == pytest.approx(
        0.2, abs=0.08
    )


def test_distances_are_euclidean() -> None:
    queries, database = _clusters(1)[:7], _clusters(3)
    expected = ((queries[:, None] - database[None]) ** 2).sum(2)
    np.testing.assert_allclose(squared_distances(queries, database), expected, rtol=1e-9)


def test_pixels_are_compared_exactly_and_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (30, 8, 8, 3), dtype=np.uint8)
    split = Split(pictures, np.zeros(30, dtype=np.int64))
    monkeypatch.setattr(neighbours, "_PICTURES_AT_ONCE", 4)
    asked, known = np.array([3, 7, 20]), np.arange(0, 30, 2)
    found = pixel_distances(split, asked, split, known, 6)
    middle = pictures[:, 1:7, 1:7].reshape(30, -1).astype(np.int64)
    np.testing.assert_array_equal(found, ((middle[asked][:, None] - middle[known][None]) ** 2).sum(2))


@given(
    arrays.arrays(np.int64, (3, 9), elements=st.integers(0, 4)),
    arrays.arrays(np.int64, 3, elements=st.integers(0, 2)),
    arrays.arrays(np.int64, 9, elements=st.integers(0, 2)),
    st.integers(1, 9),
)
@settings(deadline=None, max_examples=60)
def test_agreement_is_the_mean_over_all_ways_to_break_ties(
    distances: np.ndarray, asked: np.ndarray, known: np.ndarray, k: int
) -> None:
    expected = []
    for row, label in zip(distances.astype(float), asked, strict=True):
        ways = [way for way in combinations(range(9), k) if max(row[list(way)]) <= np.sort(row)[k - 1]]
        least = [way for way in ways if np.isclose(row[list(way)].sum(), np.sort(row)[:k].sum())]
        expected.append(np.mean([(known[list(way)] == label).mean() for way in least]))
    assert agreement(distances.astype(float), asked, known, k) == pytest.approx(np.mean(expected))


def test_agreement_needs_as_many_as_it_asks_for() -> None:
    assert agreement(np.zeros((2, 5)), np.zeros(2, int), np.zeros(5, int)) is None


@given(arrays.arrays(np.float64, (2, 8), elements=st.integers(0, 5).map(float)))
@settings(deadline=None, max_examples=40)
def test_percentiles_of_the_whole_database_average_to_fifty(distances: np.ndarray) -> None:
    everything = np.tile(np.arange(8), (2, 1))
    np.testing.assert_allclose(percentiles(distances, everything).mean(axis=1), 50)


def test_percentile_of_the_nearest_is_0_and_of_the_farthest_100() -> None:
    distances = np.array([[3.0, 1.0, 2.0, 9.0]])
    np.testing.assert_array_equal(percentiles(distances, np.array([[1, 3, 0]])), [[0, 100, 200 / 3]])


@given(st.integers(2, 12), st.integers(2, 12), st.integers(0, 20))
@settings(deadline=None, max_examples=40)
def test_principal_axes_are_those_of_the_singular_values(rows: int, columns: int, seed: int) -> None:
    values = np.random.default_rng(seed).standard_normal((rows, columns)) @ np.diag(np.arange(1, columns + 1))
    centred = values - values.mean(axis=0)
    axes = principal_axes(centred, 3)
    expected = np.linalg.svd(centred, full_matrices=False)[2][: axes.shape[1]]
    np.testing.assert_allclose(np.abs((axes.T * expected).sum(1)), 1, atol=1e-6)
    np.testing.assert_allclose(axes.T @ axes, np.eye(axes.shape[1]), atol=1e-6)
    assert axes.shape[1] == min(3, rows - 1, columns)


def test_codes_that_hold_nothing_agree_by_chance() -> None:
    same = np.ones((60, 9))
    assert agreement(hamming(*codes(same, same, 8)), LABELS, LABELS) == pytest.approx(0.2)


def test_hamming_counts_the_bits_that_differ() -> None:
    one, other = np.array([[1, 1, -1, -1]], np.float32), np.array([[1, -1, -1, 1], [1, 1, -1, -1]], np.float32)
    np.testing.assert_array_equal(hamming(one, other), [[2, 0]])


def test_large_pictures_are_averaged_down() -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (2, 66, 66, 3), dtype=np.uint8)
    split, both = Split(pictures, np.zeros(2, dtype=np.int64)), np.arange(2)
    small = reduced_pixels(split, both, 64).reshape(2, 3, 32, 32)
    np.testing.assert_allclose(small[1, 2, 5, 7], pictures[1, 11:13, 15:17, 2].mean(), rtol=1e-5)
    np.testing.assert_array_equal(
        reduced_pixels(split, both[1:], 16).reshape(3, 16, 16), pictures[1, 25:41, 25:41].transpose(2, 0, 1)
    )


def test_classes_that_pixels_show_are_found_by_pixels_and_an_untrained_net() -> None:
    """Grey pictures of eight brightnesses; then a net whose fc7 is silent."""
    labels = np.arange(160) % 8
    noise = np.random.default_rng(0).integers(0, 12, (160, 20, 20, 3))
    pictures = (labels[:, None, None, None] * 30 + noise).astype(np.uint8)
    packed = packed_of((pictures[:120], labels[:120]), (pictures[120:], labels[120:]), tuple("abcdefgh"))
    subject = subject_of(packed, hidden_pictures=2, neighbour_queries=40, neighbour_database=120)
    found = neighbours.measure(subject, neighbour_queries=40, neighbour_database=120).scalars
    assert found["neighbour_agreement_pixels"] == 1
    assert found["neighbour_agreement_untrained"] > 0.6
    assert found["neighbour_agreement"] == found["neighbour_agreement_untrained"]  # its weights are the initial ones
    assert found["neighbour_pixel_percentile"] < 100 * 15 / 120

    dead = subject_of(packed, neighbour_queries=40, neighbour_database=120)
    dead.net.layers[-2].weight.data.zero_()
    dead.net.layers[-2].bias.data.fill_(-1)
    found = neighbours.measure(dead, neighbour_queries=40, neighbour_database=120).scalars
    assert found["neighbour_agreement"] == pytest.approx(1 / 8)
    coded = binary_codes.measure(dead, neighbour_queries=40, neighbour_database=120, code_bits=8).scalars
    assert coded["code_agreement"] == pytest.approx(1 / 8)
    assert coded["code_agreement_pixels"] == pytest.approx(1 / 4, abs=0.02)  # one axis, cut at its mean


def test_the_percentile_is_of_the_nearest_by_features_among_distances_of_pixels(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Features by which the brightest pictures are nearest to a black one: by pixels the farthest, ranks 18 to 23."""
    levels = np.random.default_rng(0).permutation(24) * 10
    database = np.broadcast_to(levels[:, None, None, None], (24, 20, 20, 3)).astype(np.uint8)
    queries, labels = np.zeros((4, 20, 20, 3), np.uint8), np.arange(24) % 4
    packed = packed_of((database, labels), (queries, labels[:4]), tuple("abcd"))
    found = (np.full((4, 1), 255.0), levels[:, None].astype(float))
    monkeypatch.setattr(neighbours, "features", lambda subject, queries, database: found)
    subject = subject_of(packed, neighbour_queries=4, neighbour_database=24)
    scalars = neighbours.measure(subject, neighbour_queries=4, neighbour_database=24).scalars
    assert scalars["neighbour_pixel_percentile"] == pytest.approx(100 * 20.5 / 23)

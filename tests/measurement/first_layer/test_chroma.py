"""Chroma shares: laws that hold for any kernels and patches, and the patches themselves."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from repro.data.chosen_pictures import pictures_of
from repro.evidence.division import division
from repro.measurement.first_layer.chroma import PatchColours, chroma_responses, input_vector, natural_patches
from repro.measurement.first_layer.kernels import first_kernels, live, measure
from repro.measurement.subject import Subject
from repro.study.settings import PictureSettings
from tests.measurement.subjects import FEW, SEED, small_packed, subject_of
from tests.small_runs import small_settings

SIDE = 3
KERNELS = arrays.arrays(np.float64, (4, 3, SIDE, SIDE), elements=st.floats(-1, 1, width=32))


def colours_of(patches: np.ndarray) -> PatchColours:
    return PatchColours.of(patches)


@pytest.fixture(scope="module")
def colours() -> PatchColours:
    """Patches whose light varies four times as much as their colours."""
    random = np.random.default_rng(0)
    light = 4 * random.standard_normal((500, SIDE, SIDE, 1))
    return colours_of(light + random.standard_normal((500, SIDE, SIDE, 3)))


def by_hand(kernels: np.ndarray, patches: np.ndarray) -> np.ndarray:
    """Responses to each part of each patch, and their variances."""
    grey = np.repeat(patches.mean(axis=-1, keepdims=True), 3, axis=-1)
    parts = [np.einsum("kcyx,pyxc->pk", kernels, part).var(axis=0) for part in (grey, patches - grey)]
    return parts[1] / (parts[0] + parts[1])


def test_shares_are_those_of_responses_patch_by_patch():
    random = np.random.default_rng(1)
    patches = random.standard_normal((300, SIDE, SIDE, 3)) + random.standard_normal((300, 1, 1, 1))
    kernels = random.standard_normal((6, 3, SIDE, SIDE))
    np.testing.assert_allclose(chroma_responses(kernels, colours_of(patches)), by_hand(kernels, patches), rtol=1e-9)


@given(KERNELS)
def test_a_grey_kernel_has_no_share(colours, kernels):
    grey = np.repeat(kernels[:, :1], 3, axis=1)
    shares = chroma_responses(grey, colours)
    assert (np.nan_to_num(shares) == 0).all()
    assert (np.isnan(shares) == ~grey.any(axis=(1, 2, 3))).all()


@given(KERNELS)
@settings(deadline=None)
def test_a_kernel_that_light_does_not_move_has_the_whole(colours, kernels):
    coloured = kernels - kernels.mean(axis=1, keepdims=True)
    moved = np.abs(coloured).max(axis=(1, 2, 3)) > 1e-3
    np.testing.assert_allclose(chroma_responses(coloured, colours)[moved], 1)


@given(KERNELS, st.floats(1e-3, 1e3), st.booleans())
@settings(deadline=None)
def test_neither_scale_nor_sign_of_a_kernel_changes_its_share(colours, kernels, scale, negative):
    kernels[np.abs(kernels) < 1e-3] = 0
    scaled = chroma_responses(kernels * (-scale if negative else scale), colours)
    np.testing.assert_allclose(scaled, chroma_responses(kernels, colours), rtol=1e-6, atol=1e-12)


@given(KERNELS)
def test_shares_lie_between_0_and_1(colours, kernels):
    shares = chroma_responses(kernels, colours)
    assert ((shares >= 0) & (shares <= 1) | np.isnan(shares)).all()


def test_nothing_to_answer_is_no_share(colours):
    assert np.isnan(chroma_responses(np.zeros((2, 3, SIDE, SIDE)), colours)).all()
    uniform = colours_of(np.full((5, SIDE, SIDE, 3), 0.3))
    assert np.isnan(chroma_responses(np.ones((2, 3, SIDE, SIDE)), uniform)).all()


def test_colour_counts_by_what_pictures_show():
    """The same kernel of noise: two thirds of its energy are chroma, but pale pictures hardly move that part."""
    random = np.random.default_rng(2)
    kernel = random.standard_normal((50, 3, SIDE, SIDE))
    light, tint = random.standard_normal((400, SIDE, SIDE, 1)), random.standard_normal((400, SIDE, SIDE, 3))
    pale, vivid = (chroma_responses(kernel, colours_of(light + strength * tint)) for strength in (0.1, 10))
    assert pale.mean() < 0.1
    assert 0.5 < vivid.mean() < 0.8


# ---- patches -----------------------------------------------------------------------------------------


def test_patches_are_pieces_of_the_pictures_less_the_mean_there(tmp_path: Path):
    packed = small_packed(tmp_path)
    patches = natural_patches(packed.train.pictures, packed.mean_picture, 4, 4, n=40)
    assert patches.shape == (40, 4, 4, 3)
    less = np.asarray(packed.train.pictures, dtype=np.float32) - packed.mean_picture
    size = less.shape[1]
    every = {
        less[picture, top : top + 4, left : left + 4].tobytes()
        for picture in range(len(less))
        for top in range(size - 3)
        for left in range(size - 3)
    }
    assert all(patch.tobytes() in every for patch in patches)
    assert len({patch.tobytes() for patch in patches}) > 30


def test_patches_reach_every_place_and_are_spread_evenly(tmp_path: Path):
    """Each pixel holds its picture and place, so that a patch tells where it is from."""
    size, count = 8, 6
    numbers = np.arange(count * size * size, dtype=np.uint16).reshape(count, size, size)
    pictures = np.stack([numbers % 256, numbers // 256, 0 * numbers], axis=-1).astype(np.uint8)
    patches = natural_patches(pictures, np.zeros((size, size, 3), np.float32), 3, 3, n=10_000)
    start = patches[:, 0, 0, 0] + 256 * patches[:, 0, 0, 1]
    found, times = np.unique(start, return_counts=True)
    assert len(found) == count * (size - 2) ** 2
    assert times.min() > 20
    assert times.max() < 90


def test_every_run_on_the_same_pictures_has_the_same_patches(tmp_path: Path):
    packed = small_packed(tmp_path)
    taken = [measure(subject_of(packed, seed=seed)).arrays for seed in (1, 2)]
    for arrays_of in taken:
        view = packed.train.pictures
        patches = natural_patches(view, packed.mean_picture, 3, 3)
        expected = by_hand(arrays_of["conv1"].astype(np.float64), patches.astype(np.float64))
        np.testing.assert_allclose(arrays_of["conv1_chroma_response"], expected, rtol=1e-4)
        np.testing.assert_array_equal(arrays_of["conv1_chroma_response"], arrays_of["conv1_chroma_response_initial"])


def test_a_run_on_grey_pictures_has_no_chroma(tmp_path: Path):
    packed = small_packed(tmp_path)
    grey = pictures_of(PictureSettings(colour="grey"), packed)
    assert np.ptp(natural_patches(grey.train.pictures, grey.mean_picture, 3, 3, n=50), axis=-1).max() < 1e-4
    taken = measure(subject_of(packed, small_settings(pictures={"colour": "grey"})))
    assert taken.arrays["conv1_chroma_response"].max() < 1e-6


# ---- what a run's evidence holds -----------------------------------------------------------------------


def test_kept_points_have_the_shares_of_live_kernels_and_j(tmp_path: Path):
    packed = small_packed(tmp_path)
    plain = subject_of(packed)
    start = first_kernels(plain.untrained)
    rows, columns = np.mgrid[0:3, 0:3] - 1.0
    blob = np.exp(-(rows**2 + columns**2))
    colour = np.array([[1, 1, 1]] * 4 + [[1, -1, 0]] * 4)
    learned = colour[:, :, None, None] * blob
    points = {0: start, 7: learned, 14: np.full_like(start, np.nan)}
    subject = Subject(plain.net, packed, plain.settings, SEED, FEW, points)
    found = measure(subject).arrays
    alive = live(learned, start)
    assert found["conv1_points_step"].tolist() == [0, 7, 14]
    shares = found["conv1_points_chroma_response"]
    assert (shares.dtype, shares.shape) == (np.float16, (3, 8))
    assert np.isnan(shares[[0, 2]]).all()
    assert (np.isfinite(shares[1]) == alive).all()
    assert alive[:4].any()
    assert alive[4:].any()
    assert (shares[1][:4][alive[:4]] == 0).all()
    assert (shares[1][4:][alive[4:]] > 0.9).all()
    assert found["conv1_points_division"][1] == division(np.nan_to_num(shares[1]), alive) == 1
    assert np.isnan(found["conv1_points_division"][[0, 2]]).all()


def test_a_run_that_kept_no_points_has_none(tmp_path: Path):
    found = measure(subject_of(small_packed(tmp_path))).arrays
    assert not [name for name in found if "points" in name]


def test_a_dense_second_layer_tells_what_it_reads(tmp_path: Path):
    packed = small_packed(tmp_path)
    assert "conv2_input_vector" not in measure(subject_of(packed)).arrays
    joined = small_settings(net={"crossings": ["conv2"]})
    assert "conv2_input_vector" not in measure(subject_of(packed, joined)).arrays
    dense = subject_of(packed, small_settings(net={"towers": 1}))
    found = measure(dense).arrays["conv2_input_vector"]
    weights = dense.net.state_dict()["conv2.weight"].numpy()
    assert found.shape == (weights.shape[1],)
    assert np.linalg.norm(found) == pytest.approx(1)
    matrix = np.abs(weights).sum(axis=(2, 3))
    np.testing.assert_allclose(matrix.T @ (matrix @ found), np.linalg.norm(matrix, 2) ** 2 * found, rtol=1e-4)
    without = subject_of(packed, small_settings(net={"towers": 1, "removed": ["conv1"]}))
    assert "conv2_input_vector" not in measure(without).arrays


@given(arrays.arrays(np.float64, (5, 4, 2, 2), elements=st.floats(-1, 1, width=16)))
@settings(deadline=None)
def test_what_a_layer_reads_has_no_negative_sum_and_follows_a_kernel_that_nothing_reads(weights):
    weights[:, 2] = 0
    vector = input_vector(weights)
    assert vector.sum() >= 0
    if np.abs(weights).sum() > 1e-3:
        assert abs(vector[2]) < 1e-6
        first, second, *_ = np.linalg.svd(np.abs(weights).sum(axis=(2, 3)), compute_uv=False)
        if first > 1.001 * second:  # of two equal ones each vector in their plane is a first one
            np.testing.assert_allclose(input_vector(weights * 7), vector, atol=1e-5)


def test_a_kernel_larger_than_the_pictures_has_no_share(tmp_path: Path):
    packed = small_packed(tmp_path)
    subject = subject_of(packed)
    subject.pictures = replace(packed, mean_picture=packed.mean_picture[:2, :2])
    assert np.isnan(measure(subject).arrays["conv1_chroma_response"]).all()

"""What is done to a picture before the net sees it (section 4.1), against each operation written out pixel by pixel."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from repro import randomness
from repro.data import augmentation
from repro.data.augmentation import (
    CropMeans,
    Draws,
    centre_batch,
    colour_shifts,
    draw,
    epoch_order,
    mean_to_subtract,
    mirrored,
    training_batch,
)
from repro.data.packed import Colour
from repro.study.settings import Augmentation

COLOUR = Colour(
    covariance=np.eye(3),
    eigenvectors=np.array([[0.6, 0.8, 0.0], [0.8, -0.6, 0.0], [0.0, 0.0, 1.0]]),
    deviations=np.array([50.0, 8.0, 2.0]),
)
PLAIN: dict[str, Any] = {"crops": "centre", "reflections": False, "colour_noise": 0.0}
PICTURES = randomness.generator("augmentation tests").integers(0, 256, (5, 6, 6, 3), dtype=np.uint8)
MEAN = PICTURES.mean(axis=0).astype(np.float32)


def drawn(
    samples: int = 2000, *, seed: int = 1, epoch: int = 0, first: int = 0, size: int = 9, crop: int = 7, **recipe
):
    return draw(
        Augmentation(**(PLAIN | recipe)),
        COLOUR,
        seed=seed,
        epoch=epoch,
        samples=np.arange(samples),
        offset=first,
        size=size,
        crop=crop,
    )


# ---- what is drawn ---------------------------------------------------------------------------------------


def test_every_offset_is_drawn_equally_often_and_none_outside():
    """9 - 7 + 1 = 3 offsets an axis, 9 pairs: 20,000 draws give each 2,222, give or take 44."""
    made = drawn(20_000, crops="per_picture")
    pairs = Counter(zip(made.top.tolist(), made.left.tolist(), strict=True))
    assert set(pairs) == {(top, left) for top in range(3) for left in range(3)}
    assert stats.chisquare(list(pairs.values())).pvalue > 1e-4


def test_the_papers_crops_have_33_offsets_an_axis():
    """256 - 224 + 1 = 33, from 0 to 32."""
    made = drawn(20_000, crops="per_picture", size=256, crop=224)
    for offsets in (made.top, made.left):
        assert (offsets.min(), offsets.max()) == (0, 32)


def test_half_of_the_pictures_are_mirrored_whatever_their_crop():
    made = drawn(20_000, crops="per_picture", reflections=True)
    assert abs(made.mirrored.mean() - 0.5) < 4 * 0.5 / math.sqrt(20_000)
    table = [
        [np.sum(made.mirrored & (made.top == top)), np.sum(~made.mirrored & (made.top == top))] for top in range(3)
    ]
    assert stats.chi2_contingency(np.array(table)).pvalue > 1e-4


@pytest.mark.parametrize(("size", "crop", "start"), [(9, 7, 1), (10, 7, 1), (256, 227, 14), (7, 7, 0)])
def test_central_crops_lie_in_the_middle(size, crop, start):
    made = drawn(3, size=size, crop=crop)
    assert made.top.tolist() == made.left.tolist() == [start] * 3


def test_without_reflections_and_noise_nothing_else_is_drawn():
    made = drawn(50)
    assert not made.mirrored.any()
    assert not made.shift.any()
    assert made.shift.shape == (50, 3)


@pytest.mark.parametrize("what", ["top", "left", "mirrored", "shift"])
@pytest.mark.parametrize("other", [{"seed": 2}, {"epoch": 1}])
def test_another_seed_or_epoch_draws_anew(what, other):
    recipe: dict[str, Any] = {"crops": "per_picture", "reflections": True, "colour_noise": 0.1}
    one, two = getattr(drawn(**recipe), what), getattr(drawn(**recipe, **other), what)
    chance = {"top": 1 / 3, "left": 1 / 3, "mirrored": 1 / 2, "shift": 0.0}[what]
    assert abs(np.mean(one == two) - chance) < 0.06


def test_top_and_left_are_not_the_same_draw():
    made = drawn(crops="per_picture")
    assert abs(np.mean(made.top == made.left) - 1 / 3) < 0.06


def test_a_picture_is_drawn_alike_in_whatever_batch_it_comes():
    recipe = Augmentation(crops="per_picture", reflections=True, colour_noise=0.1)
    given = {"seed": 1, "epoch": 3, "size": 9, "crop": 7}
    whole = draw(recipe, COLOUR, samples=np.arange(40), offset=0, **given)
    part = draw(recipe, COLOUR, samples=np.array([31, 7]), offset=12, **given)
    for name in ("top", "left", "mirrored", "shift"):
        np.testing.assert_array_equal(getattr(part, name), getattr(whole, name)[[31, 7]])


@pytest.mark.parametrize("first", [0, 20, 31, 32, 100])
def test_the_authors_shared_crops_change_after_every_32_pictures_of_the_epoch(first):
    made = drawn(100, first=first, crops="per_32", reflections=True, size=256, crop=224)
    changes = [i for i in range(1, 100) if (made.top[i], made.left[i]) != (made.top[i - 1], made.left[i - 1])]
    assert changes == [i for i in range(1, 100) if (first + i) % 32 == 0]
    assert all((first + i) % 32 == 0 for i in range(1, 100) if made.mirrored[i] != made.mirrored[i - 1])


@pytest.mark.parametrize(("epoch", "noise"), [(0, True), (1, True), (2, False), (3, False)])
def test_colour_noise_ends_with_the_epoch_in_which_it_is_switched_off(epoch, noise):
    made = drawn(10, epoch=epoch, colour_noise=0.1, colour_noise_off_epoch=2)
    assert bool(made.shift.any()) is noise


def test_colour_shifts_have_the_stated_deviation_along_each_component_and_no_mean():
    """Along p_i the shift is a_i l_i with a_i ~ N(0, 0.1): deviations of 5, 0.8 and 0.2 grey levels."""
    shifts = colour_shifts(0.1, COLOUR, randomness.key(1, "colour", 0), np.arange(20_000))
    along = shifts @ COLOUR.eigenvectors
    for component, expected in enumerate((5.0, 0.8, 0.2)):
        assert stats.kstest(along[:, component] / expected, "norm").pvalue > 1e-4
    assert np.abs(np.corrcoef(along.T) - np.eye(3)).max() < 0.03


def test_a_draw_of_nought_shifts_as_far_as_the_smallest_draw_and_not_without_bound(monkeypatch):
    """Draws are multiples of 2^-53, of which the normal quantile is -8.21; that of 0 is no number."""
    most = []
    for value in (0.0, 2.0**-53):
        monkeypatch.setattr(randomness, "uniform", lambda key, *indices, value=value: np.full((2, 3), value))
        most.append(colour_shifts(0.1, COLOUR, 1, np.arange(2)))
    expected = 0.1 * stats.norm.ppf(2.0**-53) * COLOUR.eigenvectors @ COLOUR.deviations
    for shifts in most:
        np.testing.assert_allclose(shifts, [expected, expected], rtol=1e-9)


@given(seed=st.integers(0, 50), epoch=st.integers(0, 50), pictures=st.integers(1, 300))
def test_an_epoch_visits_every_picture_once(seed, epoch, pictures):
    assert sorted(epoch_order(seed, epoch, pictures).tolist()) == list(range(pictures))


def test_the_order_is_another_in_each_epoch_and_seed_unless_it_is_fixed():
    def order(seed: int, epoch: int, kind: str) -> tuple[int, ...]:
        return tuple(epoch_order(seed, epoch, 100, kind).tolist())

    assert len({order(seed, epoch, "each_epoch") for seed in (1, 2) for epoch in range(3)}) == 6
    assert len({order(1, epoch, "fixed") for epoch in range(3)}) == 1
    assert order(1, 0, "fixed") != order(2, 0, "fixed")


# ---- what is made of it ----------------------------------------------------------------------------------


def by_hand(picture: np.ndarray, draws: Draws, which: int, mean: np.ndarray, crop: int, scale: float) -> np.ndarray:
    """A training picture made pixel by pixel: cropped, less the mean, mirrored, shifted, scaled."""
    top, left = int(draws.top[which]), int(draws.left[which])
    made = np.empty((crop, crop, 3))
    for row in range(crop):
        for column in range(crop):
            here = left + (crop - 1 - column if draws.mirrored[which] else column)
            if mean.shape == (3,):
                less = mean
            elif mean.shape[0] == crop:
                less = mean[row, here - left]
            else:
                less = mean[top + row, here]
            made[row, column] = (picture[top + row, here].astype(float) - less + draws.shift[which]) * scale
    return made


@pytest.mark.parametrize("kind", ["picture", "centre_of_picture", "channel"])
@pytest.mark.parametrize("scale", [1.0, 1 / 64])
@pytest.mark.parametrize("noise", [True, False])
@pytest.mark.parametrize("crop", [4, 3])
def test_training_pictures_are_those_made_by_hand(kind, scale, noise, crop):
    draws = Draws(
        top=np.array([0, 2, 1]),
        left=np.array([1, 0, 2]),
        mirrored=np.array([False, True, True]),
        shift=np.array([[1.5, -2.0, 0.25], [0.0, 0.0, 0.0], [-9.0, 3.0, 7.0]]) * noise,
    )
    mean = mean_to_subtract(MEAN, kind, crop)
    batch = training_batch(PICTURES, np.array([4, 0, 2]), draws, CropMeans(mean, crop), scale)
    assert (batch.shape, batch.dtype) == ((3, crop, crop, 3), np.float32)
    for which, sample in enumerate((4, 0, 2)):
        expected = by_hand(PICTURES[sample], draws, which, mean.astype(float), crop, scale)
        np.testing.assert_allclose(batch[which], expected, rtol=1e-5, atol=1e-4 * scale)


@pytest.mark.parametrize("kind", ["picture", "centre_of_picture", "channel"])
@pytest.mark.parametrize("scale", [1.0, 1 / 64])
@pytest.mark.parametrize("crop", [6, 4, 3])
def test_central_pictures_are_training_pictures_of_the_central_crop(kind, scale, crop):
    mean = mean_to_subtract(MEAN, kind, crop)
    start = (6 - crop) // 2
    draws = Draws(np.full(5, start), np.full(5, start), np.zeros(5, bool), np.zeros((5, 3)))
    expected = np.stack([by_hand(PICTURES[n], draws, n, mean.astype(float), crop, scale) for n in range(5)])
    np.testing.assert_allclose(centre_batch(PICTURES, mean, crop, scale), expected, rtol=1e-5, atol=1e-4 * scale)


def test_the_mean_is_the_pictures_or_its_centre_or_one_number_a_channel():
    mean = np.arange(6 * 6 * 3, dtype=np.float32).reshape(6, 6, 3)
    np.testing.assert_array_equal(mean_to_subtract(mean, "picture", 4), mean)
    np.testing.assert_array_equal(mean_to_subtract(mean, "centre_of_picture", 4), mean[1:5, 1:5])
    # The pixels' numbers go up by 3 from 0, so that the 36 of a channel have the mean 3 x 35 / 2 = 52.5.
    np.testing.assert_array_equal(mean_to_subtract(mean, "channel", 4), [52.5, 53.5, 54.5])


@pytest.mark.parametrize("at_once", [1, 2, 3, 7, 100])
def test_batches_do_not_depend_on_how_many_pictures_are_made_at_once(monkeypatch, at_once):
    random, samples = randomness.generator("at once"), np.array([4, 0, 2, 2, 1, 3, 0])
    draws = Draws(random.integers(0, 4, 7), random.integers(0, 4, 7), random.random(7) < 0.5, np.zeros((7, 3)))
    whole = training_batch(PICTURES, samples, draws, CropMeans(MEAN, 3), 1.0)
    monkeypatch.setattr(augmentation, "_CACHED", at_once * 3 * 3 * 3 * 4)
    np.testing.assert_array_equal(training_batch(PICTURES, samples, draws, CropMeans(MEAN, 3), 1.0), whole)
    none = training_batch(PICTURES, samples[:0], draws.part(slice(0)), CropMeans(MEAN, 3), 1.0)
    assert none.shape == (0, 3, 3, 3)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_pictures_are_reflected_from_left_to_right(dtype):
    pictures = np.arange(2 * 2 * 5 * 3).reshape(2, 2, 5, 3).astype(dtype)
    np.testing.assert_array_equal(mirrored(pictures), pictures[:, :, ::-1])

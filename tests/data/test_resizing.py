"""The paper's geometry, and pixels within 2 grey levels of Pillow's two one-axis resizes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from repro.data.preparation.resizing import EXTREME_RATIO, FILTERS, crop_offset, resize_and_crop, resized_shape
from tests.data.miniatures import Pixels, noise

MOST_DIFFERENT = 2


def reference(pixels: Pixels, size: int, filter: str) -> Pixels:
    """Pillow, columns first: free of its own choice of the order of passes."""
    height, width = pixels.shape[:2]
    new_height, new_width = resized_shape(height, width, size)
    picture = Image.fromarray(pixels).resize((new_width, height), FILTERS[filter])
    whole = np.asarray(picture.resize((new_width, new_height), FILTERS[filter]))
    top, left = crop_offset(new_height, size), crop_offset(new_width, size)
    return whole[top : top + size, left : left + size]


def test_the_commonest_shape_of_imagenet() -> None:
    assert resized_shape(375, 500, 256) == (256, 341)
    assert resized_shape(500, 375, 256) == (341, 256)
    assert crop_offset(341, 256) == 42  # the tie 42.5 goes to the even one


@pytest.mark.parametrize(("length", "offset"), [(64, 0), (65, 0), (66, 1), (67, 2), (69, 2), (71, 4)])
def test_ties_of_the_crop_go_to_the_even_offset(length: int, offset: int) -> None:
    assert crop_offset(length, 64) == offset


@given(height=st.integers(1, 5000), width=st.integers(1, 5000), size=st.integers(1, 512))
def test_shorter_side_is_exact_and_the_crop_fits(height: int, width: int, size: int) -> None:
    new_height, new_width = resized_shape(height, width, size)
    assert min(new_height, new_width) == size
    assert max(new_height, new_width) == int(size * max(height, width) / min(height, width))
    for length in (new_height, new_width):
        assert 0 <= crop_offset(length, size) <= length - size


@settings(max_examples=60, deadline=None)
@given(
    height=st.integers(1, 150),
    width=st.integers(1, 150),
    size=st.sampled_from([8, 32, 64, 100]),
    filter=st.sampled_from(sorted(FILTERS)),
    seed=st.integers(0, 9),
)
def test_within_two_levels_of_pillow(height: int, width: int, size: int, filter: str, seed: int) -> None:
    pixels = noise(seed, height, width)
    ours = resize_and_crop(pixels, size, filter)
    assert ours.shape == (size, size, 3)
    assert ours.dtype == np.uint8
    difference = np.abs(ours.astype(int) - reference(pixels, size, filter))
    assert difference.max() <= MOST_DIFFERENT
    # Single pictures of a few pixels may lie above the average of 0.02 that larger ones keep.
    assert difference.mean() <= 0.2


@pytest.mark.parametrize("filter", FILTERS)
@pytest.mark.parametrize("shape", [(375, 500), (500, 375), (200, 200), (640, 321), (90, 719), (1000, 130)])
def test_on_average_a_fiftieth_of_a_level_at_256(shape: tuple[int, int], filter: str) -> None:
    pixels = noise(1, *shape)
    difference = np.abs(resize_and_crop(pixels, 256, filter).astype(int) - reference(pixels, 256, filter))
    assert difference.max() <= MOST_DIFFERENT
    assert difference.mean() <= 0.02


@pytest.mark.parametrize("filter", FILTERS)
@pytest.mark.parametrize("shape", [(375, 500), (500, 375), (57, 300), (300, 257), (640, 480)])
def test_channels_innermost_give_the_same_bits_as_planes(shape: tuple[int, int], filter: str) -> None:
    pixels = noise(2, *shape)
    planes = torch.from_numpy(pixels.transpose(2, 0, 1).copy())[None]
    size = resized_shape(*shape, 64)
    plain = torch.nn.functional.interpolate(planes, size, mode=filter, antialias=True, align_corners=False)
    top, left = (crop_offset(length, 64) for length in size)
    expected = plain[0, :, top : top + 64, left : left + 64].permute(1, 2, 0).numpy()
    np.testing.assert_array_equal(resize_and_crop(pixels, 64, filter), expected)


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (2, 5), (9, 9)])
def test_the_smallest_pictures_are_enlarged(shape: tuple[int, int]) -> None:
    pixels = np.full((*shape, 3), (7, 90, 250), np.uint8)
    np.testing.assert_array_equal(resize_and_crop(pixels, 64), np.full((64, 64, 3), (7, 90, 250)))


def test_a_picture_of_the_right_shape_is_not_resampled() -> None:
    pixels = noise(4, 64, 64)
    np.testing.assert_array_equal(resize_and_crop(pixels, 64), pixels)


def test_a_picture_with_the_right_shorter_side_is_only_cropped() -> None:
    pixels = noise(5, 64, 99)
    np.testing.assert_array_equal(resize_and_crop(pixels, 64), pixels[:, 18:82])


def test_extreme_pictures_need_no_memory_for_what_is_cut_away() -> None:
    # Rescaled whole, this would take 256 x 15,360,000 pixels.
    assert resize_and_crop(noise(6, 60000, 1), 256).shape == (256, 256, 3)


@pytest.mark.parametrize("filter", FILTERS)
@pytest.mark.parametrize("shape", [(10, 10 * EXTREME_RATIO + 1), (10 * EXTREME_RATIO + 7, 10)])
def test_extreme_pictures_keep_to_the_same_reference(shape: tuple[int, int], filter: str) -> None:
    pixels = noise(7, *shape)
    difference = np.abs(resize_and_crop(pixels, 64, filter).astype(int) - reference(pixels, 64, filter))
    assert difference.max() <= MOST_DIFFERENT


def test_read_only_pixels_are_accepted() -> None:
    pixels = noise(8, 20, 30)
    pixels.flags.writeable = False
    resize_and_crop(pixels, 16)

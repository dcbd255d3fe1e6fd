"""Drawing scenes: figures are whole, colours equally bright, counts and directions within their ranges."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repro.data.procedural import dead_leaves
from repro.data.procedural.dead_leaves import Direction, Form, Leaf, Range
from repro.randomness import generator


@given(hue=st.floats(-2, 2), saturation=st.floats(0, 1), brightness=st.floats(10, 200))
def test_colours_of_all_hues_are_equally_bright(hue: float, saturation: float, brightness: float) -> None:
    colour = dead_leaves.colour_of(hue, saturation, brightness)
    assert np.mean(colour) == pytest.approx(brightness, rel=1e-9)
    assert np.allclose(colour, dead_leaves.colour_of(hue + 1, saturation, brightness), rtol=1e-6, atol=1e-6)


@settings(max_examples=60)
@given(
    form=st.sampled_from(get_args(Form)),
    x=st.floats(-0.5, 1.5),
    y=st.floats(-0.5, 1.5),
    radius=st.floats(0.01, 0.6),
    seed=st.integers(0, 1000),
)
def test_a_leaf_is_drawn_whole_in_its_window(form: str, x: float, y: float, radius: float, seed: int) -> None:
    """The window cuts nothing off: the middle of a canvas three times as large is the same."""
    direction = dead_leaves.any_direction(generator(seed, "direction"))
    colour = (50.0, 100.0, 150.0)
    small = np.zeros((20, 20, 3), np.float32)
    dead_leaves.draw_leaf(small, Leaf(form, x, y, radius, direction, colour))
    shown = small.any(2)
    assert np.all(small[shown] == np.array(colour, np.float32))
    least, most = (  # an edge may run through the centre of a pixel, which then may round either way
        _middle_of_large(Leaf(form, (x + 1) / 3, (y + 1) / 3, radius * factor / 3, direction, colour))
        for factor in (1 - 1e-6, 1 + 1e-6)
    )
    assert np.all(shown >= least)
    assert np.all(shown <= most)


def _middle_of_large(leaf: Leaf) -> np.ndarray:
    canvas = np.zeros((60, 60, 3), np.float32)
    dead_leaves.draw_leaf(canvas, leaf)
    return canvas[20:40, 20:40].any(2)


def test_stripes_run_along_the_axis_of_their_class() -> None:
    canvas = np.zeros((48, 48, 3), np.float32)
    stripes = dead_leaves.Stripes(Direction(1.0, 0.0), 0.125, 0.0, 0.5)
    dead_leaves.draw_leaf(canvas, Leaf("square", 0.5, 0.5, 2.0, Direction(1.0, 0.0), (100.0,) * 3, stripes))
    assert np.ptp(canvas, axis=0).max() == 0
    assert np.ptp(canvas, axis=1).min() == pytest.approx(100.0)
    assert np.array_equal(canvas[:, :-6], canvas[:, 6:])


def test_noise_has_the_deviation_asked_for() -> None:
    canvas = np.full((64, 64, 3), 100, np.float32)
    dead_leaves.add_noise(canvas, generator(0, "noise"), 8.0)
    assert canvas.std() == pytest.approx(8.0, rel=0.03)
    assert canvas.mean() == pytest.approx(100.0, abs=0.4)


@given(low=st.integers(0, 5), more=st.integers(0, 4), seed=st.integers(0, 10_000))
def test_counts_stay_within_their_range(low: int, more: int, seed: int) -> None:
    assert low <= Range(low, low + more).count(generator(seed, "count")) <= low + more


@given(vertical=st.booleans(), tilt=st.floats(0, 1), seed=st.integers(0, 10_000))
def test_directions_are_unit_vectors_near_their_axis(vertical: bool, tilt: float, seed: int) -> None:
    direction = dead_leaves.near_axis(generator(seed, "tilt"), vertical=vertical, tilt=tilt)
    assert direction.x**2 + direction.y**2 == pytest.approx(1.0)
    along, beside = (direction.y, direction.x) if vertical else (direction.x, direction.y)
    assert abs(beside) <= tilt * along + 1e-12


def test_a_ring_and_a_frame_have_a_hole_and_a_cross_has_corners_missing() -> None:
    def shown(form: Form) -> np.ndarray:
        canvas = np.zeros((40, 40, 3), np.float32)
        dead_leaves.draw_leaf(canvas, Leaf(form, 0.5, 0.5, 0.3, Direction(1.0, 0.0), (100.0,) * 3))
        return canvas.any(2)

    centre, corner, edge = (20, 20), (10, 10), (20, 10)  # a corner of the square, and the middle of its left edge
    assert [bool(shown("disc")[at]) for at in (centre, corner, edge)] == [True, False, True]
    assert [bool(shown("ring")[at]) for at in (centre, corner, edge)] == [False, False, True]
    assert [bool(shown("cross")[at]) for at in (centre, corner, edge)] == [True, False, True]
    assert [bool(shown("frame")[at]) for at in (centre, corner, edge)] == [False, True, True]


def test_halving_takes_the_mean_of_four_pixels() -> None:
    canvas = np.arange(2 * 4 * 4 * 3, dtype=np.float32).reshape(4, 8, 3)[:, :4]
    halved = dead_leaves.halved(canvas)
    assert halved.shape == (2, 2, 3)
    assert np.array_equal(halved, canvas.reshape(2, 2, 2, 2, 3).mean((1, 3)))

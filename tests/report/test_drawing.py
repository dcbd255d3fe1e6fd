"""Axes, kernel pictures and numbers as text."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from repro.report.drawing import words
from repro.report.drawing.axes import axis_over, axis_within, log_axis_over
from repro.report.drawing.forest import Estimate, forest
from repro.report.drawing.kernel_images import FADED, kernel_pixels, png, sheet
from repro.report.drawing.strips import Arm, Point, strip

numbers = st.floats(-1e6, 1e6, allow_nan=False).map(lambda value: round(value, 6))


@given(st.lists(numbers, min_size=1, max_size=20))
def test_axis_holds_all_values_with_few_round_ticks(values: list[float]) -> None:
    axis = axis_over(values)
    slack = 1e-9 * (axis.high - axis.low)
    assert axis.low - slack <= min(values) <= max(values) <= axis.high + slack
    assert 2 <= len(axis.ticks) <= 8
    assert all(0 <= axis.position(value) <= 100 for value in values)


@given(numbers, numbers, numbers)
def test_places_keep_the_order(a: float, b: float, c: float) -> None:
    low, middle, high = sorted((a, b, c))
    axis = axis_over([low, high])
    assert axis.position(low) <= axis.position(middle) <= axis.position(high)


@pytest.mark.parametrize(("low", "high"), [(0.5, 1.0), (0.0, 1.0)])
def test_a_fixed_axis_ends_where_it_was_told_to(low: float, high: float) -> None:
    axis = axis_within(low, high)
    assert (axis.ticks[0], axis.ticks[-1]) == (low, high)


def test_a_collapsed_run_does_not_stretch_the_axis() -> None:
    points = [Point(1, 0.10), Point(2, 0.12), Point(3, 0.92, collapsed=True)]
    made = strip("error", [Arm("base", points)], words.percent, words.percent_tick)
    assert float(made.ticks[-1].label.split(words.THIN)[0]) <= 15
    assert [dot.beyond for dot in made.rows[0].dots] == [False, False, True]
    assert made.rows[0].mean is not None
    assert made.rows[0].mean.x is None
    assert made.rows[0].mean.label == f"38.0{words.THIN}%"


def test_png_is_what_pillow_reads() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (7, 5, 4), dtype=np.uint8)
    assert (np.asarray(Image.open(io.BytesIO(png(pixels)))) == pixels).all()
    assert (np.asarray(Image.open(io.BytesIO(png(pixels[..., :3])))) == pixels[..., :3]).all()


def test_zero_is_middle_grey_and_the_largest_weight_reaches_the_end() -> None:
    kernel = np.zeros((3, 2, 2))
    assert (kernel_pixels(kernel) == 128).all()
    kernel[0, 0, 1] = -0.3
    assert kernel_pixels(kernel)[0, 1].tolist() == [0, 128, 128]
    assert (kernel_pixels(np.full((3, 2, 2), np.nan)) == 128).all()


def test_sheet_has_gaps_and_fades_excluded_kernels() -> None:
    made = sheet([np.ones((3, 2, 2))] * 3, [False, True, False], columns=2)
    assert made.shape == (5, 5, 4)
    assert (made[2, :, 3] == 0).all()
    assert made[0, 3, 3] == FADED
    assert made[0, 0, 3] == 255
    assert sheet([], []).shape == (1, 1, 4)


def test_hyphens_before_numbers_are_minus_signs() -> None:
    said = words.minus_signs("-0.41 points [-1.2, -.5], p 6e-05, 2010-2012, layer-2, S-3")
    assert said == "−0.41 points [−1.2, −.5], p 6e−05, 2010-2012, layer-2, S-3"


def test_numbers_as_text() -> None:
    assert words.percent(0.1234) == f"12.3{words.THIN}%"
    assert words.quantity(-0.0131, "points") == f"−1.31{words.THIN}points"
    assert words.quantity(0.0131, "points", plus=True).startswith("+1.31")
    assert words.interval([-0.01, None], "points") == "−1.00 to ∞"
    assert words.interval(None, None) == words.DASH
    assert words.probability(1e-9) == "< 0.0001"
    assert words.probability(0.012) == "0.012"
    assert words.replicates([3, 3]) == "3 + 3"
    assert words.magnitude(1.42e7) == f"14.2{words.THIN}M"
    assert words.duration(7200) == f"2.0{words.THIN}h"


@pytest.mark.parametrize("value", [None, math.nan, math.inf, "3", True])
def test_what_is_no_number_is_a_dash(value: object) -> None:
    for shown in (
        words.percent,
        words.decimal,
        words.count,
        words.magnitude,
        words.duration,
        words.probability,
    ):
        assert shown(value) == words.DASH


@given(st.lists(st.floats(1e-3, 1e4), min_size=1, max_size=10))
def test_a_logarithmic_axis_holds_all_values_in_order(values: list[float]) -> None:
    axis = log_axis_over(values)
    assert axis.low <= min(values) * (1 + 1e-9)
    assert axis.high >= max(values) * (1 - 1e-9)
    assert 2 <= len(axis.ticks) <= 8
    places = [axis.position(value) for value in sorted(values)]
    assert places == sorted(places)


def test_equal_factors_are_equal_distances() -> None:
    axis = log_axis_over([1, 100])
    assert axis.position(10) - axis.position(1) == pytest.approx(axis.position(100) - axis.position(10), abs=0.02)


def test_a_forest_shades_where_the_claim_holds_and_draws_open_ends() -> None:
    made = forest("gain", [Estimate("a", 0.02, None, 0.05)], words.percent, words.percent_tick, holds=(0.01, math.inf))
    (row,) = made.rows
    assert made.holds is not None
    (boundary,) = made.boundaries
    assert made.holds.x == boundary.x
    assert made.holds.x + made.holds.width == 100
    assert row.open_low
    assert not row.open_high
    assert row.low == 0 < row.x < row.high
    assert row.label == f"2.0{words.THIN}% (−∞ to 5.0{words.THIN}%)"


def test_a_row_shows_its_wanted_stretch_and_the_interval_of_its_mean() -> None:
    points = [Point(1, 0.4), Point(2, 0.6), Point(3, 0.9, bound=True)]
    arm = Arm("base", points, wanted=(0.5, math.inf), wants="above a half", mean=(0.45, None))
    (row,) = strip("share", [arm], words.decimal, words.tick, within=(0.0, 1.0)).rows
    assert row.band is not None
    assert row.band.x == pytest.approx(50)
    assert row.interval is not None
    assert row.interval.x + row.interval.width == 100
    assert row.mean is None, "a run that was cut off has no number to average"
    assert "more than 0.90" in row.spoken

"""Axes: from data to percent of a drawing's width, so that the browser scales drawings and not their text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

_MARGIN = 4.0
"""Percent of the width that stays free at both ends, so that dots are not cut."""


@dataclass(frozen=True)
class Axis:
    """A linear or logarithmic scale from data to percent of the width."""

    low: float
    high: float
    ticks: tuple[float, ...]
    log: bool = False

    def position(self, value: float) -> float:
        """Percent of the width; values beyond the ends stand at the edge."""
        if self.log:
            if value <= 0:
                return 0.0
            share = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return round(min(100.0, max(0.0, _MARGIN + share * (100 - 2 * _MARGIN))), 2)

    def holds(self, value: float) -> bool:
        return self.low <= value <= self.high


@dataclass(frozen=True)
class Mark:
    """A labelled position on an axis; None for what lies off it."""

    x: float | None
    label: str


@dataclass(frozen=True)
class Band:
    """A stretch of an axis, from and to in percent of the width."""

    x: float
    width: float


def axis_over(values: Sequence[float], *, about: int = 4) -> Axis:
    """An axis with round ticks that holds all values; one value, or none, gets some room around it."""
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    if high - low < 1e-9 * max(1.0, abs(high)):
        room = max(0.005, 0.1 * abs(high))
        low, high = low - room, high + room
    step = _round_step((high - low) / about)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    ticks = tuple(round(k * step, 12) for k in range(first, last + 1))
    return Axis(ticks[0], ticks[-1], ticks)


def axis_within(low: float, high: float, *, about: int = 5) -> Axis:
    """An axis that ends at `low` and `high` exactly."""
    step = _round_step((high - low) / about)
    ticks = (round(low + k * step, 12) for k in range(about + 1))
    return Axis(low, high, tuple(tick for tick in ticks if tick <= high + 1e-9))


def log_axis_over(values: Sequence[float]) -> Axis:
    """A logarithmic axis that holds all (positive) values, with ticks at 1, 2 and 5 times powers of ten."""
    positive = [value for value in values if value > 0]
    low, high = (min(positive), max(positive)) if positive else (0.5, 2.0)
    first, last = math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 1
    steps = [factor * 10.0**power for power in range(first, last + 1) for factor in (1, 2, 5)]
    start = max(step for step in steps if step <= low * (1 + 1e-9))
    end = min(step for step in steps if step >= high * (1 - 1e-9))
    if start == end:
        start, end = steps[steps.index(start) - 1], steps[steps.index(end) + 1]
    inside = [step for step in steps if start <= step <= end]
    if len(inside) > 6:  # whole decades are enough
        inside = [step for step in inside if math.isclose(math.log10(step) % 1, 0, abs_tol=1e-9)]
    return Axis(start, end, tuple(inside), log=True)


def band(axis: Axis, low: float, high: float) -> Band:
    """The stretch from `low` to `high`; infinite ends reach the drawing's edge."""
    left = 0.0 if math.isinf(low) else axis.position(low)
    right = 100.0 if math.isinf(high) else axis.position(high)
    return Band(left, round(max(0.0, right - left), 2))


def _round_step(step: float) -> float:
    """The next larger of 1, 2, 2.5 and 5 times a power of ten."""
    power: float = 10.0 ** math.floor(math.log10(step))
    return next(power * factor for factor in (1, 2, 2.5, 5, 10) if step <= power * factor * (1 + 1e-9))

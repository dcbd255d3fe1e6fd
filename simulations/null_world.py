"""Worlds of true means in which the registry's statements lie on the edge of being true.

A statement's test needs one or several parameters inside an interval (`Part`): a difference of two variants'
means, a mean against a number, a ratio of iterations on its log scale. A world gives every variant a true mean
in every metric, so that as many parameters as possible lie exactly on an edge of their interval, where both
verdicts are wrong and the tests are at their weakest. What the remaining ones make true or false is read off
the same means (`right_verdicts`), never off the decision code.

nothing   every parameter on its edge: no variant differs from the base, every measure sits on its threshold
one       statements that need several things at once have all of them by far but one, which is on its edge
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

from repro.verdicts.authoring.samples import Arms, EachAgainst, Ordered, Pairs, Runs, Samples
from repro.verdicts.registry.metrics import METRICS
from repro.verdicts.registry.over_seeds import PaperScale
from repro.verdicts.registry.test_types import StatisticalTest
from repro.verdicts.registry.tests_of_arms import AnyOfTest, DescendingTest, DirectionTest, EquivalentTest, SpeedTest
from repro.verdicts.registry.tests_of_runs import AbsoluteTest, Condition, MeasuresTest, Number, PerImageTest

Kind = Literal["nothing", "one"]
Cell = tuple[str, str]
"""A variant and a metric."""
LOG_ITERATIONS = "log_iterations"
BASE = "base"
SCALES = {
    "points": 0.01,
    "rate": 0.01,
    "ratio": 0.01,
    "correlation": 0.01,
    "J": 0.01,
    "nats": 0.05,
    "octaves": 0.1,
    "bins": 0.3,
    "kernels": 1.0,
    "percentiles": 1.0,
}
"""What a deviation of 1 between runs means in each unit, 1 in others; a variant's own deviation is a multiple of it."""
FAR = 40.0
"""Deviations by which a parameter lies off its edge where it is meant to be beyond doubt."""
LEVELS = {"train_error": 0.02, LOG_ITERATIONS: math.log(1000.0)}
LEVEL = 0.4
CLOSE = 1e-9


def scale_of(metric: str) -> float:
    """One deviation of a metric between runs."""
    return 0.1 if metric == LOG_ITERATIONS else SCALES.get(METRICS[metric].unit, 1.0)


@dataclass(frozen=True)
class Part:
    """A parameter, mean of `cell` minus `against`, that a statement needs inside (low, high).

    It also fails, besides outside, below low + delta (a registered smallest effect of interest).
    """

    cell: Cell
    against: Cell | float
    low: float = -math.inf
    high: float = math.inf
    delta: float = 0.0

    @property
    def edge(self) -> float:
        return self.low if math.isfinite(self.low) else self.high

    @property
    def beyond_doubt(self) -> float:
        if math.isfinite(self.low) and math.isfinite(self.high):
            return (self.low + self.high) / 2
        far = FAR * scale_of(self.cell[1])
        return self.low + far if math.isfinite(self.low) else self.high - far


@dataclass
class World:
    """True means; a cell that no statement asked for has the base's."""

    kind: Kind
    means: dict[Cell, float] = field(default_factory=dict)

    def mean(self, cell: Cell) -> float:
        variant, metric = cell
        if cell in self.means:
            return self.means[cell]
        return LEVELS.get(metric, LEVEL) if variant == BASE else self.mean((BASE, metric))

    def value(self, part: Part) -> float:
        against = part.against if isinstance(part.against, float) else self.mean(part.against)
        return self.mean(part.cell) - against

    def settle(self, parts: Sequence[Part]) -> None:
        """Put a statement's parameters where the kind of world wants them, as far as they are still free."""
        free = [part for part in parts if self._free(part) is not None]
        fixed = [part for part in parts if part not in free]
        failing = any(not _inside(part, self.value(part)) for part in fixed)
        for index, part in enumerate(free):
            last = index == len(free) - 1
            on_edge = self.kind == "nothing" or (last and not failing)
            self._put(part, part.edge if on_edge else part.beyond_doubt)

    def right_verdicts(self, parts: Sequence[Part]) -> frozenset[str]:
        """Which of supported and contradicted are true of a statement with these parameters."""
        values = [self.value(part) for part in parts]
        right = set()
        if all(_inside(part, value) for part, value in zip(parts, values, strict=True)):
            right.add("supported")
        if any(_fails(part, value) for part, value in zip(parts, values, strict=True)):
            right.add("contradicted")
        return frozenset(right)

    def _free(self, part: Part) -> Cell | None:
        """The cell that may still be moved: the base's last, since others are held against it."""
        cells = [part.cell] if isinstance(part.against, float) else [part.cell, part.against]
        open_cells = [cell for cell in cells if cell not in self.means]
        return next((cell for cell in open_cells if cell[0] != BASE), next(iter(open_cells), None))

    def _put(self, part: Part, value: float) -> None:
        cell = self._free(part)
        if cell is None:  # an earlier parameter of the same statement has moved it
            return
        if cell == part.cell:
            against = part.against if isinstance(part.against, float) else self.mean(part.against)
            self.means[cell] = against + value
        else:
            self.means[cell] = self.mean(part.cell) - value
        for fixed in (part.cell, part.against):
            if not isinstance(fixed, float):
                self.means.setdefault(fixed, self.mean(fixed))


def _inside(part: Part, value: float) -> bool:
    return part.low + CLOSE < value < part.high - CLOSE


def _fails(part: Part, value: float) -> bool:
    return value < part.low + part.delta - CLOSE or value > part.high + CLOSE


def make_world(kind: Kind, asked: Iterable[Sequence[Part]]) -> World:
    """A world for these statements: measures first, then the ones that need most at once."""
    world = World(kind)
    in_order = sorted(asked, key=lambda parts: (not isinstance(parts[0].against, float), -len(parts)))
    for parts in in_order:
        world.settle(parts)
    return world


# ---- from a registered test to its parameters --------------------------------------------------------


def parts_of(test: StatisticalTest, samples: Samples, *, paper_scale: bool, classes: int) -> list[Part]:
    """The parameters of a test on what its claim picked; none for the forms on towers."""
    if isinstance(test, DirectionTest | AnyOfTest):
        pairs = _pairs(samples)
        ordered = pairs if test.larger == "first" else [(second, first) for first, second in pairs]
        metrics = (test.metric, *(test.also if isinstance(test, AnyOfTest) else ()))
        margins = test.margins if paper_scale else ()
        delta = max(test.smallest_effect, test.smallest_effect_at_paper_scale if paper_scale else 0.0)
        if margins:
            return [_margin(first, second, test.metric, margin) for margin in margins for first, second in ordered]
        return [
            Part((first, metric), (second, metric), low=test.more_than if metric == test.metric else 0.0, delta=delta)
            for metric in metrics
            for first, second in ordered
        ]
    if isinstance(test, DescendingTest) and isinstance(samples, Ordered):
        return [Part((a, test.metric), (b, test.metric), low=0.0) for a, b in pairwise(samples.names)]
    if isinstance(test, EquivalentTest):
        ((first, second),) = _pairs(samples)
        return [Part((first, test.metric), (second, test.metric), -test.margin, test.margin)]
    if isinstance(test, SpeedTest) and isinstance(samples, Pairs):
        high = math.inf if test.upper is None else math.log(test.upper)
        low = math.log(test.lower)
        return [Part((a, LOG_ITERATIONS), (b, LOG_ITERATIONS), low, high) for a, b in samples.pairs]
    if isinstance(test, MeasuresTest) and isinstance(samples, Runs):
        return [_condition(samples.variant, condition, classes) for condition in test.conditions]
    if isinstance(test, AbsoluteTest) and isinstance(samples, Runs):
        return [_number(samples.variant, number) for number in test.numbers]
    if isinstance(test, PerImageTest) and isinstance(samples, Runs):
        of_views = test.second == "ten_views"
        first = "ten_view_error" if paper_scale and not of_views else "held_out_error"
        second = "ten_view_error" if of_views else "ensemble_error"
        scale = test.at_paper_scale if paper_scale else None
        low, high = (0.0, math.inf) if scale is None else (scale.lower, _upper(scale))
        gain = Part((samples.variant, first), (samples.variant, second), low, high)
        numbers = test.numbers if paper_scale else ()
        return [*(_number(samples.variant, number) for number in numbers), gain]
    return []


def _pairs(samples: Samples) -> list[tuple[str, str]]:
    if isinstance(samples, Arms):
        return [(samples.first, samples.second)]
    if isinstance(samples, EachAgainst):
        return [(first, samples.second) for first in samples.firsts]
    raise TypeError(f"{type(samples).__name__} are no arms against a reference")


def _margin(first: str, second: str, metric: str, scale: PaperScale) -> Part:
    name = scale.metric or metric
    return Part((first, name), (second, name), scale.lower, _upper(scale))


def _upper(scale: PaperScale) -> float:
    return math.inf if scale.upper is None else scale.upper


def _condition(variant: str, condition: Condition, classes: int) -> Part:
    bound = condition.bound
    if isinstance(bound, float):
        guessing = METRICS[condition.metric].guessing
        against: Cell | float = bound * guessing(classes) if condition.of_chance and guessing else bound
    else:
        against = (variant, bound)
    cell = (variant, condition.metric)
    if condition.near is not None:
        assert condition.within is not None
        return Part(cell, against, -condition.within, condition.within)
    return Part(cell, against, low=0.0) if condition.above is not None else Part(cell, against, high=0.0)


def _number(variant: str, number: Number) -> Part:
    return Part((variant, number.metric), 0.0, number.lower, number.upper)

"""Measuring ways to do the same thing in turns: A B A B ..., so that what else the machine does falls on all alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median

Measure = Callable[[], float]
"""Does the work once and returns what it took: seconds, unless a benchmark says otherwise."""


def in_turns(ways: Mapping[str, Measure], rounds: int, warm_up: int = 1) -> dict[str, list[float]]:
    """What each way took, round by round; the first `warm_up` rounds are not counted."""
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(warm_up + rounds):
        for name, measure in ways.items():
            value = measure()
            if number >= warm_up:
                taken[name].append(value)
    return taken


@dataclass(frozen=True)
class Ratio:
    """How many times `above` is `below`: the median over the rounds, and the lowest and highest of them."""

    value: float
    spread: tuple[float, float]

    @classmethod
    def of(cls, above: list[float], below: list[float]) -> Ratio:
        by_round = [a / b for a, b in zip(above, below, strict=True)]
        return cls(median(by_round), (min(by_round), max(by_round)))


def processor_seconds(work: Callable[[], object], times: int = 1) -> Measure:
    """Processor seconds of one call of `work`, the mean over `times` calls; for work on one thread."""
    return _seconds(work, times, time.process_time)


def clock_seconds(work: Callable[[], object], times: int = 1) -> Measure:
    """The same by the clock; for work on several threads or in other processes."""
    return _seconds(work, times, time.perf_counter)


def _seconds(work: Callable[[], object], times: int, clock: Callable[[], float]) -> Measure:
    def measure() -> float:
        start = clock()
        for _ in range(times):
            work()
        return (clock() - start) / times

    return measure

"""What training takes: processor and clock seconds over a run's sittings, and what augmentation adds to a step.

Recorded, never part of a run's identity. The paper's statements on time (sections 1, 3.2 and 4.1) are judged by
what runs on accelerators took; a CPU's seconds depend on what else it was doing.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from statistics import median

from repro.training.batches import Batch, Batches
from repro.training.evaluation import Inputs

ROUNDS, SHORT, LONG = 5, 5, 25
TIMED_BATCHES = 4
"""How many are read again and again when augmentation is timed: after the first round none comes from disk."""


class Stopwatch:
    """Seconds that a run takes in this sitting, which begins now, and those of earlier ones."""

    def __init__(self) -> None:
        self.processor_before = 0.0
        """Processor seconds of earlier sittings, of all the run's processes."""
        self._clock_before: float | None = 0.0
        self._processor_start = time.process_time()
        self._clock_start = time.monotonic()

    def add_earlier(self, processor: float, clock: float | None) -> None:
        """Earlier sittings' seconds; `clock` is None where they are not known."""
        self.processor_before = processor
        self._clock_before = clock

    @property
    def processor_here(self) -> float:
        """Processor seconds of this process in this sitting."""
        return time.process_time() - self._processor_start

    @property
    def clock_here(self) -> float:
        """Clock seconds of this sitting."""
        return time.monotonic() - self._clock_start

    @property
    def clock(self) -> float | None:
        """Clock seconds of all sittings; work that was lost between a checkpoint and a kill is not in it."""
        return None if self._clock_before is None else self._clock_before + self.clock_here


def seconds_of_augmentation(
    batches: Batches, inputs: Inputs, gradients: Callable[[Batch], object], wait: Callable[[], None]
) -> tuple[float, float]:
    """Clock seconds of a step's gradients with a batch drawn for it, and with its pictures' central crops.

    Section 4.1. Both read the same few batches. `gradients` works out a batch's gradients and changes no weight;
    `wait` returns when the devices have done what they were given.
    """
    order = batches.order(0)
    last = max(batches.pictures - batches.size, 0)
    offsets = [itertools.cycle(range(0, last + 1, batches.size)[:TIMED_BATCHES]) for _ in range(2)]
    return in_turns(
        lambda: gradients(batches.at(0, order, next(offsets[0]), inputs)),
        lambda: gradients(batches.plain(order, next(offsets[1]), inputs)),
        wait,
    )


def in_turns(
    first: Callable[[], object],
    second: Callable[[], object],
    wait: Callable[[], None],
    clock: Callable[[], float] = time.perf_counter,
) -> tuple[float, float]:
    """Clock seconds of a call of each in a long burst of such calls: medians over rounds that alternate.

    `wait` returns when the devices have done what they were given. The host may be ahead of them, so each burst of
    calls has a fixed overhead at its start and its end; subtracting a short burst from a long one cancels it.
    """
    calls = (first, second)
    seconds: tuple[list[float], list[float]] = ([], [])
    for call in calls:
        _burst(call, SHORT, wait, clock)
    for _ in range(ROUNDS):
        for call, seconds_of_call in zip(calls, seconds, strict=True):
            seconds_of_call.append(
                (_burst(call, LONG, wait, clock) - _burst(call, SHORT, wait, clock)) / (LONG - SHORT)
            )
    return median(seconds[0]), median(seconds[1])


def _burst(call: Callable[[], object], calls: int, wait: Callable[[], None], clock: Callable[[], float]) -> float:
    wait()
    start = clock()
    for _ in range(calls):
        call()
    wait()
    return clock() - start

"""What training takes: processor and clock seconds over a run's sittings, and what making batches adds to a step.

Recorded, never part of a run's identity. The paper's statements on time (sections 1, 3.2 and 4.1) are judged by
what runs on accelerators took; a CPU's seconds depend on what else it was doing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

ROUNDS, CALLS = 7, 5


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


def in_turns(
    first: Callable[[], object],
    second: Callable[[], object],
    wait: Callable[[], None],
    clock: Callable[[], float] = time.perf_counter,
) -> tuple[float, float]:
    """Clock seconds of a call of each: medians over rounds that alternate, after a call of each that is not counted.

    `wait` returns when the devices have done what they were given.
    """
    seconds: tuple[list[float], list[float]] = ([], [])
    first()
    second()
    for _ in range(ROUNDS):
        for call, found in zip((first, second), seconds, strict=True):
            wait()
            start = clock()
            for _ in range(CALLS):
                call()
            wait()
            found.append((clock() - start) / CALLS)
    return median(seconds[0]), median(seconds[1])

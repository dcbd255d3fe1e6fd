"""Where runs are trained: what every way of it shares (the interface and the retry rule).

A run is always trained by a process of its own (`repro.scheduling.run_process`), under the run's lease; the ways
differ in where that process is started. The local pool is the default, a Ray cluster the optional other.
"""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from repro.processes import INTERRUPTED
from repro.runs.store import Run
from repro.scheduling import worker

ATTEMPTS = 3
"""How often a run is started whose process was killed; an error of its own is final at once."""


@dataclass(frozen=True)
class Outcome:
    """How a run's process ended: an exit code of `repro.scheduling.worker`, or minus the signal's number."""

    run: Run
    code: int
    message: str

    @property
    def finished(self) -> bool:
        return self.code == worker.FINISHED

    @property
    def killed(self) -> bool:
        """Whether the process was stopped from outside, so that another try goes on from the checkpoint."""
        return self.code < 0 or self.code == INTERRUPTED


class RetryBudget:
    """How often each run may still be started again: a run whose process gets killed has a maximum of starts."""

    def __init__(self) -> None:
        self._of: Counter[str] = Counter()

    def another_try(self, outcome: Outcome) -> bool:
        """Note how a run's process ended; returns whether the run is started again from its checkpoint."""
        if not outcome.killed:
            return False
        self._of[outcome.run.identity] += 1
        return self._of[outcome.run.identity] < ATTEMPTS


class Executor(Protocol):
    """Where runs are trained."""

    @property
    def active(self) -> list[Run]:
        """The runs that are being trained now."""

    def submit(self, run: Run) -> None:
        """Queue a run; again after it came back because another process held its lease."""

    def finished(self) -> Iterator[Outcome | None]:
        """Outcomes as they come, None now and then while waiting; ends when nothing is left."""


Pool = AbstractContextManager[Executor]
"""Leaving its `with` block asks the runs' processes to write a checkpoint and end."""


def last_words(run: Run, code: int) -> str:
    """What a run's process said last: its error in one line if it had one, else the end of its log."""
    try:
        lines = run.log_path.read_text(errors="replace").strip().splitlines()
    except OSError:
        lines = []
    if code < 0:
        lines.append(f"killed by {signal.Signals(-code).name}, {ATTEMPTS} times")
    errors = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    return errors[-1] if errors else "\n".join(lines[-15:])

"""Workers that train and measure in the test's own process: for tests of what they find, not of the processes.

A process of its own imports torch for seconds, to train for a tenth of one. What is about processes (kills, signals,
two at once, a worker's command line) is tested with real ones in training/test_workers.py, pipeline/test_killed.py,
measurement/test_measure.py and the rows of test_bad_input.py whose disk breaks in workers.
"""

from __future__ import annotations

import contextlib
import io
import traceback
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import Any

import pytest

from repro.runs.store import Run
from repro.scheduling import worker


@dataclass(frozen=True, eq=False)
class Ended:
    """What the pool sees of a process that has ended."""

    code: int

    def poll(self) -> int:
        return self.code

    def terminate(self) -> None:
        """There is nothing to end."""

    def kill(self) -> None:
        """There is nothing to end."""


def train_here(run: Run, device: str, checkpoint_seconds: float, runs_a_device: int = 1) -> Ended:
    """In place of a process: the run is trained before this returns; what its worker says goes to the run's log."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            code = worker.train_run(run, device, checkpoint_seconds, lambda: False, runs_a_device=runs_a_device)
        except Exception:
            traceback.print_exc()
            code = worker.FAILED
    run.log_path.write_text(said.getvalue())
    return Ended(code)


class Here(Executor):
    """What is submitted is done at once."""

    def submit(self, do: Callable[..., Any], /, *arguments: Any, **options: Any) -> Future[Any]:
        done: Future[Any] = Future()
        try:
            done.set_result(do(*arguments, **options))
        except Exception as error:
            done.set_exception(error)
        return done


def use_workers_here(patch: pytest.MonkeyPatch) -> None:
    """From now on runs are trained and measured in this process, one after the other."""
    patch.setattr("repro.scheduling.local_pool.start", train_here)
    patch.setattr("repro.measurement.measure_all._pool", lambda processes: Here())

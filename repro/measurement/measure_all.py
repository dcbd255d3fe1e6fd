"""Measuring many runs, a process per core. Results are kept in the store; only failures are returned."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from repro.cores import usable_cores
from repro.data.packed import Packed, open_packed
from repro.measurement.measure import MEASUREMENTS, OF_AVERAGED, Measurement, missing, take
from repro.processes import ONE_THREAD, allocator, die_with_parent, extended_environment
from repro.runs.store import Run
from repro.study.settings import EvaluationSettings

_REPORT_EVERY = 10


@dataclass(frozen=True)
class Task:
    """A finished run to be measured, and whether its nets' predictions are kept for averages."""

    run: Run
    averaged: bool

    @property
    def wanted(self) -> tuple[Measurement, ...]:
        return (*MEASUREMENTS, *OF_AVERAGED) if self.averaged else MEASUREMENTS


def measure_all(
    tasks: Sequence[Task],
    pictures: Path,
    evaluation: EvaluationSettings,
    device: str,
    *,
    processes: int | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> None:
    """Take the measurements that these runs lack; calls `say` with progress every few runs.

    On the CPU runs are measured in processes of their own, as many as there are cores (or `processes`); on
    other devices, and where there is just one run, in this one.
    """
    left = [task for task in tasks if missing(task.run, evaluation, task.wanted)]
    if device != "cpu" or len(left) == 1:
        for number, task in enumerate(left, 1):
            _measure(task, pictures, evaluation, device)
            _report(number, len(left), say)
    elif left:
        several = min(processes or usable_cores(), len(left))
        with extended_environment({**allocator(), **ONE_THREAD}), _pool(several) as pool:
            futures = [pool.submit(_measure, task, pictures, evaluation, device) for task in left]
            try:
                for number, future in enumerate(as_completed(futures), 1):
                    future.result()
                    _report(number, len(left), say)
            except BrokenProcessPool:
                raise RuntimeError(
                    "a process that measured a run was killed, perhaps for want of memory; the same command again goes "
                    "on from what is measured, and smaller samples under `evaluation:` need less"
                ) from None
            except BaseException:
                pool.shutdown(wait=True, cancel_futures=True)
                raise


def _report(done: int, total: int, say: Callable[[str], None]) -> None:
    if done % _REPORT_EVERY == 0 or done == total:
        say(f"measured {done} of {total} runs")


def _measure(task: Task, pictures: Path, evaluation: EvaluationSettings, device: str) -> None:
    import torch

    take(task.run, _opened(pictures), evaluation, torch.device(device), task.wanted)


@lru_cache(maxsize=1)
def _opened(pictures: Path) -> Packed:
    return open_packed(pictures)


def _pool(processes: int) -> ProcessPoolExecutor:
    context = multiprocessing.get_context("spawn")  # a forked process may hang in a library's threads
    return ProcessPoolExecutor(processes, mp_context=context, initializer=_start, initargs=(os.getpid(),))


def _start(parent: int) -> None:
    """In each process: end with the parent, and leave Ctrl-C to it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    die_with_parent(parent)

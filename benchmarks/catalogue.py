"""All benchmarks by name."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module

from benchmarks.results import Record, failed, machine


@dataclass(frozen=True)
class Benchmark:
    """`function` in benchmarks/`module`.py: called with `tiny`, it yields records. `seconds` on two idle cores."""

    name: str
    module: str
    function: str
    about: str
    seconds: int
    by_default: bool = True
    """Whether `make bench` runs it."""

    def records(self, tiny: bool = False) -> list[Record]:
        """What it finds. One that breaks leaves a record that says why, after what it had found until then."""
        records: list[Record] = []
        try:
            measure: Callable[[bool], Iterable[Record]] = getattr(
                import_module(f"benchmarks.{self.module}"), self.function
            )
            records.extend(measure(tiny))
        except Exception as error:
            traceback.print_exc()
            records.append(
                failed(self.name, self.about, f"{type(error).__name__}: {' '.join(str(error).split())[:300]}")
            )
        return [record.model_copy(update={"benchmark": self.name, "machine": machine()}) for record in records]


BENCHMARKS = (
    Benchmark("step", "training_step", "scaled", "a training step of the scaled net", 45),
    Benchmark("full-step", "training_step", "full", "a training step of the full net", 35),
    Benchmark("run", "training_runs", "whole_run", "a run by `repro train`, its memory, and measuring it", 230),
    Benchmark("grid", "training_runs", "grid", "a grid of short runs side by side", 110),
    Benchmark("prepare", "preparing", "prepare", "full-size JPEG to 256 px, cores and memory", 82),
    Benchmark("feeding", "feeding", "feeding", "batches for training, and ten views", 40),
    Benchmark("start", "starting", "start", "commands that a user waits for: help, results, verdicts, dvc repro", 50),
    Benchmark("clone", "starting", "clone", "from a clone to verdicts: environment, results, smoke study", 600, False),
)
NAMES = tuple(benchmark.name for benchmark in BENCHMARKS)

"""What a person sees while runs are trained: a line a running run, and the whole grid's progress."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Literal

from rich.console import Console
from rich.live import Live
from rich.table import Table

from repro.progress import Pace, clock, say
from repro.runs.store import Run

_PLAIN_EVERY_SECONDS = 30.0
_ALL_COLUMNS = 84
_SPARED = ("held-out error", "pictures/s")
"""Left out where the terminal has fewer columns than all take, so that the others are whole."""


class LiveTable:
    """A live table on a terminal; plain lines elsewhere (a line a finished run, and one now and then)."""

    def __init__(self, title: str, labels: Mapping[str, str], total: int, done: int) -> None:
        self._title = title
        self._labels = labels
        self._total = total
        self._done_before = self._done = done
        self._start = time.monotonic()
        self._pace = Pace(_PLAIN_EVERY_SECONDS)
        self._console = Console(file=sys.stderr)
        self._live = Live(console=self._console, refresh_per_second=4, transient=True)
        self._interactive = self._console.is_terminal

    def __enter__(self) -> LiveTable:
        if self._interactive:
            self._live.start()
        else:
            say(f"{self._title}: {self._done} of {self._total} runs done")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._interactive:
            self._live.stop()

    def finished(self, run: Run, sentence: str) -> None:
        """A run has ended."""
        self._done += 1
        line = f"{self._done:>4}/{self._total}  {self._labels[run.identity]:<24} {sentence}"
        if self._interactive:
            self._live.console.print(line, highlight=False)
        else:
            say(line)

    def show(self, active: list[Run], waiting_for: int = 0) -> None:
        """Draw the running runs; `waiting_for` counts those that another process trains."""
        if self._interactive:
            self._live.update(self._table(active, waiting_for))
        elif self._pace.due():
            for run in active:
                say(f"           {self._labels[run.identity]:<24} {_sentence(run)}")

    def _table(self, active: list[Run], waiting_for: int) -> Table:
        elsewhere = f", {waiting_for} trained by another process" if waiting_for else ""
        table = Table(
            title=f"{self._title}: {self._done} of {self._total} runs done{elsewhere}, {self._time_left(active)} left"
        )
        narrow = self._console.width < _ALL_COLUMNS
        for heading in ("variant", "seed", "epoch", "loss", "held-out error", "pictures/s", "left"):
            if not (narrow and heading in _SPARED):
                side: Literal["left", "right"] = "left" if heading == "variant" else "right"
                table.add_column(heading, justify=side, overflow="fold", no_wrap=heading != "variant")
        for run in active:
            variant, _, seed = self._labels[run.identity].partition(" seed ")
            p = run.progress()
            if not p:
                table.add_row(variant, seed, "starts")
                continue
            left = (p["steps"] - p["step"]) / p["steps_per_second"] if p["steps_per_second"] else 0.0
            values = [
                "" if p["loss"] is None else f"{p['loss']:.3f}",
                *(() if narrow else ("" if p["error"] is None else f"{p['error']:.1%}",)),
                *(() if narrow else (f"{p['pictures_per_second']:.0f}",)),
                clock(left),
            ]
            table.add_row(variant, seed, f"{p['epoch']}/{p['epochs']}", *values)
        return table

    def _time_left(self, active: list[Run]) -> str:
        part = sum(p["step"] / p["steps"] for run in active if (p := run.progress()))
        gained = self._done - self._done_before + part
        if gained < 0.05:
            return "?"
        elapsed = time.monotonic() - self._start
        return clock(elapsed / gained * (self._total - self._done - part))


def _sentence(run: Run) -> str:
    p = run.progress()
    if not p:
        return "starts"
    loss = "?" if p["loss"] is None else f"{p['loss']:.3f}"
    return f"epoch {p['epoch']}/{p['epochs']}, loss {loss}, {p['pictures_per_second']:.0f} pictures/s"

"""How far a long task is: a bar with rate and time left on a terminal, plain lines elsewhere. Written to
stderr.
"""

from __future__ import annotations

import sys
import time
from types import TracebackType

_SECONDS_BETWEEN_LINES = 10.0


class Progress:
    """Counts pictures. Use as a context manager; `advance` after each block, `say` for a line beside it."""

    def __init__(self, what: str, total: int, shown: bool) -> None:
        self._what, self._total, self._shown = what, total, shown
        self._done = 0
        self._fresh = 0
        self._start = self._last = time.monotonic()
        self._bar = _bar(what, total) if shown and sys.stderr.isatty() else None

    def __enter__(self) -> Progress:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
        if self._shown and kind is None and self._total:
            seconds = time.monotonic() - self._start
            _line(f"{self._what}: {self._done} pictures in {seconds:.1f} s ({self._rate():.0f} pictures/s)")

    def advance(self, pictures: int, fresh: bool = True) -> None:
        """Count pictures as done; those that were done earlier (`fresh` false) do not enter the rate."""
        self._done += pictures
        self._fresh += pictures if fresh else 0
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=self._done, rate=f"{self._rate():.0f}/s")
        elif self._shown and time.monotonic() - self._last >= _SECONDS_BETWEEN_LINES:
            self._last = time.monotonic()
            left = (self._total - self._done) / max(self._rate(), 1e-9)
            _line(
                f"{self._what}: {self._done} of {self._total} pictures, {self._rate():.0f} pictures/s, "
                f"{time.strftime('%H:%M:%S', time.gmtime(min(left, 86399)))} left"
            )

    def say(self, text: str) -> None:
        """A line for the person watching."""
        if self._bar is not None:
            self._bar.console.print(text, markup=False, highlight=False)
        elif self._shown:
            _line(text)

    def _rate(self) -> float:
        return self._fresh / max(time.monotonic() - self._start, 1e-9)


def _line(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _bar(what: str, total: int):  # type: ignore[no-untyped-def]  # rich is imported only where there is a terminal
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    bar = Bar(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
    bar.add_task(what, total=total, rate="")
    return bar

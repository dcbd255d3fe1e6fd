"""Messages for the person who watches: lines on standard error, and a bar for long tasks on a terminal."""

from __future__ import annotations

import sys
import time
from types import TracebackType

_SECONDS_BETWEEN_LINES = 10.0


def say(sentence: str) -> None:
    """A line on standard error, at once."""
    print(sentence, file=sys.stderr, flush=True)


def clock(seconds: float) -> str:
    """`1:02:03` or `2:03`."""
    whole = round(seconds)
    hours, rest = divmod(whole, 3600)
    minutes, rest = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


class Pace:
    """Limits plain lines to one in so many seconds, where there is no terminal on which a bar moves."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._last = time.monotonic()

    def due(self) -> bool:
        """Whether so many seconds have passed since this last returned true."""
        if time.monotonic() - self._last < self._seconds:
            return False
        self._last = time.monotonic()
        return True


class Progress:
    """Counts pictures. Use as a context manager; `advance` after each block, `say` for a line beside it."""

    def __init__(self, what: str, total: int, shown: bool) -> None:
        self._what, self._total, self._shown = what, total, shown
        self._done = 0
        self._fresh = 0
        self._start = time.monotonic()
        self._pace = Pace(_SECONDS_BETWEEN_LINES)
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
            say(f"{self._what}: {self._done} pictures in {seconds:.1f} s ({self._rate():.0f} pictures/s)")

    def advance(self, pictures: int, fresh: bool = True) -> None:
        """Count pictures as done; those that were done earlier (`fresh` false) do not enter the rate."""
        self._done += pictures
        self._fresh += pictures if fresh else 0
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=self._done, rate=f"{self._rate():.0f}/s")
        elif self._shown and self._pace.due():
            left = (self._total - self._done) / max(self._rate(), 1e-9)
            say(
                f"{self._what}: {self._done} of {self._total} pictures, {self._rate():.0f} pictures/s, "
                f"{clock(left)} left"
            )

    def say(self, text: str) -> None:
        """A line for the person watching."""
        if self._bar is not None:
            self._bar.console.print(text, markup=False, highlight=False)
        elif self._shown:
            say(text)

    def _rate(self) -> float:
        return self._fresh / max(time.monotonic() - self._start, 1e-9)


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

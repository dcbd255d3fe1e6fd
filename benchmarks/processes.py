"""Processes that benchmarks start: commands by the clock, and helpers that answer a line with a line."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from repro.processes import ALLOCATOR_VARIABLES, allocator
from tests.project_copy import ROOT, surroundings


def environment(root: Path, **more: str) -> dict[str, str]:
    """That of a user's command in `root`: compiled modules are kept, and no allocator settings are inherited."""
    left_out = {*ALLOCATOR_VARIABLES, "PYTHONDONTWRITEBYTECODE"}
    return {key: value for key, value in surroundings(root, **more).items() if key not in left_out}


def command_seconds(root: Path, *command: str, **more: str) -> float:
    """Seconds by the clock of `python -m COMMAND` in `root`. RuntimeError with its last words when it fails."""
    start = time.perf_counter()
    run = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=root,
        env=environment(root, **more),
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.perf_counter() - start
    if run.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} ended with {run.returncode}: {last_words(run.stdout + run.stderr)}")
    return seconds


def last_words(output: str) -> str:
    """The last lines of what a process said, in one."""
    return " / ".join(line.strip() for line in output.strip().splitlines()[-3:]) or "without a word"


class Helper:
    """A process of its own that reads a request a line and answers it with JSON; one works while others wait.

    `keep_memory` starts it as workers are started, with the allocator's settings (docs/scaling.md).
    """

    def __init__(self, module: str, arguments: Sequence[str], *, keep_memory: bool) -> None:
        settings: Mapping[str, str] = allocator() if keep_memory else {}
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=ROOT,
            env={**environment(ROOT), **settings},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Helper:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        self._process.wait()

    def ask(self, request: str) -> Any:
        """The answer. RuntimeError when the process has ended instead."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(OSError):
            self._process.stdin.write(request + "\n")
            self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"the process {' '.join(map(str, self._process.args))} has ended")  # type: ignore[arg-type]
        return json.loads(answer)


@contextlib.contextmanager
def watched_memory(name: str, every: float = 0.2) -> Iterator[dict[str, float]]:
    """Largest memory (`memory_of`) of any process below this one with `name` in its command line, while the block runs.

    Stays empty where the system does not tell (Linux does).
    """

    def named() -> Iterator[int]:
        for pid in _below(os.getpid()):
            with contextlib.suppress(OSError):
                if name in Path(f"/proc/{pid}/cmdline").read_text():
                    yield pid

    with _watched(named, every) as most:
        yield most


@contextlib.contextmanager
def own_memory(every: float = 0.02) -> Iterator[dict[str, float]]:
    """The same of this process."""
    with _watched(lambda: [os.getpid()], every) as most:
        yield most


@contextlib.contextmanager
def _watched(processes: Callable[[], Iterable[int]], every: float) -> Iterator[dict[str, float]]:
    most: dict[str, float] = {}
    over = threading.Event()

    def watch() -> None:
        while True:
            for pid in processes():
                with contextlib.suppress(OSError, ValueError):
                    for key, value in memory_of(pid).items():
                        most[key] = max(most.get(key, 0.0), value)
            if over.wait(every):
                return

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield most
    finally:
        over.set()
        thread.join()


def memory_of(pid: int) -> dict[str, float]:
    """MB of a process: resident, private (in no other process), and anonymous (of no file)."""
    megabytes = dict.fromkeys(("resident", "private", "anonymous"), 0.0)
    kinds = {"Rss": "resident", "Private_Clean": "private", "Private_Dirty": "private", "Anonymous": "anonymous"}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        key, _, rest = line.partition(":")
        if key in kinds:
            megabytes[kinds[key]] += int(rest.split()[0]) / 1000
    return megabytes


def _below(pid: int) -> Iterator[int]:
    """All descendants of a process."""
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
    waiting = [pid]
    while waiting:
        above = waiting.pop()
        children = [child for child, parent in parents.items() if parent == above]
        yield from children
        waiting += children

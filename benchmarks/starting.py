"""What a user waits for who trains nothing: help, recorded verdicts, verdicts on evidence, a pipeline that is done."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from benchmarks.alternation import Measure, in_turns
from benchmarks.finished_project import finished_project, made_up_study
from benchmarks.processes import command_seconds, environment, last_words
from benchmarks.projects import folder
from benchmarks.results import Record, measured
from tests.project_copy import ROOT

VERDICTS = ("pytest", "claims/", "--report-only", "-q", "-p", "no:cacheprovider")


def start(tiny: bool) -> Iterable[Record]:
    """Commands by the clock, whole processes, started anew each time; the first round is not counted."""
    variants, seeds = (3, 4) if tiny else (30, 10)
    with folder() as parent:
        made = made_up_study(variants, seeds)
        evidence = made.write(parent / "evidence")
        project = finished_project(parent / "project", made)
        ways: dict[str, Measure] = {
            "help": partial(command_seconds, ROOT, "repro", "--help"),
            "results": partial(command_seconds, ROOT, "repro", "results"),
            "claims": partial(command_seconds, ROOT, *VERDICTS, "--evidence", str(evidence)),
            "dvc": partial(done_again, project),
        }
        taken = in_turns(ways, 1 if tiny else 4)
    runs = f"{variants} variants x {seeds} seeds"
    for name, title, what, target in (
        ("help", "repro --help", "the command", 0.5),
        ("results", "repro results", "the headline verdicts on all recorded evidence", None),
        ("claims", "pytest claims/", f"every verdict on made-up evidence of {runs}", 3.0),
        ("dvc", "dvc repro, all done", f"with nothing changed, one study of {runs}", 6.0),
    ):
        yield measured(title, what, taken[name], "s", target=target)


def done_again(root: Path) -> float:
    """Seconds of `dvc repro` where nothing has changed. RuntimeError when it ran a stage after all."""
    before = (root / "dvc.lock").read_bytes()
    seconds = command_seconds(root, "dvc", "repro")
    if (root / "dvc.lock").read_bytes() != before:
        raise RuntimeError("dvc repro found something to do")
    return seconds


def clone(tiny: bool) -> Iterable[Record]:
    """What the README promises, step by step in a fresh clone. Needs git, make and the package index."""
    with folder() as parent:
        root = parent / "clone"
        steps = [("clone", ["git", "clone", "--quiet", str(ROOT), str(root)])]
        if not tiny:
            steps += [
                ("environment", ["make", "environment"]),
                ("recorded verdicts", [".venv/bin/python", "-m", "repro", "results"]),
                ("smoke study", ["make", "reproduce"]),
                ("verdicts", [".venv/bin/python", "-m", "pytest", "claims/", "--report-only", "-q"]),
            ]
        for name, command in steps:
            what = " ".join(Path(word).name for word in command if not word.startswith("-"))
            yield measured(f"clone: {name}", what, [seconds_of(command, root if root.exists() else parent)], "s")


def seconds_of(command: list[str], folder: Path) -> float:
    """Seconds of any command, by the clock. RuntimeError with its last words when it fails."""
    if shutil.which(command[0]) is None and not (folder / command[0]).exists():
        raise RuntimeError(f"{command[0]} is not installed")
    before = time.perf_counter()
    run = subprocess.run(command, cwd=folder, env=environment(folder), capture_output=True, text=True, check=False)
    if run.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} ended with {run.returncode}: {last_words(run.stdout + run.stderr)}")
    return time.perf_counter() - before

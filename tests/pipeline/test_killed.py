"""`kill -9` at random moments, two trainers at once, and DVC's own way through the pipeline.

The study is a small one; the moments are drawn from a seed and told by checkpoints, not by a clock. What nobody
disturbs is trained in the test's own process, whose weights must be the same.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from repro.scheduling import worker
from tests.project_copy import ROOT, edit_yaml, ended, start_command, start_dvc, surroundings
from tests.small_project import Place, did

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a killed trainer's workers go on; the lease holds"),
]
TRAIN = ("train", "small", "--checkpoint-seconds", "0", "--workers", "2")
LONG = {"epochs": 15}
LATEST_MOMENT = 15
"""In checkpoints; with one after every step two runs have ninety."""

Weights = dict[str, str]


def weights(root: Path) -> Weights:
    """Identity -> digest of the final weights, of every finished run."""
    records = [json.loads(path.read_text()) for path in (root / ".store" / "runs").glob("*/run.json")]
    return {record["identity"]: record["weights_digest"] for record in records}


def sittings(root: Path) -> list[int]:
    return [json.loads(path.read_text())["sittings"] for path in (root / ".store" / "runs").glob("*/run.json")]


def wait_for(root: Path, process: subprocess.Popen[str], checkpoints: int) -> Path:
    """Until that many checkpoints were seen, of any run; the folder of the run that wrote the last one."""
    seen: set[tuple[int, int]] = set()
    while _runs_on(process):
        for path in (root / ".store" / "runs").glob("*/checkpoint.pt"):
            try:
                state = path.stat()
            except FileNotFoundError:
                continue
            seen.add((state.st_ino, state.st_mtime_ns))
            if len(seen) >= checkpoints and (path.parent / "lease.json").exists():
                return path.parent
    raise AssertionError(f"it ended before it was killed: {process.communicate()}")


def _runs_on(process: subprocess.Popen[str]) -> bool:
    """Whether it has not ended within a moment: a pause between looks that takes no processor."""
    try:
        process.wait(0.01)
    except subprocess.TimeoutExpired:
        return True
    return False


def worker_of(run: Path) -> int:
    return int(json.loads((run / "lease.json").read_text())["pid"])


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def forget(root: Path) -> None:
    """An empty store of runs; what is prepared stays."""
    shutil.rmtree(root / ".store" / "runs")


@pytest.fixture
def long(place: Place) -> Path:
    """The small project with two variants that train for some hundred steps."""
    edit_yaml(place.root / "studies" / "small.yaml", training=LONG, variants=["base", "no_weight_decay"])
    forget(place.root)
    return place.root


def test_killed_workers_and_trainers_and_two_at_once_end_with_the_same_weights(long: Path) -> None:
    moment = random.Random("workers and trainers")
    did(long, *TRAIN)
    whole = weights(long)
    runs_file = (long / "results" / "small" / "runs.json").read_bytes()

    forget(long)
    trainer = start_command(long, *TRAIN)
    kill(worker_of(wait_for(long, trainer, moment.randint(1, LATEST_MOMENT))))
    assert ended(trainer).returncode == 0  # it starts the worker again by itself
    assert weights(long) == whole
    assert max(sittings(long)) > 1

    forget(long)
    trainer = start_command(long, *TRAIN)
    wait_for(long, trainer, moment.randint(1, LATEST_MOMENT))
    kill(trainer.pid)
    trainer.communicate()  # ends when the last process that holds its output has ended: the workers die with it
    did(long, *TRAIN)
    assert weights(long) == whole
    assert max(sittings(long)) > 1

    forget(long)
    both = [ended(trainer) for trainer in [start_command(long, *TRAIN) for _ in range(2)]]
    assert [trainer.returncode for trainer in both] == [0, 0], both
    assert weights(long) == whole
    assert sittings(long) == [1, 1]
    assert (long / "results" / "small" / "runs.json").read_bytes() == runs_file


def test_a_trainer_that_is_asked_to_end_leaves_a_checkpoint_of_every_run(long: Path) -> None:
    """As SLURM asks before a job's time is over."""
    edit_yaml(long / "studies" / "small.yaml", training={"epochs": 100_000})
    trainer = start_command(long, "train", "small", "--checkpoint-seconds", "100000", "--workers", "2")
    runs = long / ".store" / "runs"
    # Until both are training: a worker that still imports torch may not answer before the trainer's patience ends.
    while _runs_on(trainer) and len(list(runs.glob("*/progress.json"))) < 2:
        pass
    trainer.terminate()
    result = ended(trainer)
    assert result.returncode == worker.INTERRUPTED, result
    assert [line for line in result.stderr.splitlines() if not line.startswith("small: ")] == []
    assert len(list(runs.glob("*/checkpoint.pt"))) == 2
    assert not list(runs.glob("*/lease.json"))


# ---- with DVC ----------------------------------------------------------------------------------------


def repro(root: Path, *arguments: str) -> str:
    """What `dvc repro ARGUMENTS` says."""
    done = ended(start_dvc(root, "repro", *arguments))
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def under_dvc(long: Path) -> Path:
    """The project with the program's sources, one run and a git repository, as a clone is; nothing made yet."""
    edit_yaml(long / "studies" / "small.yaml", training={"epochs": 2 * LONG["epochs"]}, variants=["base"])
    for name in ("repro", "bin", ".dvcignore"):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, long / name)  # with its bytecode, so that no stage compiles it anew
        else:
            shutil.copy(source, long / name)
    with (long / "repro" / "stages" / "facts.py").open("a") as file:  # which facts there are is not of interest here
        file.write("\nmeasure_facts = lambda name: {}\n")
    pipeline, command = long / "dvc.yaml", "bin/repro train ${key}"
    pipeline.write_text(pipeline.read_text().replace(command, f"{command} {' '.join(TRAIN[2:])}"))
    for made in ("results", ".store"):
        shutil.rmtree(long / made)
    (long / ".dvc" / "config").write_text("[core]\n    analytics = false\n    check_update = false\n")
    subprocess.run(["git", "init", "-q"], cwd=long, env=surroundings(long), check=True)
    assert ended(start_dvc(long, "add", "-q", "data")).returncode == 0
    return long


def test_dvc_runs_what_changed_and_a_killed_dvc_goes_on_to_the_same_weights(under_dvc: Path) -> None:
    root = under_dvc
    stages = ["prepare", "train", "evaluate", "verdicts", "report"]
    said = repro(root)
    assert [stage for stage in stages if f"Running stage '{stage}@small'" in said] == stages
    assert (root / "results" / "small" / "report" / "report.html").is_file()
    whole = weights(root)
    assert sittings(root) == [1]

    before = _times(root)
    said = repro(root)
    assert [stage for stage in stages if f"Stage '{stage}@small' didn't change" in said] == stages
    assert "Running stage" not in said
    assert _times(root) == before

    edit_yaml(root / "studies" / "small.yaml", family=["S12", "S61c"])
    runs_file = (root / "results" / "small" / "runs.json").read_bytes()
    said = repro(root, "train@small")
    assert "1 finished, 0 recorded, 0 to train" in said or "Stage 'train@small' didn't change" in said
    assert weights(root) == whole
    assert sittings(root) == [1]
    assert (root / "results" / "small" / "runs.json").read_bytes() == runs_file

    forget(root)
    again = ("--force", "--single-item", "train@small")  # DVC would take the list of runs from its cache
    dvc = start_dvc(root, "repro", *again)
    wait_for(root, dvc, random.Random("dvc").randint(1, LATEST_MOMENT))
    kill(dvc.pid)
    dvc.wait()
    repro(root, *again)
    assert weights(root) == whole
    assert max(sittings(root)) > 1
    assert "Running stage" not in repro(root, "train@small")


def _times(root: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for name in ("results", ".store") for path in (root / name).rglob("*")}

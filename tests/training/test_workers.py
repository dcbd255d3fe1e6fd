"""Processes that are killed, doubled or refused: the same weights in the end, nothing trained twice."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from repro.data.packed import open_packed
from repro.errors import UserError
from repro.runs.grid import GridRun
from repro.runs.store import Run, RunSpec
from repro.scheduling import worker
from repro.scheduling.executor import Outcome, RetryBudget
from repro.scheduling.local_pool import LocalPool
from repro.scheduling.ray_pool import RayPool
from repro.scheduling.train_grid import train_grid, write_run_list
from tests.packed_pictures import make_packed
from tests.small_runs import small_run, small_settings
from tests.workers_here import Ended

LONG = {"epochs": 12}


def start(run: Run, *options: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "repro.scheduling.worker", "--store", str(run.store), "--run", run.identity]
    return subprocess.Popen([*command, "--checkpoint-seconds", "0", *options])


def here(run: Run, *options: str) -> int:
    """The exit code of a worker in this process."""
    arguments = ["--store", str(run.store), "--run", run.identity, *options]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worker, "stop_on_signals", lambda: lambda: False)  # pytest keeps its own handlers
        return worker.main(arguments)


def runs_on(process: subprocess.Popen[Any]) -> bool:
    """Whether it has not ended within a moment: a pause between looks that takes no processor."""
    try:
        process.wait(0.01)
    except subprocess.TimeoutExpired:
        return True
    return False


def wait_for_checkpoint(run: Run, process: subprocess.Popen[Any]) -> None:
    while not run.started and runs_on(process):
        pass


def cells_for(store: Path, pictures: str, seeds: range, **training) -> list[GridRun]:
    settings = small_settings(**training)
    digest = open_packed(store / pictures).digest
    specs = [RunSpec(settings, seed, digest, pictures) for seed in seeds]
    return [GridRun("base", spec.seed, spec, Run(store, spec.identity)) for spec in specs]


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> str:
    """The digest of a run that nobody disturbed."""
    store = tmp_path_factory.mktemp("whole")
    run = small_run(store, make_packed(store), small_settings(**LONG))
    assert here(run) == worker.FINISHED
    return run.result()["weights_digest"]


def test_a_worker_that_is_asked_to_end_resumes_to_the_same_weights(whole, tmp_path):
    """Killed ones: test_run_process.py."""
    run = small_run(tmp_path, make_packed(tmp_path), small_settings(**LONG))
    process = start(run)
    wait_for_checkpoint(run, process)
    process.terminate()
    assert process.wait() in (worker.INTERRUPTED, worker.FINISHED)
    assert here(run) == worker.FINISHED
    assert run.result()["weights_digest"] == whole


def test_a_second_worker_on_the_same_run_is_refused(whole, tmp_path):
    run = small_run(tmp_path, make_packed(tmp_path), small_settings(**LONG))
    first, second = start(run), start(run)
    codes = {first.wait(), second.wait()}
    assert worker.FINISHED in codes
    assert codes <= {worker.FINISHED, worker.LEASE_TAKEN}
    assert run.result()["weights_digest"] == whole


def test_a_finished_run_is_never_written_again(tmp_path):
    run = small_run(tmp_path, make_packed(tmp_path))
    assert here(run) == worker.FINISHED
    before = {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in run.folder.iterdir()}
    assert here(run) == worker.FINISHED
    assert {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in run.folder.iterdir()} == before


def test_a_worker_dies_with_its_parent(tmp_path):
    run = small_run(tmp_path, make_packed(tmp_path), small_settings(epochs=100000))
    code = (
        "import os, signal, subprocess, sys, time\n"
        "command = [sys.executable, '-m', 'repro.scheduling.worker', *sys.argv[1:], '--parent', str(os.getpid())]\n"
        "child = subprocess.Popen(command, stdout=subprocess.DEVNULL)\n"
        "print(child.pid, flush=True); child.wait()"
    )
    arguments = ["--store", str(run.store), "--run", run.identity, "--checkpoint-seconds", "0"]
    parent = subprocess.Popen([sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = os.pidfd_open(int(parent.stdout.readline()))  # can be read when the process has ended
    wait_for_checkpoint(run, parent)
    parent.kill()
    parent.wait()
    select.select([child], [], [])
    os.close(child)
    assert not run.leased


@pytest.mark.usefixtures("workers_here")
def test_only_what_is_missing_is_trained(tmp_path):
    pictures = make_packed(tmp_path)
    said: list[str] = []
    train_grid(cells_for(tmp_path, pictures, range(2)), "test", ["cpu"], poll_seconds=0.01, say=said.append)
    train_grid(cells_for(tmp_path, pictures, range(3)), "test", ["cpu"], poll_seconds=0.01, say=said.append)
    assert said == [
        "test: 2 runs, 0 finished, 0 recorded, 2 to train",
        "test: 3 runs, 2 finished, 0 recorded, 1 to train",
    ]


class DeadNode:
    """An executor of two runs, the first on a node that has just died: its lease stands for a while yet."""

    def __init__(self, lease: Path) -> None:
        self.lease = lease
        self.submitted: list[Run] = []
        self.active: list[Run] = []

    def __enter__(self) -> DeadNode:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def submit(self, run: Run) -> None:
        self.submitted.append(run)

    def finished(self) -> Iterator[Outcome | None]:
        first, second = self.submitted
        self.lease.parent.mkdir(parents=True, exist_ok=True)
        self.lease.write_text(json.dumps({"host": "dead node", "pid": 1, "started": "1", "token": "t"}))
        yield Outcome(first, worker.LEASE_TAKEN, "")
        yield None
        assert self.submitted == [first, second], "it was started again while its lease stood"
        self.lease.unlink()
        yield None
        assert self.submitted == [first, second, first], "it has to wait for the other run"
        for run in (first, second):
            yield Outcome(run, worker.train_run(run, "cpu", 30.0, lambda: False), "")


def test_a_run_whose_dead_owners_lease_has_gone_is_not_kept_waiting_for_the_others(tmp_path):
    cells = cells_for(tmp_path, make_packed(tmp_path), range(2), epochs=1)
    where = DeadNode(cells[0].run.lease_path)
    train_grid(cells, "test", [], poll_seconds=0, say=lambda text: None, open_pool=lambda: where)
    assert all(cell.run.finished for cell in cells)


@pytest.mark.parametrize(
    ("devices", "expected"),
    [
        (["cpu", "cpu"], 1),
        (["cuda:0", "cuda:0"], 2),
        (["cuda:0", "cuda:1"], 1),
        (["cuda:0", "cuda:0+graph"], 2),
        (["cuda:0+graph", "cuda:1"], 1),
    ],
)
def test_a_pool_tells_how_many_runs_share_a_device(tmp_path, monkeypatch, devices, expected):
    told = []

    def started(*arguments: Any) -> Ended:
        told.append(arguments[-1])
        return Ended(0)

    monkeypatch.setattr("repro.scheduling.local_pool.start", started)
    run = small_run(tmp_path, make_packed(tmp_path))
    pool = LocalPool(devices, poll_seconds=0)
    pool.submit(run)
    assert [outcome.code for outcome in pool.finished() if outcome] == [0]
    assert told == [expected]


def test_the_record_says_how_many_runs_shared_the_device(tmp_path):
    run = small_run(tmp_path, make_packed(tmp_path), small_settings(epochs=1))
    assert here(run, "--runs-a-device", "2") == worker.FINISHED
    assert run.result()["provenance"]["runs_a_device"] == 2


def test_a_run_is_killed_three_times_in_all(tmp_path):
    run, kills = Run(tmp_path, "a"), RetryBudget()
    killed, refused = Outcome(run, -signal.SIGKILL, ""), Outcome(run, worker.LEASE_TAKEN, "")
    assert [kills.another_try(how) for how in (killed, refused, killed)] == [True, False, True]
    assert not kills.another_try(killed)
    assert kills.another_try(Outcome(Run(tmp_path, "b"), -signal.SIGKILL, ""))


@pytest.mark.parametrize("device", ["cuda:0", "cuda:0,cuda:1", "nonsense"])
def test_devices_of_a_cluster_are_not_named(device):
    with pytest.raises(UserError, match=f"--device {device}: with --executor ray it is cpu or cuda"):
        RayPool(device, "split")


@pytest.mark.usefixtures("workers_here")
def test_recorded_runs_are_accepted_instead(tmp_path):
    pictures = make_packed(tmp_path)
    cells = cells_for(tmp_path, pictures, range(2))
    recorded = {cells[0].run.identity: "digest"}
    train_grid(cells, "test", ["cpu"], recorded=recorded, poll_seconds=0.01, say=lambda line: None)
    assert not cells[0].run.folder.exists()
    listing = write_run_list(tmp_path / "runs.json", cells, recorded)
    assert [row["weights_digest"] for row in listing["runs"]] == ["digest", cells[1].run.result()["weights_digest"]]


@pytest.mark.usefixtures("workers_here")
def test_retraining_sets_the_old_run_aside_and_compares(tmp_path):
    pictures = make_packed(tmp_path)
    cells = cells_for(tmp_path, pictures, range(1))
    said: list[str] = []
    for retrain in (False, True):
        train_grid(cells, "test", ["cpu"], retrain=retrain, poll_seconds=0.01, say=said.append)
    assert said[-1] == f"test: {cells[0].run.identity} trained anew: the same weights"
    assert (tmp_path / "set-aside" / f"{cells[0].run.identity}-1" / "weights.safetensors").exists()


@pytest.mark.usefixtures("workers_here")
def test_a_failing_run_is_named_and_the_others_are_finished(tmp_path):
    pictures = make_packed(tmp_path)
    cells = cells_for(tmp_path, pictures, range(2))
    cells[0].run.create(cells[0].spec, {})
    (cells[0].run.folder / "checkpoint.pt").write_bytes(b"not a checkpoint")
    with pytest.raises(UserError, match=r"base seed 0 .*checkpoint\.pt"):
        train_grid(cells, "test", ["cpu"], poll_seconds=0.01, say=lambda line: None)
    assert cells[1].run.finished
    assert (cells[0].run.folder / "checkpoint.pt").read_bytes() == b"not a checkpoint"


def test_a_pool_that_is_left_ends_its_workers_after_a_checkpoint(tmp_path):
    pictures = make_packed(tmp_path)
    run = small_run(tmp_path, pictures, small_settings(epochs=100000))
    with LocalPool(["cpu"], checkpoint_seconds=0, poll_seconds=0.01) as pool:
        pool.submit(run)
        for _ in pool.finished():
            if run.started:
                break
    assert run.started
    assert not run.leased

"""Runs' processes forked from a process that has imported torch: the same runs, and nothing of them is left over."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from repro.processes import INTERRUPTED, ONE_THREAD, allocator
from repro.runs.store import Run
from repro.scheduling import run_process, worker
from repro.scheduling.local_pool import LocalPool
from tests.packed_pictures import make_packed
from tests.project_copy import ROOT
from tests.small_runs import small_run, small_settings

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere each process is started by itself")
LONG = {"epochs": 12}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The digest of a run that was trained in this process."""
    store = tmp_path_factory.mktemp("whole")
    run = small_run(store, make_packed(store), small_settings(**LONG))
    assert worker.train_run(run, "cpu", 30.0, lambda: False) == worker.FINISHED
    return run.result()["weights_digest"]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return small_run(tmp_path, make_packed(tmp_path), small_settings(**LONG))


def owner_of(run: Run) -> int:
    """The process that trains it."""
    return int(json.loads(run.lease_path.read_text())["pid"])


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def trained(run: Run, meanwhile: Callable[[], None] = lambda: None) -> list[int]:
    """Exit codes of a pool that trains it; `meanwhile` is called once it has a checkpoint."""
    codes, called = [], False
    with LocalPool(["cpu"], checkpoint_seconds=0, poll_seconds=0.005) as pool:
        pool.submit(run)
        for outcome in pool.finished():
            if outcome is not None:
                codes.append(outcome.code)
            elif run.started and run.leased and not called:
                called = True
                meanwhile()
    return codes


def test_a_forked_process_trains_the_same_weights(run, whole):
    assert trained(run) == [worker.FINISHED]
    assert run.result()["weights_digest"] == whole
    assert run.result()["sittings"] == 1


@pytest.mark.parametrize("killed", ["the run's process", "the fork server"])
def test_what_is_killed_is_started_again_and_goes_on(run, whole, killed):
    def kill() -> None:
        pid = owner_of(run)
        os.kill(pid if killed == "the run's process" else parent_of(pid), signal.SIGKILL)

    assert trained(run, kill) == [worker.FINISHED]
    assert run.result()["weights_digest"] == whole
    assert run.result()["sittings"] == 2


def test_runs_share_one_server_which_has_one_thread_when_it_forks(tmp_path):
    pictures = make_packed(tmp_path)
    servers = []
    for seed in (0, 1):
        run = small_run(tmp_path, pictures, small_settings(**LONG), seed)
        trained(run, lambda run=run: servers.append(parent_of(owner_of(run))))
    assert servers[0] == servers[1] != os.getpid()
    assert len(list(Path(f"/proc/{servers[0]}/task").iterdir())) == 1
    surroundings = Path(f"/proc/{servers[0]}/environ").read_text().split("\0")
    assert {f"{name}={value}" for name, value in {**allocator(), **ONE_THREAD}.items()} <= set(surroundings)


def test_runs_compute_in_large_pages_and_the_users_own_tunables_stay(monkeypatch):
    monkeypatch.setenv("GLIBC_TUNABLES", "glibc.malloc.perturb=1")
    assert allocator()["GLIBC_TUNABLES"] == "glibc.malloc.perturb=1:glibc.malloc.hugetlb=1"
    monkeypatch.delenv("GLIBC_TUNABLES")
    assert allocator()["GLIBC_TUNABLES"] == "glibc.malloc.hugetlb=1"


def trainer(run: Run, first: str = "pass", **environment: str) -> subprocess.Popen[bytes]:
    """A process, in a group of its own, that does what `first` says and trains the run as `repro train` does."""
    code = (
        "import sys; from pathlib import Path\n"
        "from repro.processes import leave_on_sigterm\n"
        "from repro.runs.store import Run\n"
        "from repro.scheduling import run_process\n"
        "from repro.scheduling.local_pool import LocalPool\n"
        f"{first}\n"
        "leave_on_sigterm()\n"
        "with LocalPool(['cpu'], checkpoint_seconds=0) as pool:\n"
        "    pool.submit(Run(Path(sys.argv[1]), sys.argv[2])); list(pool.finished())"
    )
    command = [sys.executable, "-c", code, str(run.store), run.identity]
    return subprocess.Popen(command, start_new_session=True, env={**os.environ, **environment})


def check_that_the_server_hears_nothing(pool: int) -> int:
    """Assert that no signal asks the server to end, from its first moment on; returns how many servers there are.

    Else Ctrl-C in the two seconds of its imports would show their traceback.
    """
    servers = 0
    for pid in Path(f"/proc/{pool}/task/{pool}/children").read_text().split():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has ended since
            if "forkserver" in Path(f"/proc/{pid}/cmdline").read_text():
                servers += 1
                assert not {signal.SIGTERM, signal.SIGINT} - signals_not_heard(pid)
    return servers


def signals_not_heard(pid: str) -> set[int]:
    """Those that a process blocks or ignores."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    masks = int(status["SigBlk"], 16) | int(status["SigIgn"], 16)
    return {number for number in range(1, 65) if masks >> (number - 1) & 1}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_group_that_is_told_to_end_leaves_a_checkpoint_and_no_process(tmp_path, number):
    run = small_run(tmp_path, make_packed(tmp_path), small_settings(epochs=100000))
    process = trainer(run)
    looks = 0
    while not (run.started and run.leased):
        looks += check_that_the_server_hears_nothing(process.pid)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.01)
    assert looks > 10
    pid = owner_of(run)
    ends = [os.pidfd_open(pid), os.pidfd_open(parent_of(pid))]  # each can be read when its process has ended
    if number == signal.SIGTERM:
        os.killpg(process.pid, number)
    else:
        process.kill()
    assert process.wait() == (INTERRUPTED if number == signal.SIGTERM else -number)
    for end in ends:
        select.select([end], [], [])
        os.close(end)
    assert not run.leased
    assert run.started
    if number == signal.SIGTERM:
        assert not run.lease_path.exists(), "it was killed before it could give its lease back"


@pytest.mark.parametrize("trouble", ["no room for its socket", "killed while it imports"])
def test_without_a_server_a_process_is_started_by_itself(run, whole, tmp_path, trouble):
    socket_folder = tmp_path / ("long" * 30)
    socket_folder.mkdir()
    if trouble == "no room for its socket":
        process = trainer(run, TMPDIR=str(socket_folder))
    else:
        (tmp_path / "ending.py").write_text("import os; os.kill(os.getpid(), 9)")
        process = trainer(run, "run_process.PRELOADED = 'ending'", PYTHONPATH=f"{ROOT}{os.pathsep}{tmp_path}")
    assert process.wait() == 0
    assert run.result()["weights_digest"] == whole


def test_elsewhere_a_process_is_started_by_itself(run, monkeypatch):
    started = []
    monkeypatch.setattr(run_process, "start_process", lambda *arguments: started.append(arguments))
    monkeypatch.setattr(sys, "platform", "darwin")
    run_process.start(run, "cpu", 30.0, 2)
    assert started == [(run, "cpu", 30.0, 2)]

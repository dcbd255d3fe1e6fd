"""The process that trains one run, started in one of two ways; what it does is `repro.scheduling.worker`'s.

A Python that imports torch needs two seconds of a core before it can train, as long as a small run itself. On Linux
a pool's processes are therefore forked from one that has imported it (a fork server, of the standard library's
multiprocessing; repro/scheduling/preloaded.py says what it imports). Elsewhere, where the system's own libraries do
not always bear a fork, and on the nodes of a cluster each process is started by itself.

As everywhere in multiprocessing, a script that trains runs must do so below `if __name__ == "__main__":`.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from multiprocessing import forkserver, resource_tracker
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Protocol

from repro.processes import ASKED_TO_END, ONE_THREAD, allocator, extended_environment
from repro.runs.store import Run
from repro.scheduling import worker

PRELOADED = "repro.scheduling.preloaded"
SERVER_ENDED = 255
"""What multiprocessing says of a process whose fork server ended: the process has been killed with it."""


class RunProcess(Protocol):
    """What a pool asks of a run's process; `subprocess.Popen` is one."""

    def poll(self) -> int | None:
        """None while it runs, then its exit code, or minus the number of the signal that killed it."""

    def terminate(self) -> None:
        """Ask it to write a checkpoint and end."""

    def kill(self) -> None:
        """End it at once."""


def start(run: Run, device: str, checkpoint_seconds: float, runs_a_device: int = 1) -> RunProcess:
    """Start the process of a run in the way that suits this system; what it says goes to the run's log."""
    if sys.platform == "linux":
        run.log_path.write_bytes(b"")  # out here: an error of the store's disk must reach the user
        # The server's socket lies in the folder for temporary files, whose path may be too long for one. EOFError: the
        # server died, which a process started by itself can tell in the run's log.
        with contextlib.suppress(OSError, EOFError):
            return ForkedProcess(run, device, checkpoint_seconds, runs_a_device)
    return start_process(run, device, checkpoint_seconds, runs_a_device)


def start_process(run: Run, device: str, checkpoint_seconds: float, runs_a_device: int = 1) -> subprocess.Popen[bytes]:
    """Start the process of a run by itself. It dies with this one (on Linux)."""
    command = [sys.executable, "-m", worker.__name__, *_options(run, device, checkpoint_seconds, runs_a_device)]
    command += ["--parent", str(os.getpid())]
    with run.log_path.open("wb") as log:
        return subprocess.Popen(
            command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env={**os.environ, **_surroundings()}
        )


class ForkedProcess:
    """A run's process forked from the fork server, which is started with the first. Both die with this process."""

    def __init__(self, run: Run, device: str, checkpoint_seconds: float, runs_a_device: int = 1) -> None:
        _start_server()
        context = multiprocessing.get_context("forkserver")
        options = _options(run, device, checkpoint_seconds, runs_a_device)
        # daemon: at its end this process asks the run's to end, and does not wait until the run is finished.
        self._process: ForkServerProcess = context.Process(target=_work, args=(str(run.log_path), options), daemon=True)
        self._process.start()

    def poll(self) -> int | None:
        code = self._process.exitcode
        return -signal.SIGKILL if code == SERVER_ENDED else code

    def terminate(self) -> None:
        self._process.terminate()

    def kill(self) -> None:
        self._process.kill()


def _start_server() -> None:
    """Start the fork server unless it runs. Signals wait meanwhile, also in the server, until it ignores them."""
    forkserver.set_forkserver_preload([PRELOADED])
    resource_tracker.ensure_running()  # else the next line but two starts it, and it lets the signals through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ASKED_TO_END)
    try:
        with extended_environment(_surroundings()):
            forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _work(log: str, options: list[str]) -> None:
    """In the forked process: what the worker's command does. It ends with the fork server and with the pool's process.

    The server lives as long as the processes that it forked, so that the kernel's word on the end of a parent is not
    enough here. Should the server be killed before the kernel was asked for it, the run goes on under its lease.
    """
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # until the worker says what it does then
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ASKED_TO_END)
    threading.Thread(target=_end_with_starter, daemon=True).start()
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(descriptor, stream)
    os.close(descriptor)
    sys.exit(worker.main([*options, "--parent", str(os.getppid())]))


def _end_with_starter() -> None:
    """End this process when the one that asked for it has ended."""
    starter = multiprocessing.parent_process()
    if starter is not None:
        starter.join()
        os.kill(os.getpid(), signal.SIGKILL)


def _options(run: Run, device: str, checkpoint_seconds: float, runs_a_device: int) -> list[str]:
    options = ["--store", str(run.store), "--run", run.identity, "--device", device]
    return [*options, "--checkpoint-seconds", str(checkpoint_seconds), "--runs-a-device", str(runs_a_device)]


def _surroundings() -> dict[str, str]:
    """What either way's processes find in their environment beside this process's own."""
    package = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(filter(None, [package, os.environ.get("PYTHONPATH")]))
    return {**allocator(), **ONE_THREAD, "PYTHONPATH": path}

"""A lease on a run: at most one process trains it, on one machine or on many.

The lease is a file made with O_EXCL that names its owner and is touched as a heartbeat. It is stale when
its owner is known to be dead (same machine and container) or its heartbeat has stopped (any). A killed parent
does not always take its child along, so every trainer asks for the lease, however it was started.

filelock's SoftFileLease does nearly this, with two differences. Where a machine has been silent for an hour, it must
first watch that machine's lease for its whole duration; here the heartbeat's age shows at once that it is stale.
And it cannot say whether somebody holds a lease without taking it, which `repro plan` asks of every run.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
import time
import uuid
from pathlib import Path
from types import TracebackType
from typing import Any

from filelock import FileLock

HEARTBEAT_SECONDS = 5.0
STALE_SECONDS = 60.0


class LeaseTaken(Exception):
    """Somebody else is training this run; `owner` says who."""

    def __init__(self, owner: str) -> None:
        super().__init__(owner)
        self.owner = owner


class Lease:
    """A context manager: holds `path` while the block runs, or raises LeaseTaken at once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._token = uuid.uuid4().hex
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Lease:
        self._take()
        self._thread = threading.Thread(target=self._beat, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        if self.held():
            with contextlib.suppress(FileNotFoundError):
                self.path.unlink()

    def held(self) -> bool:
        """Whether this process still owns the lease; a machine that slept may have lost it."""
        owner = _read(self.path)
        return owner is not None and owner.get("token") == self._token

    def _take(self) -> None:
        content = json.dumps(
            {
                "host": socket.gethostname(),
                "pid_namespace": _pid_namespace(),
                "pid": os.getpid(),
                "started": _start_of(os.getpid()),
                "token": self._token,
            }
        )
        for _ in range(10):
            try:
                # Made complete under another name and linked, so that nobody reads half a lease.
                draft = self.path.with_name(f".{self.path.name}.{self._token}")
                draft.write_text(content)
                try:
                    os.link(draft, self.path)
                finally:
                    draft.unlink()
                return
            except FileExistsError:
                # One at a time: whoever read a stale lease must not remove the fresh one that replaced it since.
                with FileLock(self.path.with_name("lease.lock")):  # goes with the process that held it
                    if not is_stale(self.path):
                        raise LeaseTaken(owner_of(self.path)) from None
                    self.path.unlink(missing_ok=True)
        raise LeaseTaken(owner_of(self.path))

    def _beat(self) -> None:
        while not self._stop.wait(HEARTBEAT_SECONDS):
            if self.held():
                with contextlib.suppress(FileNotFoundError):
                    os.utime(self.path)


def is_held(path: Path) -> bool:
    """Whether a live process holds this lease."""
    return path.exists() and not is_stale(path)


def is_stale(path: Path) -> bool:
    """Whether a lease's owner is dead or silent. A lease that is gone counts as stale."""
    owner = _read(path)
    if owner is None:
        return True
    if owner.get("host") == socket.gethostname() and owner.get("pid_namespace", _pid_namespace()) == _pid_namespace():
        started = _start_of(int(owner["pid"]))
        if started is None or started != owner.get("started"):
            return True
    try:
        return time.time() - path.stat().st_mtime > STALE_SECONDS
    except FileNotFoundError:
        return True


def owner_of(path: Path) -> str:
    """`process 123 on host`, for messages."""
    owner = _read(path)
    return f"process {owner['pid']} on {owner['host']}" if owner else "another process"


def _read(path: Path) -> dict[str, Any] | None:
    try:
        value = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def _pid_namespace() -> str | None:
    """Within it a process id means one process: two containers may share a store and their host's name (Linux)."""
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return None


def _start_of(pid: int) -> str | None:
    """When a process started, so that a reused process id is not taken for the owner; None when it is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        if Path("/proc/self/stat").exists():
            return None
        return _alive(pid)  # no /proc, for instance on macOS
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] == "Z" else fields[19]


def _alive(pid: int) -> str | None:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        pass
    return "alive"

"""Runs side by side on this machine: a process per core (or per device), a run per process.

The default way of `repro.scheduling.executor`; `repro.scheduling.ray_pool` is the other.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Iterator
from types import TracebackType

from repro.cores import usable_cores
from repro.errors import UserError
from repro.net.table.placement import DEVICES, GRAPHED, Placement, device_names
from repro.runs.store import Run
from repro.scheduling.executor import Outcome, RetryBudget, last_words
from repro.scheduling.run_process import RunProcess, start

_SECONDS_TO_END = 30.0
"""How long a process has for its checkpoint when the pool is left."""


class LocalPool:
    """An Executor of processes. Leaving the `with` block asks them to write a checkpoint and end."""

    def __init__(self, devices: list[str], *, checkpoint_seconds: float = 30.0, poll_seconds: float = 0.25) -> None:
        self._devices = deque(devices)
        self._runs_on = Counter(name.removesuffix(GRAPHED) for name in devices)
        self._checkpoint_seconds = checkpoint_seconds
        self._poll_seconds = poll_seconds
        self._waiting: deque[Run] = deque()
        self._active: dict[RunProcess, tuple[Run, str]] = {}
        self._kills = RetryBudget()

    def __enter__(self) -> LocalPool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        deadline = time.monotonic() + _SECONDS_TO_END
        while any(process.poll() is None for process in self._active) and time.monotonic() < deadline:
            for process in self._active:  # again and again: one that has just begun may not hear the first
                process.terminate()
            time.sleep(0.1)
        for process in self._active:
            process.kill()

    @property
    def active(self) -> list[Run]:
        """The runs that are being trained now."""
        return [run for run, _ in self._active.values()]

    def submit(self, run: Run) -> None:
        self._waiting.append(run)

    def finished(self) -> Iterator[Outcome | None]:
        while self._waiting or self._active:
            while self._waiting and self._devices:
                self._start(self._waiting.popleft())
            outcomes = [outcome for process in list(self._active) if (outcome := self._ended(process)) is not None]
            yield from outcomes
            if not outcomes:
                yield None
                time.sleep(self._poll_seconds)

    def _start(self, run: Run) -> None:
        device = self._devices.popleft()
        runs = (
            1 if device.startswith("cpu") else self._runs_on[device.removesuffix(GRAPHED)]
        )  # each CPU in the list is a core
        process = start(run, device, self._checkpoint_seconds, runs)
        self._active[process] = (run, device)

    def _ended(self, process: RunProcess) -> Outcome | None:
        code = process.poll()
        if code is None:
            return None
        run, device = self._active.pop(process)
        self._devices.append(device)
        outcome = Outcome(run, code, last_words(run, code))
        if self._kills.another_try(outcome):
            self._waiting.append(run)
            return None
        return outcome


def local_devices(workers: int | None, device: str, placement: Placement = "single") -> list[str]:
    """What each process computes on: for `cpu` a core, for `cuda` each accelerator in turn, or those named.

    A name may end in +graph, which says how a run is trained there. Placed as `split` a process takes two, with a
    comma between: cuda:0,cuda:1 (on a CPU still one core). Raises UserError, before anything is started, for devices
    that have another name, are not here, or are too few.
    """
    each = DEVICES[placement]
    named = device_names(device)
    if device == "cpu":
        return [",".join(["cpu"] * each)] * (workers or usable_cores())
    if each > 1 and any(name.endswith(GRAPHED) for name in named):
        raise UserError(f"--device {device}: {GRAPHED} is for a run on one device; use --placement single")
    every = device.removesuffix(GRAPHED) == "cuda"
    if every:
        import torch

        how = device.removeprefix("cuda")
        names = [f"cuda:{index}{how}" for index in range(torch.cuda.device_count())]
        if not names:
            raise UserError(f"--device {device}: there are 0 CUDA devices here; use cpu")
    else:
        names = list(named)
    groups = [",".join(group) for group in zip(*[iter(names)] * each, strict=False)]
    if not groups or (not every and len(names) % each):
        raise UserError(
            f"--device {device}: a run of --placement {placement} takes {each} devices, and these are {len(names)}; "
            "name them in pairs, as in cuda:0,cuda:1"
        )
    _check_there(names)
    if len(groups) == 1:
        return groups * (workers or 1)
    return groups[:workers]


def _check_there(names: list[str]) -> None:
    """UserError when one of the CUDA devices is not there."""
    plain = [name.removesuffix(GRAPHED) for name in names]
    highest = max((int(name.partition(":")[2] or 0) for name in plain if name.startswith("cuda")), default=-1)
    if highest >= 0:
        import torch

        if highest >= (visible := torch.cuda.device_count()):
            raise UserError(f"--device {','.join(names)}: there are {visible} CUDA devices here; use cpu")

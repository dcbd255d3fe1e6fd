"""Runs on an existing Ray cluster: the same process a run as in the local pool, started where Ray has room.

Ray assigns cores or devices and says when a worker or a node is lost; everything else is this project's own:
the lease (a node that Ray believes dead may train on), the checkpoint, the retry rule. All nodes see the store
under the same path. Ray is the optional extra `cluster`.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

from repro.errors import UserError
from repro.net.table.placement import DEVICES, Placement
from repro.runs.store import Run
from repro.scheduling import worker
from repro.scheduling.executor import Outcome, RetryBudget, last_words
from repro.scheduling.run_process import start_process

LOST = -signal.SIGKILL
"""The code of a run whose worker or node Ray lost: it was killed, as far as anybody knows."""


class RayPool:
    """An Executor on the cluster at RAY_ADDRESS. Leaving the `with` block asks runs to write a checkpoint.

    `device` is cpu or cuda: which ones is Ray's to say. Raises UserError for another, and on entering when Ray is
    not installed, there is no cluster, or none of its nodes has the GPUs that a run takes.
    """

    def __init__(
        self,
        device: str,
        placement: Placement = "single",
        *,
        checkpoint_seconds: float = 30.0,
        poll_seconds: float = 0.25,
    ) -> None:
        if device not in ("cpu", "cuda"):
            raise UserError(f"--device {device}: with --executor ray it is cpu or cuda; Ray chooses the devices")
        self._devices = DEVICES[placement] if device == "cuda" else 0
        self._device = ",".join(f"cuda:{index}" for index in range(self._devices)) or ",".join(
            ["cpu"] * DEVICES[placement]
        )
        self._checkpoint_seconds = checkpoint_seconds
        self._poll_seconds = poll_seconds
        self._ray: Any = None
        self._remote: Any = None
        self._tasks: dict[Any, Run] = {}
        self._kills = RetryBudget()

    def __enter__(self) -> RayPool:
        try:
            import ray
        except ImportError:
            raise UserError("--executor ray: Ray is not installed; pip install 'alexnet-repro[cluster]'") from None
        address = os.environ.get("RAY_ADDRESS")
        if not address:
            raise UserError("--executor ray: set RAY_ADDRESS to the cluster's head, for instance 10.0.0.1:6379")
        try:
            ray.init(address=address, log_to_driver=False, configure_logging=False)
        except Exception as error:  # Ray raises ConnectionError, RuntimeError and its own, by version
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise UserError(f"--executor ray: no cluster at RAY_ADDRESS={address}: {reason}") from error
        self._ray = ray
        gpus = max((node["Resources"].get("GPU", 0) for node in self._ray.nodes() if node["Alive"]), default=0)
        if gpus < self._devices:
            ray.shutdown()
            raise UserError(
                f"--device cuda: a run takes {self._devices} GPUs of one node, and the cluster's nodes have at most "
                f"{gpus:.0f}; start nodes with --num-gpus, or use cpu"
            )
        needs = {"num_gpus": self._devices} if self._devices else {"num_cpus": 1}
        # The retry rule is this project's, the same as the local pool's, so Ray's own is off.
        package = str(Path(__file__).resolve().parents[2])
        self._remote = ray.remote(train_on_node).options(
            max_retries=0, runtime_env={"env_vars": {"PYTHONPATH": package}}, **needs
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            self._ray.cancel(task)
        if self._tasks:
            self._ray.wait(list(self._tasks), num_returns=len(self._tasks), timeout=30)
        self._ray.shutdown()

    @property
    def active(self) -> list[Run]:
        """The runs whose lease somebody holds: Ray itself does not say which tasks have begun."""
        return [run for run in self._tasks.values() if run.leased]

    def submit(self, run: Run) -> None:
        self._start(run)

    def finished(self) -> Iterator[Outcome | None]:
        while self._tasks:
            done, _ = self._ray.wait(list(self._tasks), num_returns=1, timeout=self._poll_seconds)
            for task in done:
                run = self._tasks.pop(task)
                outcome = self._outcome(task, run)
                if self._kills.another_try(outcome):
                    self._start(run)
                else:
                    yield outcome
            if not done:
                yield None

    def _start(self, run: Run) -> None:
        task = self._remote.remote(str(run.store), run.identity, self._device, self._checkpoint_seconds)
        self._tasks[task] = run

    def _outcome(self, task: Any, run: Run) -> Outcome:
        try:
            code = int(self._ray.get(task))
        except self._ray.exceptions.RayError as error:
            if run.finished:  # lost between its last word and Ray's
                return Outcome(run, worker.FINISHED, "")
            lost = not isinstance(error, self._ray.exceptions.RayTaskError)
            return Outcome(run, LOST if lost else worker.FAILED, str(error).strip())
        return Outcome(run, code, last_words(run, code))


def train_on_node(store: str, identity: str, device: str, checkpoint_seconds: float) -> int:
    """The task: start the run's process on this node and wait for it. Returns its exit code."""
    run = Run(Path(store), identity)
    if not run.folder.is_dir():
        raise FileNotFoundError(f"{run.folder} is not on this node: all nodes must see the store under the same path")
    process = start_process(run, device, checkpoint_seconds)
    try:
        return process.wait()
    except BaseException:  # Ray cancels a task with KeyboardInterrupt
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        process.wait(30)
        raise

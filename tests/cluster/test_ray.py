"""Eight runs on a real Ray cluster of two nodes; a worker and then a whole node are killed, all results are right."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from repro.data.packed import open_packed
from repro.runs.grid import GridRun
from repro.runs.store import Run, RunSpec
from repro.scheduling.executor import Outcome
from repro.scheduling.ray_pool import RayPool
from repro.scheduling.train_grid import train_grid, write_run_list
from tests.packed_pictures import make_packed
from tests.small_runs import small_settings

pytestmark = pytest.mark.cluster
RUNS, EPOCHS = 8, 60


@dataclass
class Cluster:
    """A head and a second node on this machine, with a slot each."""

    address: str
    environment: dict[str, str]
    folder: Path
    nodes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def python(self) -> Path:
        """This Python under a path without spaces: Ray starts its workers by a shell and does not quote it."""
        environment = self.folder / "environment"
        if not environment.is_symlink():
            environment.symlink_to(sys.prefix, target_is_directory=True)
        return environment / "bin" / "python"

    def start_node(self, *options: str) -> None:
        command = [str(self.python), "-m", "ray.scripts.scripts", "start", *options, "--num-cpus=1", "--block"]
        command += ["--object-store-memory=80000000", "--disable-usage-stats"]
        log = (self.folder / f"node{len(self.nodes)}.log").open("wb")
        environment = {**os.environ, **self.environment}
        self.nodes.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log))

    def kill_node(self, number: int) -> None:
        """The node's processes, whoever started them, all at once."""
        starter = psutil.Process(self.nodes[number].pid)
        for process in [*starter.children(recursive=True), starter]:
            if process.is_running():
                process.kill()
        self.nodes[number].wait()


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    secret = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    for name, value in secret.items():
        monkeypatch.setenv(name, value)
    import ray  # reads the secret once, when it is imported

    folder = Path(tempfile.mkdtemp(prefix="ray", dir="/tmp"))  # sockets lie below it: their paths must be short
    address = f"{ray.util.get_node_ip_address()}:{_free_port()}"
    monkeypatch.setenv("RAY_ADDRESS", address)
    made = Cluster(address, secret, folder)
    host, port = address.split(":")
    try:
        head = [f"--node-ip-address={host}", f"--temp-dir={folder}", "--include-dashboard=false"]
        made.start_node("--head", f"--port={port}", *head)
        _wait_for_nodes(made, 1)
        made.start_node(f"--address={address}", f"--node-ip-address={host}")
        _wait_for_nodes(made, 2)
        yield made
    finally:
        for number, node in enumerate(made.nodes):
            if node.poll() is None:
                made.kill_node(number)
        shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        return int(place.getsockname()[1])


def _wait_for_nodes(cluster: Cluster, wanted: int) -> None:
    """Ask in processes of their own, whose start is pause enough, until so many nodes are there."""
    asked = (
        "import ray, sys\n"
        "ray.init(log_to_driver=False, configure_logging=False)\n"
        f"sys.exit(sum(node['Alive'] for node in ray.nodes()) != {wanted})"
    )
    while subprocess.run([sys.executable, "-c", asked], capture_output=True, check=False).returncode:
        for number, node in enumerate(cluster.nodes):
            log = (cluster.folder / f"node{number}.log").read_text(errors="replace")
            assert node.poll() is None, f"node {number} ended: {log[-2000:]}"


class Sabotaged(RayPool):
    """A pool that loses a worker, and then a node, once their runs have a checkpoint to go on from."""

    def __init__(self, cluster: Cluster) -> None:
        super().__init__("cpu", checkpoint_seconds=0, poll_seconds=0.1)
        self.cluster = cluster
        self.killed: list[str] = []

    def finished(self) -> Iterator[Outcome | None]:
        for outcome in super().finished():
            begun = [run for run in self.active if run.started]
            if begun and not self.killed:
                self._kill_worker(begun[0])
            elif len(self.killed) == 1 and any(self._on_second_node(run) for run in begun):
                self.cluster.kill_node(1)
                self.killed.append("node")
            yield outcome

    def _kill_worker(self, run: Run) -> None:
        """Ray's process that waits for the training process of this run, which then must die too."""
        training = _training_process(run)
        if training is not None and (parent := training.parent()) is not None:
            parent.kill()
            self.killed.append("worker")

    def _on_second_node(self, run: Run) -> bool:
        training = _training_process(run)
        return training is not None and any(process.pid == self.cluster.nodes[1].pid for process in training.parents())


def _training_process(run: Run) -> psutil.Process | None:
    for process in psutil.process_iter(["cmdline"]):
        command = process.info["cmdline"] or []
        if "repro.scheduling.worker" in command and run.identity in command:
            return process
    return None


def _cells(store: Path, pictures: str) -> list[GridRun]:
    digest = open_packed(store / pictures).digest
    specs = [RunSpec(small_settings(epochs=EPOCHS), seed, digest, pictures) for seed in range(RUNS)]
    return [GridRun("base", spec.seed, spec, Run(store, spec.identity)) for spec in specs]


def test_a_lost_worker_and_a_lost_node_change_no_result(cluster: Cluster, tmp_path: Path) -> None:
    pictures = make_packed(tmp_path / "store")
    cells = _cells(tmp_path / "store", pictures)
    pool = Sabotaged(cluster)
    train_grid(cells, "test", [], say=lambda line: None, open_pool=lambda: pool)
    assert pool.killed == ["worker", "node"]

    alone = tmp_path / "alone"
    make_packed(alone)
    undisturbed = _cells(alone, pictures)
    # By the local pool, whose processes compute with as many threads: the last bits depend on their number.
    train_grid(undisturbed, "test", ["cpu"], say=lambda line: None)
    for cell, other in zip(cells, undisturbed, strict=True):
        assert cell.run.result()["weights_digest"] == other.run.result()["weights_digest"]
    sittings = [cell.run.result()["sittings"] for cell in cells]
    assert sum(sitting > 1 for sitting in sittings) >= 2  # those of the worker and the node went on from a checkpoint

    said: list[str] = []  # what DVC's stage does afterwards: finished runs are accepted by identity
    train_grid(cells, "test", ["cpu"], say=said.append)
    assert said == [f"test: {RUNS} runs, {RUNS} finished, 0 recorded, 0 to train"]
    listing = write_run_list(tmp_path / "runs.json", cells, {})
    assert [row["identity"] for row in listing["runs"]] == [cell.run.identity for cell in cells]

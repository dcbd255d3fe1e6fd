"""One launch of two ranks for the whole session, shared by pytest's own workers."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from filelock import FileLock

from repro.training.devices.run_placement import RunPlacement
from repro.training.loop import Interrupted
from tests.placement.traces import NETS, PRECISIONS, pictures_in, settings_of, training
from tests.placement.two_ranks import SEPARATE_STORES, STOP_AFTER
from tests.project_copy import ROOT

CPU = torch.device("cpu")


def torchrun(*arguments: str, cwd: Path, **environment: str) -> subprocess.Popen[str]:
    """`torchrun --nproc-per-node=2 ARGUMENTS` on a free port, its output piped."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    command += ["--monitor-interval=0.1", *arguments]
    surroundings = {
        **{key: value for key, value in os.environ.items() if not key.startswith("REPRO_")},
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
        "OMP_NUM_THREADS": "1",
        **environment,
    }
    return subprocess.Popen(
        [*command], cwd=cwd, env=surroundings, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@dataclass(frozen=True)
class TwoRanks:
    """The folder that two ranks worked in, and what each of them found."""

    folder: Path
    found: tuple[dict[str, Any], dict[str, Any]]

    def both(self, name: str) -> list[Any]:
        return [rank[name] for rank in self.found]


@pytest.fixture(scope="session")
def two_ranks(tmp_path_factory: pytest.TempPathFactory) -> TwoRanks:
    base = tmp_path_factory.getbasetemp()
    common = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder = common / "two-ranks"
    with FileLock(common / "two-ranks.lock"):
        if not (folder / "done").exists():
            folder.mkdir()
            make_stores(folder)
            process = torchrun("-m", "tests.placement.two_ranks", str(folder), cwd=ROOT)
            _, errors = process.communicate()
            assert process.returncode == 0, errors
            (folder / "done").touch()
    first, second = (torch.load(folder / f"rank{rank}.pt", weights_only=True) for rank in range(2))
    return TwoRanks(folder, (first, second))


def make_stores(folder: Path) -> None:
    """Pictures and runs' folders, so that the ranks only read them; a run that this process has begun."""
    for classes in (4, 5):
        pictures_in(folder / "steps", classes)
        for net in NETS:
            for precision in PRECISIONS:
                training(folder / "steps", settings_of(net, precision), RunPlacement(CPU), classes)
    for store in SEPARATE_STORES:
        training(folder / store, settings_of("as in the paper", "float64"), RunPlacement(CPU))
    begin(folder / "resumed", RunPlacement(CPU))


def begin(store: Path, placement: RunPlacement) -> None:
    """Train the run of `checkpoints` up to the step at which it is interrupted."""
    run = training(store, settings_of("as in the paper", "float64"), placement)
    with pytest.raises(Interrupted):
        run.train(should_stop=lambda: run.step >= STOP_AFTER)

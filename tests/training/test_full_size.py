"""`full` starts: two steps of the paper's net on ILSVRC2012's layout, killed between them and resumed.

The pictures are drawn by the project itself. Nothing of the study is changed but the amount of data, the number of
classes (which follows from the data), the number of epochs, and the batches: a sixteenth of the paper's, since a step
on 128 pictures of full size takes a processor's core a quarter of a minute.
"""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from safetensors import safe_open

from repro.data.procedural.data_set import SETS
from repro.data.procedural.ilsvrc_writer import write_ilsvrc
from repro.data.registration import use_data
from tests.project_copy import copy_project, edit_yaml, start_command
from tests.small_project import did

CLASSES, PER_CLASS, VALIDATION, HELD_OUT = 4, 4, 2, 2
BATCH = 8
PARAMETERS_OF_THE_PAPER = 60_965_224
PARAMETERS_PER_CLASS = 4096 + 1  # weights and bias of a unit of the last layer
RUN = ("train", "full", "--variant", "base", "--seed", "10", "--workers", "1", "--checkpoint-seconds", "0")


@pytest.fixture
def project(tmp_path: Path, workers_here: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A project whose data for `full` are small archives, with training pictures for two batches."""
    drawn = SETS["procedural"]
    kinds = drawn.kinds[:CLASSES]
    counts = {"train": PER_CLASS + VALIDATION, "validation": HELD_OUT}
    splits = {
        split: {kind.wnid: drawn.encoded(kind, range(count), split=split, side=256, seed=0) for kind in kinds}
        for split, count in counts.items()
    }
    archives = tmp_path / "downloads"
    archives.mkdir()
    write_ilsvrc(archives, splits, {kind.wnid: kind.title for kind in kinds})
    root = copy_project(tmp_path / "project", {"full": "small-ilsvrc"})
    edit_yaml(
        root / "studies" / "full.yaml",
        data={"validation_per_class": VALIDATION},
        training={"epochs": 1, "batch_size": BATCH, "curve_pictures": 8},
    )
    monkeypatch.delenv("REPRO_STORE", raising=False)
    use_data(archives, "small-ilsvrc", root)
    did(root, "prepare", "full")
    yield root
    shutil.rmtree(tmp_path)  # a gigabyte of weights and checkpoints, which pytest would keep


def the_run(root: Path) -> Path:
    (folder,) = (root / ".store" / "runs").iterdir()
    return folder


def record_of(folder: Path) -> dict:
    return json.loads((folder / "run.json").read_text())


def wait_for_checkpoint(root: Path, process: subprocess.Popen[str]) -> None:
    while not any((root / ".store" / "runs").glob("*/checkpoint.pt")):
        try:
            process.wait(0.05)
        except subprocess.TimeoutExpired:
            continue
        raise AssertionError(process.communicate()[1])


@pytest.mark.slow
def test_the_full_study_starts_is_killed_and_resumes_to_the_same_weights(project):
    prepared = json.loads((project / "results" / "full" / "prepared.json").read_text())
    assert (prepared["size"], len(prepared["classes"])) == (256, CLASSES)
    assert prepared["counts"] == {
        "train": 2 * BATCH,
        "validation": VALIDATION * CLASSES,
        "held_out": HELD_OUT * CLASSES,
    }

    trainer = start_command(project, *RUN)
    wait_for_checkpoint(project, trainer)
    trainer.send_signal(signal.SIGKILL)  # its worker dies with it
    trainer.communicate()
    assert trainer.returncode == -signal.SIGKILL
    assert not (the_run(project) / "run.json").exists()

    did(project, *RUN)
    resumed = record_of(the_run(project))
    assert (resumed["status"], resumed["steps"], resumed["sittings"]) == ("finished", 2, 2)
    with safe_open(the_run(project) / "weights.safetensors", "np") as weights:
        parameters = sum(weights.get_tensor(name).size for name in weights.keys())  # noqa: SIM118
    assert parameters == PARAMETERS_OF_THE_PAPER - (1000 - CLASSES) * PARAMETERS_PER_CLASS

    assert "trained anew: the same weights" in did(project, *RUN, "--retrain").err
    uninterrupted = record_of(the_run(project))
    assert uninterrupted["sittings"] == 1
    assert uninterrupted["weights_digest"] == resumed["weights_digest"]
    assert did(project, *RUN).err.endswith("1 finished, 0 recorded, 0 to train\n")

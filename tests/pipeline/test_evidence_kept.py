"""Evidence that is recorded in git, merged by identity, and finished runs in a notebook."""

from __future__ import annotations

import json
import shutil
from typing import Any

import numpy as np
import pytest
import torch

import repro
from repro.data.packed import open_packed
from repro.errors import UserError
from repro.evidence.directory import load_evidence
from repro.study.identity import run_identity
from repro.study.settings import RunSettings
from tests.project_copy import edit_yaml
from tests.small_project import Place, did, nothing_lost, the_error
from tests.small_project import repro as command


def elsewhere(place: Place, **changes: Any) -> None:
    """The recorded evidence as another machine made it: of seed 7, whose run is not in this store."""
    path = place.recorded / "study.json"
    study = {**json.loads(path.read_text()), "seeds": [7]}
    path.write_text(json.dumps(study))
    path = place.recorded / "runs.jsonl"
    row = json.loads(path.read_text())
    row["provenance"]["tensors_digest"] = "another's"
    path.write_text(json.dumps({**row, "seed": 7, "identity": another(study), **changes}) + "\n")


def another(study: dict[str, Any]) -> str:
    """The identity of the base's run with seed 7."""
    return run_identity(RunSettings.model_validate(study["settings"]["base"]), 7, study["data"]["digest"])


def test_the_first_record_is_the_pipelines_evidence(place: Place) -> None:
    said = did(place.root, "record", "small").out
    assert "evidence/small: 1 runs (1 new)" in said
    for path in place.evidence.iterdir():
        assert (place.recorded / path.name).read_bytes() == path.read_bytes()


def test_recording_again_changes_nothing(place: Place) -> None:
    did(place.root, "record", "small")
    with nothing_lost(place.recorded):
        assert "1 runs (0 new)" in did(place.root, "record", "small").out


def test_runs_of_two_machines_merge_and_a_later_evaluation_keeps_both(place: Place) -> None:
    did(place.root, "record", "small")
    elsewhere(place)
    assert "2 runs (1 new)" in did(place.root, "record", "small").out
    merged = load_evidence(place.recorded)
    fresh = load_evidence(place.evidence)
    there = another(json.loads((place.recorded / "study.json").read_text()))
    assert {(run.seed, run.identity) for run in merged.runs} == {(7, there), (1, place.run.name)}
    assert set(merged.study.seeds) == {1, 7}
    assert {run.identity: run for run in merged.runs}[place.run.name] == fresh.runs[0]
    for name, value in fresh.arrays.items():
        assert np.array_equal(merged.arrays[name], value, equal_nan=True)


def test_evidence_that_was_measured_otherwise_is_neither_merged_nor_mixed(place: Place) -> None:
    did(place.root, "record", "small")
    elsewhere(place)
    edit_yaml(place.root / "studies" / "small.yaml", evaluation={"view_pictures": 7})
    did(place.root, "evaluate", "small")
    with nothing_lost(place.recorded):
        said = the_error(command(place.root, "record", "small"))
    assert "has evaluation.view_pictures: 7, and" in said
    assert "evidence/small was measured with 40" in said
    edit_yaml(place.root / "studies" / "small.yaml", seeds=[1, 7])
    said = the_error(command(place.root, "evaluate", "small"))
    assert "studies/small.yaml has evaluation.view_pictures: 7" in said


def test_how_long_a_run_took_is_no_conflict(place: Place) -> None:
    """The same run trained on two machines: the same numbers, but not the same seconds."""
    did(place.root, "record", "small")
    path = place.recorded / "runs.jsonl"
    row = json.loads(path.read_text())
    row["scalars"] |= {
        "cpu_seconds": 1e9,
        "clock_seconds": 1e9,
        "augmented_step_seconds": 1.0,
        "pictures_per_second": 1e-3,
    }
    path.write_text(json.dumps(row) + "\n")
    assert "1 runs (0 new)" in did(place.root, "record", "small").out


def test_a_net_in_a_notebook_makes_the_errors_that_were_measured(place: Place) -> None:
    run = repro.load_run("small", root=place.root)
    packed = open_packed(place.packed)
    edge = (packed.manifest["size"] - run.settings.net.geometry.crop) // 2
    inner = slice(edge, edge + run.settings.net.geometry.crop)
    pixels = packed.held_out.pictures[:, inner, inner].astype(np.float32) - packed.mean_picture[inner, inner]
    pixels = np.ascontiguousarray(pixels.transpose(0, 3, 1, 2)) / run.settings.net.input_divisor
    with torch.inference_mode():
        answers = run.net(torch.from_numpy(pixels)).argmax(1)
    assert run.measurements["held_out_error"] == float((answers.numpy() != packed.held_out.labels).mean())
    assert run.classes == packed.classes
    assert [row["epoch"] for row in run.log if "train_loss" in row] == [1, 2]
    assert run.identity == place.run.name


def test_a_run_that_is_not_there_names_those_that_are(place: Place) -> None:
    with pytest.raises(UserError, match=r"no run 'dense' with seed 1; variants: base; seeds: 1"):
        repro.load_run("small", "dense", root=place.root)
    with pytest.raises(UserError, match=r"no run 'base' with seed 3"):
        repro.load_run("small", seed=3, root=place.root)
    edit_yaml(place.root / "studies" / "small.yaml", seeds=[1, 2])
    with pytest.raises(UserError, match=r"base seed 2 of small is not finished; `repro train small` trains it"):
        repro.load_run("small", seed=2, root=place.root)


def test_a_run_that_is_recorded_and_whose_weights_are_elsewhere_says_how_to_make_them(place: Place) -> None:
    did(place.root, "record", "small")
    shutil.rmtree(place.store / "runs")
    with pytest.raises(UserError, match="base seed 1 of small is recorded, its weights are not here") as refused:
        repro.load_run("small", root=place.root)
    advice = str(refused.value).split("`")[1]
    assert advice == "repro train small --variant base --seed 1 --retrain"
    did(place.root, *advice.split()[1:])
    assert repro.load_run("small", root=place.root).identity == place.run.name

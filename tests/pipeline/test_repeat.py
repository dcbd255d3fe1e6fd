"""A recorded run, trained again from its record: the same numbers, or how far off they are."""

from __future__ import annotations

import json
import shutil
from typing import Any

import pytest

from repro.evidence.directory import load_evidence
from tests.project_copy import edit_yaml
from tests.small_project import Answer, Place, did, nothing_lost, repro, the_error


@pytest.fixture
def kept(place: Place) -> Place:
    """The small project, its evidence recorded."""
    did(place.root, "record", "small")
    return place


def repeat(place: Place, run: str = "base/1") -> Answer:
    return repro(place.root, "repeat", "evidence/small", "--run", run)


def rewrite(place: Place, **changes: Any) -> None:
    """Other values in the one recorded run's line; a mapping is merged into the one that is there."""
    path = place.recorded / "runs.jsonl"
    row = json.loads(path.read_text())
    for key, value in changes.items():
        row[key] = {**row[key], **value} if isinstance(value, dict) else value
    path.write_text(json.dumps(row) + "\n")


def test_a_run_repeated_here_has_the_same_weights_and_numbers_and_nothing_is_touched(kept: Place) -> None:
    identity = kept.run.name
    with nothing_lost(kept.recorded), nothing_lost(kept.store):
        answer = repeat(kept)
        assert answer.code == 0, answer
        assert f"base seed 1 (run {identity}), repeated: the same weights; all " in answer.out
        assert "made alike" in answer.out
        by_identity = repeat(kept, identity[:6])  # trained once more, beside the first
        assert by_identity.code == 0, by_identity
    assert {path.name for path in (kept.store / "repeats").iterdir()} == {f"{identity}-1", f"{identity}-2"}


def test_a_number_that_differs_is_told_with_how_far_off_it_is(kept: Place) -> None:
    now = load_evidence(kept.recorded).runs[0].scalars["held_out_loss"]
    rewrite(kept, scalars={"held_out_loss": now - 0.5, "of_another_version": 3.0, "cpu_seconds": 1e9})
    answer = repeat(kept)
    assert answer.code == 1, answer
    assert "the same weights; 1 of " in answer.out
    assert f"held_out_loss: recorded {now - 0.5}, now {now}, off by +0.5" in answer.out
    assert "measured otherwise" in answer.out
    assert "not measured by this version: of_another_version" in answer.out
    assert "cpu_seconds" not in answer.out


def test_another_machine_and_other_versions_are_named(kept: Place) -> None:
    provenance = load_evidence(kept.recorded).runs[0].provenance
    versions = {**provenance["versions"], "torch": "0.1", "pytest": "0.1"}
    machine = {**provenance["machine"], "processor": "an abacus"}
    rewrite(kept, provenance={"versions": versions, "machine": machine, "tensors_digest": "another"})
    answer = repeat(kept)
    assert answer.code == 1, answer
    assert "OTHER WEIGHTS" in answer.out
    assert f"torch recorded 0.1, here {provenance['versions']['torch']}" in answer.out
    assert "processor recorded an abacus, here " in answer.out
    assert "pytest recorded" not in answer.out


def test_it_is_measured_as_recorded_whatever_the_study_says_now(kept: Place) -> None:
    edit_yaml(kept.root / "studies" / "small.yaml", evaluation={"train_sample": 7})
    assert "all " in did(kept.root, "repeat", "evidence/small", "--run", "base/1").out


def test_a_parent_is_trained_again_first(kept: Place) -> None:
    edit_yaml(
        kept.root / "variants.yaml",
        child={"summary": "s", "changes": {"training.momentum": 0.8}, "parent": "base"},
    )
    edit_yaml(kept.root / "studies" / "small.yaml", variants=["base", "child"])
    did(kept.root, "train", "small", "--workers", "1")
    did(kept.root, "evaluate", "small")
    did(kept.root, "record", "small")
    assert "the same weights; all " in did(kept.root, "repeat", "evidence/small", "--run", "child/1").out


@pytest.mark.parametrize(("run", "says"), [("base/2", "base/1"), ("ffffffffffff", "base/1"), ("dense/1", "base/1")])
def test_a_run_that_is_not_there_names_those_that_are(kept: Place, run: str, says: str) -> None:
    error = the_error(repeat(kept, run))
    assert f"--run {run}" in error
    assert says in error


def test_pictures_that_are_not_prepared_are_told_with_what_to_do(kept: Place) -> None:
    shutil.rmtree(kept.store / "pictures")
    error = the_error(repeat(kept))
    assert "not prepared" in error
    assert "`repro prepare small`" in error
    assert "use-data" in error


def test_other_pictures_under_the_same_name_are_refused_by_their_digest(kept: Place) -> None:
    path = kept.packed / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "digest": "0" * 64}))
    assert "with digest 000000000000" in the_error(repeat(kept))


def test_a_record_that_does_not_give_its_identity_is_refused(kept: Place) -> None:
    rewrite(kept, seed=2)
    assert "does not follow" in the_error(repeat(kept, kept.run.name[:8]))
    rewrite(kept, seed=1, identity="0" * 20, provenance={"training_version": 0})
    assert "training version 0" in the_error(repeat(kept))

"""What an evidence says against itself: every kind of doubt, and that honest evidence has none."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from repro.evidence.directory import Evidence, load_evidence
from repro.evidence.doubts import contradictions
from repro.study.identity import run_identity
from repro.study.settings import RunSettings
from tests.project_copy import edit_yaml
from tests.small_project import Place, did, nothing_lost, repro, the_error

Row = dict[str, Any]


def changed(place: Place, change: Callable[[Row, list[Row]], None]) -> Evidence:
    """The fresh evidence, its study and rows changed."""
    study_file, runs_file = place.evidence / "study.json", place.evidence / "runs.jsonl"
    study, rows = json.loads(study_file.read_text()), [json.loads(line) for line in runs_file.read_text().splitlines()]
    change(study, rows)
    study_file.write_text(json.dumps(study))
    runs_file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return load_evidence(place.evidence)


def identity(study: Row, row: Row, **changes: Any) -> str:
    settings = RunSettings.model_validate(study["settings"][row["variant"]])
    return run_identity(settings, row["seed"], study["data"]["digest"], row["parent"], **changes)


def second(study: Row, rows: list[Row], **changes: Any) -> Row:
    """Another run beside the first, of seed 2, with its own weights."""
    provenance = {**rows[0]["provenance"], "tensors_digest": "of seed 2", **changes.pop("provenance", {})}
    row = {**rows[0], "seed": 2, "provenance": provenance, **changes}
    row["identity"] = changes.get("identity", identity(study, row))
    rows.append(row)
    return row


def test_evidence_as_it_was_written_has_none(place: Place) -> None:
    assert contradictions(load_evidence(place.evidence)) == []
    assert contradictions(changed(place, lambda study, rows: second(study, rows) and None)) == []


def seed(study: Row, rows: list[Row]) -> None:
    rows[0]["seed"] = 2


def parent(study: Row, rows: list[Row]) -> None:
    rows[0]["parent"] = "0" * 20


def pictures(study: Row, rows: list[Row]) -> None:
    study["data"]["digest"] = "0" * 64


def version(study: Row, rows: list[Row]) -> None:
    rows[0]["provenance"]["training_version"] = 2


def setting(study: Row, rows: list[Row]) -> None:
    study["settings"]["base"]["training"]["weight_decay"] = 0.0


@pytest.mark.parametrize("change", [seed, parent, pictures, version, setting])
def test_an_identity_follows_from_what_is_recorded(place: Place, change: Callable[[Row, list[Row]], None]) -> None:
    (sentence,) = contradictions(changed(place, change))
    assert place.run.name in sentence
    assert "does not follow from its recorded settings" in sentence


def test_settings_that_cannot_be_read_leave_a_doubt(place: Place) -> None:
    def unknown(study: Row, rows: list[Row]) -> None:
        study["settings"]["base"]["net"]["colour"] = 1

    (sentence,) = contradictions(changed(place, unknown))
    assert "cannot be checked" in sentence
    assert "colour" in sentence

    def gone(study: Row, rows: list[Row]) -> None:
        del study["settings"]["base"]

    assert "cannot be checked" in contradictions(changed(place, gone))[0]


def test_what_was_not_recorded_is_no_contradiction(place: Place) -> None:
    def older(study: Row, rows: list[Row]) -> None:
        del rows[0]["provenance"]["training_version"], rows[0]["provenance"]["tensors_digest"]

    assert contradictions(changed(place, older)) == []
    did(place.root, "record", "small")


def test_a_seed_that_has_two_runs(place: Place) -> None:
    def again(study: Row, rows: list[Row]) -> None:
        second(study, rows, seed=1, identity="1" * 20)

    found = contradictions(changed(place, again))
    assert any("base seed 1 (role report) has 2 runs" in sentence for sentence in found)


def test_trials_of_a_search_differ_by_their_rates(place: Place) -> None:
    def trials(study: Row, rows: list[Row]) -> None:
        for rate in (0.1, 0.01):
            digest = {"tensors_digest": f"at {rate}"}
            scalars = {**rows[0]["scalars"], "learning_rate": rate}
            second(study, rows, role="tuning", identity=f"trial {rate}", scalars=scalars, provenance=digest)

    assert contradictions(changed(place, trials)) == []

    def same(study: Row, rows: list[Row]) -> None:
        rows[2]["scalars"]["learning_rate"] = rows[1]["scalars"]["learning_rate"]

    assert "(role tuning) has 2 runs: trial" in contradictions(changed(place, same))[0]


def test_two_runs_with_the_same_weights(place: Place) -> None:
    def copied(study: Row, rows: list[Row]) -> None:
        second(study, rows, provenance={"tensors_digest": rows[0]["provenance"]["tensors_digest"]})

    evidence = changed(place, copied)
    (sentence,) = contradictions(evidence)
    assert "the same weights under different identities" in sentence
    assert all(run.identity in sentence for run in evidence.runs)

    def diverged(study: Row, rows: list[Row]) -> None:
        for row in rows:
            row["status"] = "diverged"

    assert contradictions(changed(place, diverged)) == []


def test_runs_of_different_training_versions(place: Place) -> None:
    def later(study: Row, rows: list[Row]) -> None:
        row = second(study, rows, provenance={"training_version": 2})
        row["identity"] = identity(study, row, version=2)

    (sentence,) = contradictions(changed(place, later))
    assert "1 of version 1, 1 of version 2" in sentence


def test_what_contradicts_itself_is_not_recorded(place: Place) -> None:
    """Not even when the two runs come from different sittings."""
    did(place.root, "record", "small")

    def copied(study: Row, rows: list[Row]) -> None:
        study["seeds"] = [2]
        second(study, rows, provenance={"tensors_digest": rows[0]["provenance"]["tensors_digest"]})
        del rows[0]

    changed(place, copied)
    with nothing_lost(place.recorded):
        error = the_error(repro(place.root, "record", "small"))
    assert "is not recorded" in error
    assert "the same weights" in error


def test_a_study_with_variants_parents_and_a_search_has_none(place: Place) -> None:
    study = place.root / "studies" / "small.yaml"
    rates = {"seeds": [3], "learning_rates": [0.01, 0.02], "variants": ["base"], "target_error": 0.25}
    edit_yaml(
        study,
        variants=["base", "dense", "half_of_classes", "other_classes", "pretrained_on_other_classes"],
        tuning=rates,
    )
    did(place.root, "train", "small", "--workers", "1")
    did(place.root, "evaluate", "small")
    evidence = load_evidence(place.evidence)
    assert {run.role for run in evidence.runs} == {"report", "tuning"}
    assert contradictions(evidence) == []

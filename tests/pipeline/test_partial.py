"""A study some of whose runs are trained has evidence of these, which grows over sittings."""

from __future__ import annotations

import json
import shutil
from typing import Any

import pytest

from repro.evidence.directory import Evidence, load_evidence
from repro.evidence.doubts import contradictions
from tests.project_copy import edit_yaml
from tests.small_project import Place, did, repro, the_error

BASE, DENSE = ("base", 1), ("dense", 1)


@pytest.fixture
def wider(place: Place) -> Place:
    """The study with another variant and two more seeds, of which one run is trained: the base's with seed 1."""
    edit_yaml(place.root / "studies" / "small.yaml", variants=["base", "dense"], seeds=[1, 2, 3])
    return place


def train(place: Place, *options: str) -> None:
    did(place.root, "train", "small", "--workers", "1", *options)


def cells(evidence: Evidence) -> set[tuple[str, int]]:
    return {(run.variant, run.seed) for run in evidence.runs}


def folder_of(place: Place, variant: str, seed: int) -> Any:
    found = [run for run in load_evidence(place.evidence).runs if (run.variant, run.seed) == (variant, seed)]
    return place.store / "runs" / found[0].identity


def test_what_is_there_is_measured_and_what_is_not_is_said(wider: Place) -> None:
    answer = did(wider.root, "evaluate", "small")
    assert "5 of 6 runs are not trained yet: base seeds 2, 3; dense seeds 1, 2, 3" in answer.err
    evidence = load_evidence(wider.evidence)
    assert cells(evidence) == {BASE}
    assert evidence.study.variants == ("base", "dense")
    assert evidence.study.seeds == (1, 2, 3)
    assert set(evidence.study.settings) == {"base", "dense"}
    assert evidence.missing("base") == [2, 3]
    assert evidence.missing("dense") == [1, 2, 3]
    assert contradictions(evidence) == []


def test_a_whole_study_says_nothing_of_the_kind(place: Place) -> None:
    assert "not trained" not in did(place.root, "evaluate", "small").err


def test_a_variant_may_be_there_before_the_base(wider: Place) -> None:
    train(wider, "--variant", "dense", "--seed", "1")
    shutil.rmtree(folder_of(wider, *BASE))
    assert "base seeds 1, 2, 3; dense seeds 2, 3" in did(wider.root, "evaluate", "small").err
    assert cells(load_evidence(wider.evidence)) == {DENSE}
    metrics = json.loads((wider.root / "results" / "small" / "metrics.json").read_text())
    assert metrics["runs"] == 1
    assert "base_held_out_error" not in metrics


def test_at_least_one_run_must_be_there(wider: Place) -> None:
    shutil.rmtree(folder_of(wider, *BASE))
    error = the_error(repro(wider.root, "evaluate", "small"))
    assert "not trained yet: base seeds 1, 2, 3; dense seeds 1, 2, 3; run `repro train small` first" in error


def test_dvc_does_not_lock_evidence_that_lacks_runs_the_store_has_lost(
    wider: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(wider)
    shutil.rmtree(folder_of(wider, *BASE))
    before = (wider.evidence / "runs.jsonl").read_bytes()
    with monkeypatch.context() as stage:
        stage.setenv("DVC_STAGE", "evaluate@small")
        error = the_error(repro(wider.root, "evaluate", "small"))
    assert "results/small/runs.json lists runs that are neither in" in error
    assert error.endswith("nor recorded: base seed 1; `repro train small` trains them again")
    assert (wider.evidence / "runs.jsonl").read_bytes() == before
    assert "1 of 6 runs are not trained yet: base seed 1" in did(wider.root, "evaluate", "small").err


def test_dvc_needs_no_run_in_the_store_that_is_recorded(wider: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    did(wider.root, "record", "small")
    train(wider)
    shutil.rmtree(folder_of(wider, *BASE))
    monkeypatch.setenv("DVC_STAGE", "evaluate@small")
    did(wider.root, "evaluate", "small")
    assert len(cells(load_evidence(wider.evidence))) == 6


def test_averages_are_of_seeds_that_are_there(wider: Place) -> None:
    did(wider.root, "evaluate", "small")
    assert not [name for name in load_evidence(wider.evidence).arrays if name.startswith("ensemble/")]
    train(wider, "--variant", "base", "--seed", "2")
    did(wider.root, "evaluate", "small")
    found = load_evidence(wider.evidence).arrays
    ways = ("", "/ten_views", "/ten_views_top5")
    assert sorted(name for name in found if name.startswith("ensemble/")) == [f"ensemble/base/1+2{way}" for way in ways]


def test_recorded_evidence_grows_over_sittings_to_the_whole(wider: Place) -> None:
    did(wider.root, "evaluate", "small")
    did(wider.root, "record", "small")
    first = load_evidence(wider.recorded)
    train(wider, "--variant", "base", "--seed", "2")
    shutil.rmtree(folder_of(wider, *BASE))  # another machine: what is recorded need not be here
    assert "4 of 6 runs are not trained yet" in did(wider.root, "evaluate", "small").err
    assert "2 runs (1 new)" in did(wider.root, "record", "small").out
    grown = load_evidence(wider.recorded)
    assert cells(grown) == {BASE, ("base", 2)}
    assert [run for run in grown.runs if run.seed == 1] == list(first.runs)
    train(wider)
    assert "not trained" not in did(wider.root, "evaluate", "small").err
    assert "6 runs (4 new)" in did(wider.root, "record", "small").out
    assert len(cells(load_evidence(wider.recorded))) == 6
    assert contradictions(load_evidence(wider.recorded)) == []


def test_counts_of_each_class_stand_beside_those_of_each_split(place: Place) -> None:
    did(place.root, "evaluate", "small")
    data = load_evidence(place.evidence).study.data
    per_class = data["counts_per_class"]
    assert {split: sum(counts) for split, counts in per_class.items()} == data["counts"]
    assert {len(counts) for counts in per_class.values()} == {load_evidence(place.evidence).study.classes}


def test_a_search_must_be_finished_first(wider: Place) -> None:
    rates = {"seeds": [9], "learning_rates": [0.01, 0.02], "variants": ["dense"]}
    edit_yaml(wider.root / "studies" / "small.yaml", tuning=rates)
    assert "search for the learning rate of dense" in the_error(repro(wider.root, "evaluate", "small"))

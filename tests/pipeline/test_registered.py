"""What counts as registered for a run: what each listed study said when the run was created, and nothing later."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from repro.errors import UserError
from repro.evidence.directory import load_evidence
from repro.measurement.run_record import registered_for
from repro.settings import validated
from repro.study.settings import EvaluationSettings, Study
from repro.verdicts.registry.registry import load_registry
from tests.project_copy import edit_yaml, write_yaml
from tests.small_project import STUDY, Place, did, repro, the_error


def listed(place: Place, name: str, **changes: Any) -> None:
    """Another study on the same pictures: its runs are those of `small`, as far as both have them."""
    write_yaml(place.root / "studies" / f"{name}.yaml", {**STUDY, "study": name, **changes})
    edit_yaml(place.root / "params.yaml", studies={name: "colours"})


def noted_at(place: Place, seed: int) -> dict[str, Any]:
    """The note of the run of a seed."""
    for path in place.store.glob("runs/*/settings.json"):
        settings = json.loads(path.read_text())
        if settings["seed"] == seed:
            return settings["noted"]
    raise AssertionError(seed)


def evaluation_of(changed: dict[str, int]) -> dict[str, Any]:
    """All settings of the measurements that decide a number."""
    settings = {**EvaluationSettings().model_dump(), **STUDY.get("evaluation", {}), **changed}
    return {name: value for name, value in settings.items() if name != "batch"}


def registered(place: Place, study: str) -> dict[int, Any]:
    """By seed, what the study's evidence says was registered for its runs."""
    return {run.seed: run.registered for run in load_evidence(place.root / "results" / study / "evidence").runs}


def test_evidence_says_what_was_registered_when_the_run_was_created(place: Place) -> None:
    digest = load_registry(place.root / "claims" / "statements.yaml").digest
    measured = {"evaluation": evaluation_of({})}
    first = {"family": ["S61c"], "seeds": [1], "looks": "fixed", "smallest_effects": {}, **measured}
    assert registered(place, "small") == {1: {**first, "registry": {"S61c": digest("S61c")}}}
    edit_yaml(place.root / "studies" / "small.yaml", family=["S61c", "S12"], seeds=[1, 2])
    edit_yaml(place.root / "studies" / "small.yaml", smallest_effects={"S61c": 0.02}, evaluation={"code_bits": 7})
    did(place.root, "train", "small", "--workers", "1")
    did(place.root, "evaluate", "small")
    measured = {"evaluation": evaluation_of({"code_bits": 7})}
    effects = {"smallest_effects": {"S61c": 0.02}}
    later = {"family": ["S61c", "S12"], "seeds": [1, 2], "looks": "fixed", **effects, **measured}
    assert registered(place, "small") == {
        1: {**first, "registry": {"S61c": digest("S61c")}},
        2: {**later, "registry": {name: digest(name) for name in ("S61c", "S12")}},
    }
    assert load_evidence(place.evidence).study.smallest_effects == {"S61c": 0.02}


def test_a_run_that_two_studies_share_is_registered_for_both(place: Place) -> None:
    listed(place, "twin", family=["S12"], seeds=[2, 3])
    edit_yaml(place.root / "studies" / "small.yaml", seeds=[1, 2])
    did(place.root, "train", "small", "--workers", "1")
    did(place.root, "prepare", "twin")
    did(place.root, "train", "twin", "--workers", "1")
    for study in ("small", "twin"):
        did(place.root, "evaluate", study)
    assert [registered(place, "small")[2][key] for key in ("family", "seeds")] == [["S61c"], [1, 2]]
    twins = registered(place, "twin")
    assert twins[2] == twins[3]
    assert [twins[2][key] for key in ("family", "seeds")] == [["S12"], [2, 3]]
    assert list(twins[2]["registry"]) == ["S12"]


def test_a_study_that_is_listed_later_has_registered_nothing_for_it(place: Place) -> None:
    listed(place, "twin", family=["S12"])
    did(place.root, "prepare", "twin")
    did(place.root, "evaluate", "twin")
    assert registered(place, "twin") == {1: {}}


@pytest.mark.parametrize("changes", [{"family": ["S999"]}, {"smallest_effects": {"S999": 0.1}}, {"seeds": []}])
def test_a_listed_study_with_a_mistake_keeps_no_other_from_training(place: Place, changes: dict[str, Any]) -> None:
    listed(place, "twin", **changes)
    edit_yaml(place.root / "studies" / "small.yaml", seeds=[1, 2])
    did(place.root, "train", "small", "--workers", "1")
    assert set(noted_at(place, 2)["studies"]) == {"small"}


def test_an_effect_of_a_statement_that_there_is_not_is_told(place: Place) -> None:
    edit_yaml(place.root / "studies" / "small.yaml", seeds=[1, 2], smallest_effects={"S999": 0.1})
    assert "S999" in the_error(repro(place.root, "train", "small"))


@pytest.mark.parametrize("effect", [0, -0.1, float("nan"), float("inf"), "large"])
def test_an_effect_of_interest_is_a_number_above_0(effect: Any) -> None:
    with pytest.raises(UserError, match=r"smallest_effects.*S61c"):
        validated(Study, {**STUDY, "smallest_effects": {"S61c": effect}}, "studies/small.yaml")
    assert validated(Study, yaml.safe_load(yaml.safe_dump(STUDY)), "studies/small.yaml").smallest_effects == {}


def test_recording_keeps_what_was_registered_first(place: Place) -> None:
    """A note that was changed since, or that another store has: what is recorded stands."""
    did(place.root, "record", "small")
    before = registered(place, "small")
    path = place.run / "settings.json"
    settings = json.loads(path.read_text())
    settings["noted"]["studies"]["small"]["family"] = ["S61c", "S12"]
    settings["noted"]["registry"]["S12"] = "made up afterwards"
    path.write_text(json.dumps(settings))
    did(place.root, "evaluate", "small")
    assert registered(place, "small") != before
    did(place.root, "record", "small")
    assert {run.seed: run.registered for run in load_evidence(place.recorded).runs} == before


def test_what_an_earlier_version_noted_or_recorded_can_be_read(place: Place) -> None:
    assert registered_for("small", {"study": "small", "family": ["S12"], "registry": {"S12": "a digest"}}) == {}
    path = place.evidence / "study.json"
    study = json.loads(path.read_text())
    del study["smallest_effects"]
    path.write_text(json.dumps({**study, "registry": {"S12": "a digest"}}))
    runs = place.evidence / "runs.jsonl"
    row = json.loads(runs.read_text())
    del row["registered"]
    runs.write_text(json.dumps(row) + "\n")
    found = load_evidence(place.evidence)
    assert found.study.smallest_effects == {}
    assert found.runs[0].registered == {}

"""Facts about the program's nets: a stage of their own, which evidence copies; by hand nothing has to be thought of."""

from __future__ import annotations

import json

import pytest

from repro.project import Project
from tests.small_project import Place, did, repro, the_error


def written(place: Place) -> dict[str, object]:
    """The facts in the study's evidence."""
    facts: dict[str, object] = json.loads((place.evidence / "facts.json").read_text())
    return facts


@pytest.fixture
def by_dvc(monkeypatch: pytest.MonkeyPatch) -> None:
    """As DVC starts a stage."""
    monkeypatch.setenv("DVC_STAGE", "evaluate@small")


def test_the_evidence_has_the_facts_that_the_stage_left(place: Place, by_dvc: None) -> None:
    made_up = {"schema": 1, "fidelity": {"paper": {"loss": {"value": 1.0, "how": "made up"}}}}
    Project(place.root).facts_file.write_text(json.dumps(made_up))
    did(place.root, "evaluate", "small")
    assert written(place) == made_up


@pytest.mark.parametrize(("content", "told"), [(None, "does not exist"), ("{}", "damaged"), ("[1]", "damaged")])
def test_without_facts_the_stage_says_what_makes_them(
    content: str | None, told: str, place: Place, by_dvc: None
) -> None:
    Project(place.root).facts_file.unlink()
    if content is not None:
        Project(place.root).facts_file.write_text(content)
    error = the_error(repro(place.root, "evaluate", "small"))
    assert told in error
    assert "facts.json" in error
    assert "`repro facts`" in error


def test_by_hand_they_are_those_of_the_program_as_it_is(place: Place) -> None:
    before = written(place)
    of_another = {"schema": 1, "fidelity": {"paper": {"of": "an older program"}}}
    Project(place.root).facts_file.write_text(json.dumps(of_another))
    did(place.root, "evaluate", "small")
    assert written(place) == before == json.loads(Project(place.root).facts_file.read_text())


def test_a_command_of_their_own_makes_them(place: Place) -> None:
    before = Project(place.root).facts_file.read_bytes()
    Project(place.root).facts_file.unlink()
    assert "fidelity paper" in did(place.root, "facts").out
    assert Project(place.root).facts_file.read_bytes() == before

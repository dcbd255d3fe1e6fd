"""What measurements say of their numbers: read once, in one place, and told as it stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from repro.errors import UserError
from repro.measurement.declared import GUESSES, declarations, declared_metrics
from repro.report.page.evidence_tables import PAGE, page_with
from repro.verdicts.registry.metrics import METRICS
from tests.project_copy import ROOT

GOOD = """
title: Effective rank
scalars:
  rank_fc6:
    unit: count
    what: how many
    metric: {title: Effective rank of fc6, unit: directions, range: [1, null]}
"""


def _declared(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)
    return folder


def test_a_file_is_all_that_a_new_metric_needs(tmp_path: Path) -> None:
    found = declarations(_declared(tmp_path, rank=GOOD))
    rule = found["rank"].scalars["rank_fc6"].metric
    assert rule is not None
    assert (rule.title, rule.unit, rule.range, rule.guessing) == (
        "Effective rank of fc6",
        "directions",
        (1.0, None),
        None,
    )


@pytest.mark.parametrize(
    ("wrong", "right", "told"),
    [
        ("unti: count", "unit: count", r"bad\.yaml: .*scalars\.rank_fc6\.unit is missing"),
        ("range: [5, 1]", "range: [1, null]", r"range: 5 < 1 must hold"),
        ("range: [1, null], guess: luck", "range: [1, null]", r"guess: 'luck' is not allowed.*agreement"),
    ],
)
def test_a_mistake_is_named_with_its_file_and_what_is_allowed(
    wrong: str, right: str, told: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=told):
        declarations(_declared(tmp_path, bad=GOOD.replace(right, wrong)))


def test_a_name_that_two_measurements_give_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"second\.yaml: scalars: rank_fc6 is in .*first\.yaml too"):
        declarations(_declared(tmp_path, first=GOOD, second=GOOD))


def test_what_is_declared_is_what_claims_may_name() -> None:
    assert declared_metrics().items() <= METRICS.items()


@pytest.mark.parametrize(
    ("classes", "error", "top5_error", "loss", "agreement"),
    [(8, 7 / 8, 3 / 8, 2.0794415, 1 / 8), (5, 4 / 5, 0, 1.6094379, 1 / 5), (2, 1 / 2, 0, 0.6931472, 1 / 2)],
)
def test_a_net_that_guesses_has_the_values_of_chance(
    classes: int, error: float, top5_error: float, loss: float, agreement: float
) -> None:
    """Of eight classes five guesses hold the right one in five cases of eight; the loss is ln 8."""
    found = {name: guess(classes) for name, guess in GUESSES.items()}
    assert found == pytest.approx(
        {"error": error, "top5_error": top5_error, "loss": loss, "agreement": agreement, "zero": 0}
    )


def test_the_docs_tell_what_is_declared() -> None:
    text = (ROOT / PAGE).read_text()
    assert page_with(text, declarations()) == text, "run `make docs`"


def test_the_docs_need_the_marks_between_which_the_tables_stand() -> None:
    with pytest.raises(UserError, match=r"evidence\.md has no line"):
        page_with("no marks", declarations())

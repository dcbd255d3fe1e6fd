"""All studies on one page: each statement once, each study's verdict beside the others', nothing merged."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from repro.errors import UserError
from repro.evidence.directory import Evidence, write_evidence
from repro.files import write_json
from repro.project import Project
from repro.report.page.all_studies import StudyResults, all_studies_html
from repro.stages.report_all import report_all_stage, studies_at_hand
from tests.report.made_up_study import ROOT, made_up_study, project_registry
from tests.report.made_up_verdicts import verdict_rows
from tests.report.reading import Page, plain

REGISTRY = project_registry()


def results(study: str, **changes: Any) -> StudyResults:
    """The made-up study under another name."""
    made = made_up_study(study=study, summary=f"What {study} is.")
    return StudyResults(made, [{**row, **changes} for row in verdict_rows(REGISTRY, study)])


def written(folder: Path, evidence: Evidence) -> Path:
    study = {key: list(value) if isinstance(value, tuple) else value for key, value in vars(evidence.study).items()}
    write_evidence(folder, study, map(vars, evidence.runs), evidence.facts, evidence.arrays)
    return folder


@pytest.fixture(scope="module")
def two() -> Page:
    second = results("exercise")
    rows = [{**row, "verdict": "supported"} if row["id"] == "S78" else row for row in second.rows]
    first = replace(results("smoke"), page="smoke/report/report.html")
    return Page(all_studies_html([replace(second, rows=rows), first], REGISTRY))


def test_every_statement_has_one_article_and_a_judgement_a_study(two: Page) -> None:
    articles = [a["id"] for tag, a in two.tags if tag == "article"]
    assert sorted(articles) == sorted(entry.id for entry in REGISTRY)
    rows = {(row["id"], row["study"]): row["verdict"] for row in verdict_rows(REGISTRY)}
    for study in ("smoke", "exercise"):
        judged = [a for a in two.of_class("judgement") if a["data-study"] == study]
        assert len(judged) == sum(known == "smoke" for _, known in rows)


def test_cells_are_the_verdicts_and_lead_to_them(two: Page) -> None:
    cells = {(a["data-of"], a["data-study"]): a for a in two.of_class("cell")}
    ids = two.values("id")
    assert len(set(ids)) == len(ids)
    for row in verdict_rows(REGISTRY):
        studies = [""] if row["study"] is None else ["smoke", "exercise"]
        for study in studies:
            wanted = "supported" if (row["id"], study) == ("S78", "exercise") else row["verdict"] or "no_claim_yet"
            cell = cells.pop((row["id"], study))
            assert cell["data-verdict"] == wanted, row["id"]
            assert str(cell["href"])[1:] in ids
    assert not cells


def test_studies_are_told_apart_and_link_to_their_own_page(two: Page) -> None:
    assert "What smoke is." in two.text
    assert "What exercise is." in two.text
    outside = [target for target in two.values("href", "a") if not target.startswith("#")]
    assert outside == ["smoke/report/report.html"]
    options = [value for value in two.text.split() if value in ("smoke", "exercise")]
    assert {"smoke", "exercise"} <= set(options)


def test_a_definition_is_shown_once_by_the_most_telling_verdict() -> None:
    without = results("alone")
    rows = [
        {**row, "verdict": "not_evaluated", "reason": "no facts"} if row["id"] == "S04" else row for row in without.rows
    ]
    read = Page(all_studies_html([replace(without, rows=rows), results("smoke")], REGISTRY))
    (cell,) = [a for a in read.of_class("cell") if a["data-of"] == "S04"]
    assert cell["data-verdict"] == "supported"


def test_one_study_is_a_page_too() -> None:
    read = Page(all_studies_html([results("smoke")], REGISTRY))
    assert len([tag for tag, _ in read.tags if tag == "article"]) == len(list(REGISTRY))


def test_results_come_before_recorded_evidence_which_is_judged_here(tmp_path: Path) -> None:
    written(tmp_path / "results" / "smoke" / "evidence", made_up_study())
    write_json(tmp_path / "results" / "smoke" / "verdicts.json", verdict_rows(REGISTRY))
    written(tmp_path / "evidence" / "smoke", made_up_study(summary="older"))
    written(tmp_path / "evidence" / "decay", made_up_study(study="decay"))
    found = studies_at_hand(tmp_path, ROOT / "claims")
    places = [folder.relative_to(tmp_path).as_posix() for folder, _ in found]
    assert places == ["evidence/decay", "results/smoke/evidence"]
    assert {row["study"] for row in found[0][1]} == {"decay", None}

    path, names = report_all_stage(Project(tmp_path), ROOT / "claims")
    assert names == ["decay", "smoke"]
    text = path.read_text()
    assert len(text.encode()) < 5_000_000
    assert "older" not in plain(Page(text).text)


def test_without_any_study_one_sentence_says_so(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no study has verdicts .* run `dvc repro` first"):
        studies_at_hand(tmp_path, ROOT / "claims")

"""The report stage: the page of one study."""

from __future__ import annotations

from pathlib import Path

from repro.errors import UserError
from repro.evidence.directory import load_evidence
from repro.files import read_json
from repro.project import Project
from repro.report.cases.rows import checked_rows, judged_on_other
from repro.report.figures.retrieval.search import retrieval_at_hand
from repro.report.page.page import write_report


def report_stage(project: Project, study: str) -> Path:
    """Write a study's page from what the study left, and nothing of others; returns its path.

    Raises UserError when its evidence or its verdicts are missing or damaged, and when the verdicts were judged on
    other evidence than what lies there.
    """
    results = project.results(study)
    verdicts, evidence = read_json(results / "verdicts.json"), load_evidence(project.evidence(study))
    if judged_on_other(checked_rows(verdicts), evidence):
        raise UserError(f"results/{study}/verdicts.json was judged on other evidence; run `repro verdicts {study}`")
    path = results / "report" / "report.html"
    neighbours = retrieval_at_hand(evidence, project.store, project.prepared_file(study))
    write_report(path, evidence, verdicts, retrieval=neighbours)
    return path

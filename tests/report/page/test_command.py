"""`repro report`: a study's page depends on that study alone, the page over all studies on what is at hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from repro.cli import main
from repro.evidence.directory import write_evidence
from repro.files import write_json
from repro.project import Project
from repro.stages.report import report_stage
from tests.report.made_up_study import ROOT, made_up_study, project_registry
from tests.report.made_up_verdicts import verdict_rows


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with the results of one study."""
    for name in ("params.yaml", "dvc.yaml"):
        (tmp_path / name).write_text("{}\n")
    monkeypatch.chdir(tmp_path)
    add_results(tmp_path, "smoke")
    return tmp_path


def add_results(root: Path, study: str) -> None:
    made = made_up_study(study=study)
    record = {key: list(value) if isinstance(value, tuple) else value for key, value in vars(made.study).items()}
    folder = root / "results" / study
    write_evidence(folder / "evidence", record, map(vars, made.runs), made.facts, made.arrays)
    write_json(folder / "verdicts.json", verdict_rows(project_registry(), study))


def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    monkeypatch.setattr("sys.argv", ["repro", *words])
    with pytest.raises(SystemExit) as end:
        main()
    said = capsys.readouterr()
    return int(str(end.value.code)), said.out + said.err


def test_a_studys_page_does_not_change_when_another_study_comes(project: Path) -> None:
    before = report_stage(Project(project), "smoke").read_bytes()
    add_results(project, "exercise")
    assert report_stage(Project(project), "smoke").read_bytes() == before


def test_the_stage_depends_on_its_own_study_only() -> None:
    stage: dict[str, Any] = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]["report"]["do"]
    results = [dependency for dependency in stage["deps"] if dependency.startswith("results/")]
    assert len(results) == 3
    assert all(dependency.startswith("results/${key}/") for dependency in results)
    assert stage["outs"] == [{"results/${key}/report": {"push": False}}], "a user's pictures stay where they are"


def test_the_command_writes_one_study_or_all(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    add_results(project, "exercise")
    code, said = run(monkeypatch, capsys, "report", "smoke")
    assert (code, said.strip()) == (0, f"smoke: report in {project}/results/smoke/report/report.html")
    for words in (("report",), ("report", "--all")):
        code, said = run(monkeypatch, capsys, *words)
        assert (code, said.strip()) == (0, f"exercise, smoke: report in {project}/results/report.html")
    text = (project / "results" / "report.html").read_text()
    assert 'href="smoke/report/report.html"' in text
    assert "exercise/report/report.html" not in text, "that page has not been written"


def test_mistakes_are_one_sentence(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = run(monkeypatch, capsys, "report", "smoke", "--all")
    assert (code, said) == (2, "error: --all: the page over all studies has no STUDY; leave smoke or --all out\n")
    code, said = run(monkeypatch, capsys, "report", "decay")
    assert code == 2
    assert "results/decay" in said
    assert len(said.splitlines()) == 1

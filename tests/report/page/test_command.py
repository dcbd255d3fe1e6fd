"""`repro report`: a study's page depends on that study alone, the page over all studies on what is at hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from repro.cli import main
from repro.evidence.directory import Evidence, write_evidence
from repro.files import read_json, write_json
from repro.project import Project
from repro.stages.report import report_stage
from repro.verdicts.judging import judged_from
from repro.verdicts.judging.ledger import make_ledger
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
    write_made_up(root / "results" / study / "evidence", made_up_study(study=study))
    write_json(root / "results" / study / "verdicts.json", verdict_rows(project_registry(), study))


def write_made_up(folder: Path, made: Evidence) -> None:
    record = {key: list(value) if isinstance(value, tuple) else value for key, value in vars(made.study).items()}
    write_evidence(folder, record, map(vars, made.runs), made.facts, made.arrays)


def judge(root: Path, study: str) -> None:
    """As `repro verdicts STUDY` does."""
    folder = root / "results" / study
    write_json(folder / "verdicts.json", judged_from.verdict_rows(make_ledger(ROOT / "claims", [folder / "evidence"])))


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


CHANGES: dict[str, Callable[[Evidence], Evidence]] = {
    "a run fewer": lambda made: Evidence(made.path, made.study, made.runs[1:], made.facts, made.arrays),
    "other facts": lambda made: Evidence(made.path, made.study, made.runs, {"fidelity": {"paper": {}}}, made.arrays),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))
def test_verdicts_on_other_evidence_are_not_shown_beside_it(
    change: Callable[[Evidence], Evidence],
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("repro.stages.report_all.claims_folder", lambda root: ROOT / "claims")
    judge(project, "smoke")
    assert run(monkeypatch, capsys, "report", "smoke")[0] == 0
    write_made_up(project / "results" / "smoke" / "evidence", change(made_up_study()))
    other = "results/smoke/verdicts.json was judged on other evidence"
    code, said = run(monkeypatch, capsys, "report", "smoke")
    assert (code, said) == (2, f"error: {other}; run `repro verdicts smoke`\n")
    code, said = run(monkeypatch, capsys, "report")
    assert code == 0
    assert f"{other}; the page has verdicts on the evidence that is there" in said
    shown = (project / "results" / "report.html").read_bytes()
    judge(project, "smoke")
    code, said = run(monkeypatch, capsys, "report")
    assert "other evidence" not in said
    assert (project / "results" / "report.html").read_bytes() == shown


def test_verdicts_of_a_version_that_did_not_say_on_what_are_believed(project: Path) -> None:
    judge(project, "smoke")
    path = project / "results" / "smoke" / "verdicts.json"
    write_json(path, [{key: row[key] for key in row if key != "judged_from"} for row in read_json(path)])
    write_made_up(path.parent / "evidence", CHANGES["a run fewer"](made_up_study()))
    assert report_stage(Project(project), "smoke").is_file()


def test_mistakes_are_one_sentence(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = run(monkeypatch, capsys, "report", "smoke", "--all")
    assert (code, said) == (2, "error: --all: the page over all studies has no STUDY; leave smoke or --all out\n")
    code, said = run(monkeypatch, capsys, "report", "decay")
    assert code == 2
    assert "results/decay" in said
    assert len(said.splitlines()) == 1

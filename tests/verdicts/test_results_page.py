"""docs/results.md and the headlines: what the recorded evidence says of every statement."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from statistics import fmean, stdev

import pytest
import yaml

from repro.errors import UserError
from repro.evidence.directory import load_evidence
from repro.report.page.results import PAGE
from repro.verdicts.telling.headline import HEADLINE_FILE, Recorded, headline_lines, load_headline, recorded_results
from repro.verdicts.telling.results_page import results_page
from tests.project_copy import ROOT
from tests.recorded import CLAIMS, REGISTRY, nothing_recorded, record
from tests.small_project import did, repro, the_error


@pytest.fixture(scope="module")
def recorded() -> Recorded:
    return recorded_results(ROOT, CLAIMS)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return nothing_recorded(tmp_path / "project")


def told(root: Path) -> dict[str, str]:
    """What the page of a project says of each headline statement, on one line."""
    page = results_page(recorded_results(root, root / "claims"))
    parts = re.split(r"^### (S\d\d[a-f]?): ", page.partition("## Evidence")[0], flags=re.MULTILINE)[1:]
    return {name: " ".join(text.split()) for name, text in zip(parts[::2], parts[1::2], strict=True)}


# ---- what stands in git ----------------------------------------------------------------------------


def test_the_committed_page_is_current(recorded: Recorded) -> None:
    assert (ROOT / PAGE).read_text() == results_page(recorded), "run `make docs`"


def test_each_headline_belongs_to_the_family_of_its_study() -> None:
    for name, headline in load_headline(CLAIMS / HEADLINE_FILE, REGISTRY).items():
        study = yaml.safe_load((ROOT / "studies" / f"{headline.study}.yaml").read_text())
        assert name in study["family"]


def test_the_page_has_every_statement_with_its_numbers(recorded: Recorded) -> None:
    page = (ROOT / PAGE).read_text().partition("## Every statement")[2]
    parts = re.split(r"^\*\*(S\d\d[a-f]?)\*\*", page, flags=re.MULTILINE)[1:]
    said = dict(zip(parts[::2], parts[1::2], strict=True))
    assert sorted(said) == sorted(REGISTRY.statements)
    for entry in REGISTRY:
        assert entry.paper is None or " ".join(entry.paper.split()) in said[entry.id]
        assert entry.authors is None or " ".join(entry.authors.number.split()) in said[entry.id]
        for judged in (row for row in recorded.ledger.entries if row.statement.id == entry.id):
            assert judged.verdict is None or judged.verdict.outcome.replace("_", " ") in said[entry.id]


# ---- each way to come out --------------------------------------------------------------------------


def test_without_evidence_every_headline_says_what_is_missing(project: Path) -> None:
    said = told(project)
    assert list(said) == list(load_headline(CLAIMS / HEADLINE_FILE, REGISTRY))
    assert all("**not evaluated**: none of its runs are recorded yet" in text for text in said.values())
    assert "the runs of `decay_longer`, of which 12 seeds are registered" in said["S61c"]


def test_a_copy_of_recorded_evidence_under_another_name_is_refused(project: Path) -> None:
    """With it no headline found its study, and all of them said that nothing was recorded."""
    record(project, "decay")
    shutil.copytree(project / "evidence" / "decay", project / "evidence" / "decay-before")
    for command in ("results", "report"):
        answer = repro(project, command)
        assert "evidence/decay-before has evidence of the study decay;" in the_error(answer)


def test_what_a_killed_writer_left_is_not_taken_for_recorded_evidence(project: Path) -> None:
    record(project, "depth")
    before = told(project)
    shutil.copytree(project / "evidence" / "depth", project / "evidence" / ".writing-abc")
    assert told(project) == before


def test_a_decided_statement_has_its_effect_and_no_untested_difference(project: Path) -> None:
    record(
        project, "decay_longer", effects={"no_weight_decay": {"train_error_as_trained": 0.02, "held_out_error": 0.02}}
    )
    said = told(project)["S61c"]
    assert "the verdict is **supported**" in said
    assert re.search(r"\d\.\d\d points \[", said)
    assert "no verdict rests on" not in said
    (row,) = [row for row in recorded_results(project, project / "claims").headlines if row.statement.id == "S61c"]
    assert row.seeds == "6 + 6 of 12"  # decided at the first look


def test_a_headline_says_how_far_each_error_had_come_to_rest(project: Path) -> None:
    """The gate reads the held-out error alone: it fell by 0.01 of 0.41, the training error by 0.1 of 0.6."""
    curves = {
        "step": [10, 20, 30, 40, 50, 60, 70, 80],
        "learning_rate": [0.02] * 8,
        "held_out_error": [0.9, 0.8, 0.7, 0.6, 0.5, 0.5, 0.49, 0.49],
        "train_error": [0.9, 0.8, 0.7, 0.6, 0.4, 0.4, 0.3, 0.3],
    }
    record(project, "decay_longer", curves=curves)
    said = told(project)
    assert "the held-out error still fell by 2.4 % in no_weight_decay, 2.4 % in base" in said["S61c"]
    assert "the training error still fell by 16.7 % in no_weight_decay, 16.7 % in base" in said["S61c"]
    assert "still fell" not in said["S76"]


def test_an_undecided_statement_says_what_was_detectable_and_what_would_decide(project: Path) -> None:
    record(project, "decay_longer")
    said = told(project)["S61c"]
    assert "the verdict is **inconclusive**" in said
    assert "detectable (80 % power)" in said
    assert re.search(r"What would decide: .*needs \d+ seeds", said)


def test_a_shut_gate_is_named_and_what_the_runs_show_is_not_called_a_verdict(project: Path) -> None:
    record(project, "decay_longer", scalars={"no_weight_decay": {"decay_dose": 0.0}, "base": {"decay_dose": 0.0}})
    said = told(project)["S61c"]
    assert "**not evaluated**: gate dose" in said
    assert "Differences, which no verdict rests on" in said
    assert set(re.findall(r"\w+ less \w+", said)) == {"no_weight_decay less base"}


def test_an_untested_difference_is_that_of_the_means_and_each_arm_has_the_spread_of_its_runs(project: Path) -> None:
    record(
        project,
        "depth",
        scalars={"base": {"train_error": 0.9}},  # no net of it is trained
        effects={"remove_conv1": {"held_out_error": 0.02}, "remove_conv5": {"held_out_error": -0.01}},
    )
    said = told(project)["S12"]
    assert "Differences, which no verdict rests on" in said
    runs = load_evidence(project / "evidence" / "depth")
    errors = {name: [100 * run.scalar("held_out_error") for run in runs.of(name)] for name in runs.study.variants}
    less = [name for name in errors if name.startswith("remove_")]
    assert len(less) >= 4
    differences = re.findall(r"`held_out_error` (\w+) less base (\S+) points", said)
    assert differences == [(name, f"{fmean(errors[name]) - fmean(errors['base']):.2f}") for name in less]
    for name in ("base", *less):
        assert f"in {name} (12 seeds, sd {stdev(errors[name]):.2f})" in said


def test_one_run_has_no_spread(project: Path) -> None:
    record(project, "decay_longer", missing={name: range(41, 52) for name in ("no_weight_decay", "base")})
    said = told(project)["S61c"]
    assert set(re.findall(r"\(\d+ seeds?.*?\)", said)) == {"(1 seed)"}


def test_missing_seeds_are_the_first_thing_that_would_decide(project: Path) -> None:
    record(project, "decay_longer", missing={"no_weight_decay": range(46, 52)})
    assert "registered seeds that are missing (no_weight_decay 46 to 51)" in told(project)["S61c"]


def test_the_command_prints_the_headlines_in_80_columns(project: Path) -> None:
    record(project, "decay_longer")
    answer = did(project, "results").out
    assert "decay_longer (24 runs)" in answer
    for name in load_headline(CLAIMS / HEADLINE_FILE, REGISTRY):
        assert re.search(rf"^{name} ", answer, flags=re.MULTILINE)
    assert max(map(len, headline_lines(recorded_results(project, project / "claims")))) <= 80


def test_an_unknown_statement_or_study_among_the_headlines_is_named(project: Path) -> None:
    path = project / "claims" / HEADLINE_FILE
    raw = yaml.safe_load(path.read_text())
    raw["statements"]["S999"] = raw["statements"].pop("S12")
    path.write_text(yaml.safe_dump(raw))
    with pytest.raises(UserError, match="there is no statement S999"):
        recorded_results(project, project / "claims")
    raw["statements"].pop("S999")
    raw["statements"]["S90"]["study"] = "nowhere"
    path.write_text(yaml.safe_dump(raw))
    with pytest.raises(UserError, match="nowhere"):
        recorded_results(project, project / "claims")

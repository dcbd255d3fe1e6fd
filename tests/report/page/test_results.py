"""The results page, the README's table and its picture are what the recorded evidence says today."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from repro.errors import UserError
from repro.evidence.directory import load_evidence
from repro.report.figures.kernels.plate import kernel_plate
from repro.report.page.results import PAGE, PICTURE, README, picture, readme_with, write_results
from repro.verdicts.registry.registry import load_registry
from repro.verdicts.telling.headline import HEADLINE_FILE, Recorded, headline_lines, load_headline, recorded_results
from repro.verdicts.telling.results_page import results_page
from tests.made_up import MadeUp
from tests.project_copy import ROOT, copy_project
from tests.small_project import did

CLAIMS = ROOT / "claims"
REGISTRY = load_registry(CLAIMS / "statements.yaml")
AGAIN = "run `make docs`"


@pytest.fixture(scope="module")
def recorded() -> Recorded:
    return recorded_results(ROOT, CLAIMS)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project without any recorded evidence."""
    root = copy_project(tmp_path / "project", {})
    shutil.copy(ROOT / README, root / README)
    return root


def record(root: Path, study: str, **made: Any) -> None:
    """Made-up evidence of a study, registered as its file says."""
    text = yaml.safe_load((root / "studies" / f"{study}.yaml").read_text())
    named = {name: REGISTRY.digest(name) for name in text["family"]}
    known = {"study": study, "family": text["family"], "looks": text.get("looks", "fixed"), "registry": named}
    MadeUp(**{**known, "registered": {}, "seeds": text["seeds"], "variants": text["variants"], **made}).write(
        root / "evidence" / study
    )


def told(root: Path) -> dict[str, str]:
    """What the page of a project says of each headline statement, on one line."""
    page = results_page(recorded_results(root, root / "claims"))
    parts = re.split(r"^### (S\d\d[a-f]?): ", page.partition("## Evidence")[0], flags=re.MULTILINE)[1:]
    return {name: " ".join(text.split()) for name, text in zip(parts[::2], parts[1::2], strict=True)}


# ---- what stands in git ----------------------------------------------------------------------------


def test_the_committed_page_is_current(recorded: Recorded) -> None:
    assert (ROOT / PAGE).read_text() == results_page(recorded), AGAIN


def test_the_readme_shows_todays_table(recorded: Recorded) -> None:
    text = (ROOT / README).read_text()
    assert readme_with(text, recorded) == text, AGAIN


def test_the_committed_picture_shows_the_recorded_kernels(recorded: Recorded) -> None:
    with Image.open(ROOT / PICTURE) as committed:
        shown = np.asarray(committed.convert("RGB"))
    assert np.array_equal(shown, picture(recorded)), AGAIN
    assert (ROOT / PICTURE).stat().st_size < 200_000


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
    assert "no_weight_decay less base" in said


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


# ---- README and picture ----------------------------------------------------------------------------


def test_what_is_written_again_is_the_same_and_nothing_else_of_the_readme_changes(project: Path) -> None:
    record(project, "towers")
    written = [path.read_bytes() for path in write_results(project)]
    assert [path.read_bytes() for path in write_results(project)] == written
    before, after = (text.partition("<!-- results")[0] for text in ((ROOT / README).read_text(), written[1].decode()))
    assert before == after


def test_a_readme_without_marks_is_told(project: Path) -> None:
    with pytest.raises(UserError, match=r"README\.md has no line"):
        readme_with("nothing", recorded_results(project, project / "claims"))


def test_the_picture_has_both_kinds_of_net_and_of_the_registered_seeds_the_first(project: Path) -> None:
    record(project, "towers")
    whole = kernel_plate(load_evidence(project / "evidence" / "towers"))
    record(project, "towers", missing={name: range(26, 32) for name in ("base", "dense")})
    first = kernel_plate(load_evidence(project / "evidence" / "towers"))
    assert whole is not None
    assert np.array_equal(whole, first)
    record(project, "towers", variants=["base"])
    alone = kernel_plate(load_evidence(project / "evidence" / "towers"))
    assert alone is not None
    assert alone.shape[1] < whole.shape[1] / 1.8


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


def test_make_reproduce_shows_them_before_it_trains() -> None:
    recipe = (ROOT / "Makefile").read_text().partition("\nreproduce:")[2].partition("\n\n")[0]
    assert 0 < recipe.index("repro results") < recipe.index("dvc repro")

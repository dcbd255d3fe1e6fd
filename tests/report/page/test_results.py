"""The README's table and its picture are what the recorded evidence says today."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from repro.errors import UserError
from repro.evidence.directory import load_evidence
from repro.report.figures.kernels.plate import kernel_plate
from repro.report.page.results import PICTURE, README, picture, readme_with, write_results
from repro.verdicts.telling.headline import Recorded, recorded_results
from tests.project_copy import ROOT
from tests.recorded import CLAIMS, nothing_recorded, record

AGAIN = "run `make docs`"


@pytest.fixture(scope="module")
def recorded() -> Recorded:
    return recorded_results(ROOT, CLAIMS)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return nothing_recorded(tmp_path / "project")


# ---- what stands in git ----------------------------------------------------------------------------


def test_the_readme_shows_todays_table(recorded: Recorded) -> None:
    text = (ROOT / README).read_text()
    assert readme_with(text, recorded) == text, AGAIN


def test_the_committed_picture_shows_the_recorded_kernels(recorded: Recorded) -> None:
    with Image.open(ROOT / PICTURE) as committed:
        shown = np.asarray(committed.convert("RGB"))
    assert np.array_equal(shown, picture(recorded)), AGAIN
    assert (ROOT / PICTURE).stat().st_size < 200_000


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


def test_make_reproduce_shows_them_before_it_trains() -> None:
    recipe = (ROOT / "Makefile").read_text().partition("\nreproduce:")[2].partition("\n\n")[0]
    assert 0 < recipe.index("repro results") < recipe.index("dvc repro")

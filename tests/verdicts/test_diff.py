"""`repro diff`: which verdicts two evidences or two files of verdicts do not share, and why."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from repro.errors import UserError
from repro.evidence.difference import difference, evidence_digest
from repro.evidence.directory import load_evidence
from repro.files import read_json, write_json
from repro.verdicts.judging import judged_from
from repro.verdicts.judging.ledger import make_ledger
from repro.verdicts.registry.registry import Registry
from repro.verdicts.telling.diff import Change, VerdictDiff, verdict_diff
from repro.verdicts.telling.diff_text import print_diff
from repro.verdicts.telling.markdown import write_verdicts
from tests.made_up import MadeUp
from tests.small_project import did, repro, the_error

ROOT = Path(__file__).resolve().parents[2]
CLAIMS = ROOT / "claims"
FAMILY = ("S61b", "S61c")
Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def made(registry: Registry) -> MadeUp:
    """Weight decay lowers the training error, and every run is there."""
    return MadeUp(
        study="decay",
        family=FAMILY,
        registry={name: registry.digest(name) for name in FAMILY},
        registered={},
        variants=("base", "no_weight_decay"),
        seeds=range(6),
        effects={"no_weight_decay": {"train_error_as_trained": 0.03, "held_out_error": 0.05}},
    )


@pytest.fixture(scope="module")
def whole(made: MadeUp, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made.write(tmp_path_factory.mktemp("whole") / "decay")


@pytest.fixture(scope="module")
def lacking(made: MadeUp, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Without one run, so that nothing on weight decay can be judged."""
    made = replace(made, missing={"no_weight_decay": [5]})
    return made.write(tmp_path_factory.mktemp("lacking") / "decay")


@pytest.fixture(scope="module")
def judged(whole: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The verdicts on the whole evidence as a file."""
    return _judged(CLAIMS, whole, tmp_path_factory.mktemp("judged") / "verdicts.json")


def _judged(claims: Path, evidence: Path, target: Path) -> Path:
    write_verdicts(target, make_ledger(claims, [evidence]))
    return target


def _change(found: VerdictDiff, statement: str) -> Change:
    (change,) = [change for change in found.changes if change.row.id == statement]
    return change


def _verdicts(change: Change) -> tuple[str | None, str | None]:
    return change.before and change.before.verdict, change.after and change.after.verdict


def _why(change: Change) -> list[tuple[str, str]]:
    return [(why.cause, why.sentence) for why in change.why]


def _other_claims(folder: Path, name: str, old: str, new: str) -> Path:
    shutil.copytree(CLAIMS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    text = (folder / name).read_text()
    assert text.count(old) == 1
    (folder / name).write_text(text.replace(old, new))
    return folder


def _edited(judged: Path, target: Path, edit: Callable[[Rows], None]) -> Path:
    rows = read_json(judged)
    edit(rows)
    write_json(target, rows)
    return target


def _row(rows: Rows, statement: str) -> dict[str, Any]:
    return next(row for row in rows if row["id"] == statement)


# ---- two evidences ---------------------------------------------------------------------------------------


def test_an_added_run_flips_a_verdict(lacking: Path, whole: Path) -> None:
    found = verdict_diff(CLAIMS, lacking, whole)
    change = _change(found, "S61c")
    assert _verdicts(change) == ("not_evaluated", "supported")
    assert _why(change) == [("evidence", "runs added: no_weight_decay 5")]
    backwards = _change(verdict_diff(CLAIMS, whole, lacking), "S61c")
    assert _verdicts(backwards) == ("supported", "not_evaluated")
    assert _why(backwards) == [("evidence", "runs removed: no_weight_decay 5")]


def test_the_same_evidence_changes_nothing(whole: Path, tmp_path: Path) -> None:
    again = shutil.copytree(whole, tmp_path / "copy")
    study = read_json(again / "study.json")
    write_json(again / "study.json", {**study, "created": "2027-01-01T00:00:00Z", "git_commit": "0" * 40})
    found = verdict_diff(CLAIMS, whole, again)
    assert found.changes == ()
    assert found.unchanged == len(make_ledger(CLAIMS, [whole]).entries)
    assert not found.evidence


def test_other_numbers_of_the_same_runs_are_told(made: MadeUp, whole: Path, tmp_path: Path) -> None:
    other = replace(made, effects={}).write(tmp_path / "decay")
    change = _change(verdict_diff(CLAIMS, whole, other), "S61c")
    assert _verdicts(change) == ("supported", "inconclusive")
    assert _why(change) == [("evidence", "other numbers of the same runs: no_weight_decay 0-5")]


def test_evidence_may_change_without_any_verdict(made: MadeUp, whole: Path, tmp_path: Path) -> None:
    other = replace(made, scalars={"base": {"parameters": 100_001}}).write(tmp_path / "decay")
    found = verdict_diff(CLAIMS, whole, other)
    assert found.changes == ()
    assert found.evidence is not None
    assert found.evidence.changed == {"base": (0, 1, 2, 3, 4, 5)}


def test_what_was_measured_besides_is_no_other_number(whole: Path, made: MadeUp, tmp_path: Path) -> None:
    more = replace(made, scalars={"base": {"measured_since": 1.0}}).write(tmp_path / "decay")
    found = difference(load_evidence(whole), load_evidence(more))
    assert (found.changed, found.measured) == ({}, {"base": (0, 1, 2, 3, 4, 5)})


def test_a_change_in_the_studys_other_runs_or_record_is_told(made: MadeUp, whole: Path, tmp_path: Path) -> None:
    other = replace(made, family=("S61c", "S61b", "S85"), seeds=range(7)).write(tmp_path / "decay")
    found = difference(load_evidence(whole), load_evidence(other))
    assert found.study == ("seeds", "family")
    assert found.added == {"base": (6,), "no_weight_decay": (6,)}


def test_other_settings_are_other_runs_under_the_same_seeds(made: MadeUp, whole: Path) -> None:
    other = replace(made, settings={"weight_decay": 0.001}).evidence()
    found = difference(load_evidence(whole), other)
    assert set(found.replaced) == {"base", "no_weight_decay"}
    assert (found.added, found.removed, found.changed) == ({}, {}, {})


def test_the_digest_of_evidence_follows_every_number_and_array(whole: Path) -> None:
    evidence = load_evidence(whole)
    digest = evidence_digest(evidence)
    name, value = next(iter(evidence.arrays.items()))
    evidence.arrays[name] = np.bitwise_not(value) if value.dtype == np.uint8 else value + 1
    assert evidence_digest(evidence) != digest
    assert evidence_digest(load_evidence(whole)) == digest


# ---- files of verdicts -----------------------------------------------------------------------------------


def test_evidence_and_the_file_of_its_verdicts_are_the_same(whole: Path, judged: Path) -> None:
    found = verdict_diff(CLAIMS, judged, whole)
    assert found.changes == ()
    assert found.evidence is None


def test_a_changed_entry_of_the_registry_is_told(whole: Path, judged: Path, tmp_path: Path) -> None:
    """The runs were created under the earlier entry, so that what they decide is exploratory under the new one."""
    seeds = "      minimum_n: 3\n  - id: S62\n"
    claims = _other_claims(tmp_path / "claims", "statements.yaml", seeds, seeds.replace("3", "4"))
    after = _judged(claims, whole, tmp_path / "after.json")
    change = _change(verdict_diff(CLAIMS, judged, after), "S61c")
    assert _verdicts(change) == ("supported", "supported")
    assert change.after is not None
    assert "exploratory" in change.after.flags
    assert _why(change) == [("registry", "the entry of S61c changed")]


def test_changed_code_is_told_where_nothing_else_changed(whole: Path, judged: Path, tmp_path: Path) -> None:
    claims = _other_claims(tmp_path / "claims", "test_0_abstract.py", "60 * MILLION", "70 * MILLION")
    after = _judged(claims, whole, tmp_path / "after.json")
    found = verdict_diff(CLAIMS, judged, after)
    assert [change.row.id for change in found.changes] == ["S04"]
    assert _verdicts(found.changes[0]) == ("supported", "contradicted")
    assert _why(found.changes[0]) == [("code", "neither the evidence nor the registry changed")]


def test_files_of_verdicts_tell_that_the_evidence_changed(lacking: Path, judged: Path, tmp_path: Path) -> None:
    before = _judged(CLAIMS, lacking, tmp_path / "before.json")
    change = _change(verdict_diff(CLAIMS, before, judged), "S61c")
    assert _why(change) == [("evidence", "no seeds before, 6 + 6 seeds now")]


def test_another_entry_of_the_registry_may_be_the_cause(judged: Path, tmp_path: Path) -> None:
    def edit(rows: Rows) -> None:
        _row(rows, "S61b")["judged_from"]["entry"] = "another"
        _row(rows, "S61c")["verdict"] = "inconclusive"

    change = _change(verdict_diff(CLAIMS, judged, _edited(judged, tmp_path / "after.json", edit)), "S61c")
    ((cause, told),) = _why(change)
    assert cause == "registry"
    assert told.endswith("others did, which may share its level: S61b")


def test_the_papers_numbers_in_the_registry_may_be_the_cause(judged: Path, tmp_path: Path) -> None:
    def edit(rows: Rows) -> None:
        for row in rows:
            row["judged_from"]["printed"] = "another"
        _row(rows, "S26")["verdict"] = "contradicted"

    change = _change(verdict_diff(CLAIMS, judged, _edited(judged, tmp_path / "after.json", edit)), "S26")
    assert _why(change) == [("registry", "the numbers that it has from the paper changed")]


def test_rows_of_an_earlier_version_do_not_say_what_they_were_judged_from(judged: Path, tmp_path: Path) -> None:
    def edit(rows: Rows) -> None:
        for row in rows:
            del row["judged_from"]
        _row(rows, "S61c")["verdict"] = "inconclusive"

    before = _edited(judged, tmp_path / "before.json", edit)
    found = verdict_diff(CLAIMS, before, judged)
    assert [change.row.id for change in found.changes] == ["S61c"]
    ((cause, told),) = _why(found.changes[0])
    assert cause == "not recorded"
    assert str(before) in told


def test_a_statement_that_only_one_side_has_is_a_change(judged: Path, tmp_path: Path) -> None:
    after = _edited(judged, tmp_path / "after.json", lambda rows: rows.remove(_row(rows, "S04")))
    (change,) = verdict_diff(CLAIMS, judged, after).changes
    assert _verdicts(change) == ("supported", None)
    assert _why(change) == [("registry", f"only {judged} has the statement")]


# ---- what is no evidence ---------------------------------------------------------------------------------


def test_evidences_of_different_studies_are_not_compared(made: MadeUp, whole: Path, tmp_path: Path) -> None:
    other = replace(made, study="towers").write(tmp_path / "towers")
    with pytest.raises(UserError, match=r"on decay, .* on towers; a verdict is about one study"):
        verdict_diff(CLAIMS, whole, other)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "does not exist"),
        ("[{", "is not valid JSON"),
        ('{"study": "decay"}', "is no list of verdicts"),
        ("[1]", "is no list of verdicts"),
        ('[{"id": "S04"}]', "verdict 1: study is missing"),
    ],
)
def test_files_that_are_no_verdicts_are_one_error(content: str | None, said: str, judged: Path, tmp_path: Path) -> None:
    path = tmp_path / "verdicts.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UserError, match=said):
        verdict_diff(CLAIMS, judged, path)


# ---- the command -----------------------------------------------------------------------------------------


def _process(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """`repro ARGUMENTS` in a process of its own, which says at its end whether torch was imported."""
    program = (
        "import sys; from repro.cli import main\ntry: main()\nfinally: print('torch' in sys.modules, file=sys.stderr)"
    )
    return subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_the_command_exits_1_where_verdicts_changed(lacking: Path, whole: Path) -> None:
    done = _process("diff", lacking, whole)
    assert done.returncode == 1
    assert done.stderr.split() == ["False"]
    assert "S61c" in done.stdout
    assert "not evaluated → supported" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    told = repro(ROOT, "diff", str(lacking), str(whole), "--json")
    assert told.code == 1
    change = next(change for change in json.loads(told.out)["changes"] if change["id"] == "S61c")
    assert (change["before"]["verdict"], change["after"]["verdict"]) == ("not_evaluated", "supported")
    assert change["why"] == [{"cause": "evidence", "told": "runs added: no_weight_decay 5"}]


def test_the_command_exits_0_where_nothing_changed_and_2_where_there_is_no_evidence(
    whole: Path, tmp_path: Path
) -> None:
    assert "No verdicts changed" in did(ROOT, "diff", str(whole), str(whole)).out
    answer = repro(ROOT, "diff", str(whole), str(tmp_path))
    assert f"{tmp_path / 'study.json'} does not exist" in the_error(answer)
    assert len(answer.err.splitlines()) == 1


@pytest.mark.parametrize("columns", [40, 60, 100])
def test_the_table_loses_nothing_in_a_narrow_terminal(columns: int, lacking: Path, whole: Path) -> None:
    stream = io.StringIO()
    console = Console(file=stream, width=columns, force_terminal=True, color_system=None, highlight=False)
    print_diff(verdict_diff(CLAIMS, lacking, whole), console)
    text = stream.getvalue()
    assert max(map(len, text.splitlines())) <= columns
    assert "…" not in text
    words = text.split()
    for word in ("S61c", "supported", "added:", "no_weight_decay"):
        assert word in words


def test_verdicts_have_their_colours_and_one_that_only_one_side_has_is_told(judged: Path, tmp_path: Path) -> None:
    def changed(rows: Rows) -> None:
        rows.remove(_row(rows, "S61c"))
        _row(rows, "S61b")["verdict"] = "contradicted"
        _row(rows, "S04")["verdict"] = None

    stream = io.StringIO()
    console = Console(file=stream, width=400, force_terminal=True, color_system="standard", highlight=False)
    print_diff(verdict_diff(CLAIMS, judged, _edited(judged, tmp_path / "other.json", changed)), console)
    text = stream.getvalue()
    green, red, yellow = "\x1b[32m", "\x1b[31m", "\x1b[33m"
    line = {name: line for line in text.splitlines() for name in ("S61c", "S61b", "S04") if line.startswith(name)}
    assert f"{green}supported" in line["S61c"]
    assert f"{yellow}no such verdict" in line["S61c"]
    assert f"{green}supported" in line["S61b"]
    assert f"{red}contradicted" in line["S61b"]
    assert f"{green}supported" in line["S04"]
    assert f"{yellow}no claim yet" in line["S04"]


@pytest.mark.parametrize(
    ("edited", "noticed"),
    [
        ("measurement/metrics/errors.yaml", True),
        ("measurement/declared.py", True),
        ("verdicts/registry/metrics.py", True),
        ("measurement/predictions/errors.py", False),
    ],
)
def test_the_digest_of_the_code_notices_what_decides_how_a_metric_is_read(
    edited: str, noticed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "repro"
    shutil.copytree(judged_from.PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(judged_from, "PACKAGE", package)
    before = judged_from.code_digest(CLAIMS)
    (package / edited).write_text((package / edited).read_text() + "\n")
    assert (judged_from.code_digest(CLAIMS) != before) == noticed

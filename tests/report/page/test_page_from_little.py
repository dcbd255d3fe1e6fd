"""The page from incomplete evidence, shut gates and broken verdicts: what is there is shown, and nothing made up."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from repro.errors import UserError
from repro.evidence.directory import load_evidence, write_evidence
from repro.report.page.page import write_report
from repro.verdicts.judging.ledger import make_ledger
from tests.report.made_up_study import (
    ROOT,
    VARIANTS,
    arrays_of,
    collapsed_run,
    made_up_study,
    run_record,
)
from tests.report.reading import Page, plain
from tests.report.rendered import REGISTRY, ROWS, page, verdicts_shown


def no_live_kernels() -> Any:
    evidence = made_up_study()
    for name, value in evidence.arrays.items():
        if name.endswith("live"):
            value[:] = False
    return evidence


def without_arrays(*parts: str) -> Any:
    """The study without the arrays whose names hold one of these."""
    evidence = made_up_study()
    for name in [name for name in evidence.arrays if any(part in name for part in parts)]:
        del evidence.arrays[name]
    return evidence


def nothing_is_a_number() -> Any:
    names = run_record("base", 10).scalars
    runs = [
        run_record(variant, seed, scalars=dict.fromkeys(names, value))
        for variant in VARIANTS
        for seed, value in ((10, None), (11, float("nan")), (12, float("inf")))
    ]
    for run in runs:
        for values in run.curves.values():
            values[:] = [None] * 6 + [float("nan")] * 6
    return made_up_study(runs)


INCOMPLETE = {
    "no runs at all": lambda: made_up_study([], arrays={}),
    "no arrays": lambda: made_up_study(arrays={}),
    "no responses to patches": lambda: without_arrays("chroma_response", "points", "input_vector"),
    "no kernels along training": lambda: without_arrays("points", "input_vector"),
    "no dense variant": lambda: made_up_study(variants=("base", "no_weight_decay")),
    "only the base, one seed": lambda: made_up_study(variants=("base",), seeds=(3,)),
    "a seed missing": lambda: made_up_study([run_record(v, s) for v in VARIANTS for s in (10, 11)]),
    "all base runs collapsed": lambda: made_up_study([collapsed_run("base", seed) for seed in (10, 11, 12)]),
    "1200 classes": lambda: made_up_study(classes=1200, class_names=tuple(f"class {k}" for k in range(1200))),
    "no live kernels": no_live_kernels,
    "nothing is a number": nothing_is_a_number,
    "no curves": lambda: made_up_study([run_record(v, 10, curves={}) for v in VARIANTS]),
    "two kernels": lambda: made_up_study(
        runs := [run_record("base", 10)], arrays=arrays_of(runs, count=2, side=3, dead=0)
    ),
    "bare record": lambda: made_up_study(
        data={}, machine={}, versions={}, settings={}, deviations={}, git_commit=None, family=()
    ),
}


@pytest.mark.parametrize("name", INCOMPLETE)
def test_incomplete_evidence_still_gives_a_page(name: str) -> None:
    read = page(INCOMPLETE[name]())
    for row in ROWS:
        assert plain(row["statement"]) in read.text
    said_by_gates = re.compile(r"gate [a-z_]+: [^.]* is (nan|inf)")
    assert not re.search(r"\b(nan|None|inf)\b", said_by_gates.sub("", read.text))


def test_class_names_beyond_forty_are_counted() -> None:
    assert "and 1,160 more" in page(INCOMPLETE["1200 classes"]()).text


def test_collapsed_runs_are_listed_with_their_reason() -> None:
    runs = [collapsed_run("dense", 11), *(run_record("base", seed) for seed in (10, 11, 12))]
    text = page(made_up_study(runs)).text
    assert "dense, seed 11 collapsed: final training loss 2.4841 is at least 0.95 of ln(12)" in text


def gates_of(evidence: Any) -> dict[str, list[tuple[str, str]]]:
    """By gate, in the order of the page: open, shut or not read, and what is said of it."""
    text = page(evidence).text
    section = text[text.index("Gates Before any number") : text.index("Statement by statement")]
    parts = re.split(r"[?] (" + "|".join(type(REGISTRY.gates).model_fields).replace("_", " ") + ") ", section)
    return {
        name.replace(" ", "_"): re.findall(r"[●✕○] (open|shut|not read) (.*?For [^●✕○?]*)", said)
        for name, said in zip(parts[1::2], parts[2::2], strict=True)
    }


def test_gates_say_open_shut_and_not_read_and_for_which_statements() -> None:
    whole = gates_of(made_up_study())
    states = [state for readings in whole.values() for state, _ in readings]
    assert set(states) == {"open"}
    assert list(whole) == [name for name in type(REGISTRY.gates).model_fields if name in whole], "the registry's order"
    (both,) = whole["both_kinds"]
    assert "colour-specific, inside 20% to 80%. For S76, S77, S78" in both[1]
    assert "For S79" not in both[1], "which has another gate"
    untrained = made_up_study([run_record(v, s, scalars={"train_error": 0.7}) for v in VARIANTS for s in (10, 11, 12)])
    (trained, *_) = gates_of(untrained)["trained"]
    assert trained[0] == "shut"
    assert "3 of 3 runs of remove_conv1 are untrained (training error not below 45.8 %, or collapsed)" in trained[1]
    moved = gates_of(INCOMPLETE["a seed missing"]())["kernels_moved"]
    assert {state for state, _ in moved} == {"not read"}
    assert any("Missing runs: base seed 12; dense seed 12" in said for _, said in moved)
    moved = gates_of(no_live_kernels())["kernels_moved"]
    assert {state for state, _ in moved} == {"shut"}
    assert any("tower 0 has no live kernel" in said for _, said in moved)


def test_a_gate_has_a_row_for_each_distinct_reading() -> None:
    stuck = [run_record("remove_conv1", seed, scalars={"train_error": 0.7}) for seed in (10, 11, 12)]
    rest = [run_record(v, s) for v in VARIANTS if v != "remove_conv1" for s in (10, 11, 12)]
    readings = gates_of(made_up_study([*stuck, *rest]))["trained"]
    assert [state for state, _ in readings] == ["shut", "open"]
    assert "For S12" in readings[0][1]
    assert "S90" in readings[1][1], "which does not compare that variant"
    assert "S12" not in readings[1][1]


def _reason(statement: str) -> str:
    return str(next(row["reason"] for row in ROWS if row["id"] == statement))


BROKEN: dict[str, tuple[Any, str]] = {
    "not a list": ({"S01": {}}, "must be a list of objects, not dict"),
    "not objects": (["S01"], "entry 1 is str"),
    "a key missing": ([{k: v for k, v in ROWS[0].items() if k != "reason"}], r"entry 1 \(S01\) lacks reason"),
    "unknown verdict": ([{**ROWS[0], "verdict": "true"}], "verdict 'true'; allowed: supported"),
    "twice": ([ROWS[1], ROWS[1]], "S02 on smoke stands there twice"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_verdicts_are_a_users_error(name: str, tmp_path: Path) -> None:
    rows, message = BROKEN[name]
    with pytest.raises(UserError, match=message):
        write_report(tmp_path / "report.html", made_up_study(), rows, REGISTRY)
    assert list(tmp_path.iterdir()) == []


def test_the_projects_own_verdicts_on_written_evidence_give_a_page(tmp_path: Path) -> None:
    made = made_up_study()
    study = {key: list(value) if isinstance(value, tuple) else value for key, value in vars(made.study).items()}
    write_evidence(tmp_path / "evidence", study, map(vars, made.runs), made.facts, made.arrays)
    ledger = make_ledger(ROOT / "claims", [tmp_path / "evidence"])
    write_report(tmp_path / "report.html", load_evidence(tmp_path / "evidence"), ledger.as_json())
    read = Page((tmp_path / "report.html").read_text())
    shown = verdicts_shown(read)
    for entry in ledger.entries:
        assert shown[entry.statement.id] == (entry.verdict.outcome if entry.verdict else "no_claim_yet")


def test_a_place_that_cannot_be_written_is_a_users_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write"):
        write_report(tmp_path / "file" / "report.html", made_up_study(), ROWS, REGISTRY)

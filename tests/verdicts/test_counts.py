"""Counts of verdicts, apart by what they rest on: definitions, records, registered tests over runs, everything else."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from repro.verdicts.judging.ledger import Ledger, make_ledger
from repro.verdicts.registry.registry import Registry
from repro.verdicts.telling.summary import summary_lines
from repro.verdicts.telling.verdict_counts import counts_apart
from tests.made_up import MadeUp

CLAIMS = Path(__file__).resolve().parents[2] / "claims"
FAMILY = ("S61b", "S61c")


@pytest.fixture(scope="module")
def made(registry: Registry) -> MadeUp:
    """S61c is supported as it was registered, S61b follows it; S85 and others were not registered."""
    return MadeUp(
        family=FAMILY,
        registry={name: registry.digest(name) for name in FAMILY},
        registered={},
        variants=("base", "no_weight_decay"),
        seeds=range(8),
        effects={"no_weight_decay": {"train_error_as_trained": 0.03, "held_out_error": 0.05}},
    )


@pytest.fixture(scope="module")
def ledger(made: MadeUp, tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    return make_ledger(CLAIMS, [made.write(tmp_path_factory.mktemp("evidence") / "made")])


def test_what_was_registered_is_counted_apart_from_what_was_not(ledger: Ledger) -> None:
    counts = counts_apart(ledger, ledger.entries)
    assert list(counts) == ["as built", "on record", "by evidence", "exploratory"]
    assert counts["by evidence"] == {"supported": 2}
    assert counts["exploratory"]["supported"] > 0
    assert counts["exploratory"]["not evaluated"] > 0  # of what the study was never asked
    assert counts["as built"]["false as printed"] == sum(entry.known_erratum is not None for entry in ledger.registry)
    assert counts["on record"]["supported"] == 1  # S92, random weights


def test_every_judged_statement_is_counted_once(ledger: Ledger) -> None:
    judged = [entry for entry in ledger.entries if entry.standing == "judged"]
    assert sum(sum(counts.values()) for counts in counts_apart(ledger, ledger.entries).values()) == len(judged)


def test_a_repeat_in_the_family_registers_the_statement_that_it_repeats(made: MadeUp, tmp_path: Path) -> None:
    ledger = make_ledger(CLAIMS, [replace(made, family=("S89",)).write(tmp_path / "made")])
    assert ledger.in_family(ledger.find("S12", "made"))
    assert counts_apart(ledger, ledger.entries)["by evidence"] == {"not evaluated": 1}


def test_evidence_that_departs_from_what_was_registered_is_exploratory(made: MadeUp, tmp_path: Path) -> None:
    late = replace(made, registered={"seeds": [0, 1, 2]})
    ledger = make_ledger(CLAIMS, [late.write(tmp_path / "made")])
    counts = counts_apart(ledger, ledger.entries)
    assert "by evidence" not in counts
    assert counts["exploratory"]["supported"] >= 2


def test_several_studies_are_counted_apart_in_the_order_they_were_given(made: MadeUp, tmp_path: Path) -> None:
    folders = [replace(made, study=name).write(tmp_path / name) for name in ("second", "first")]
    ledger = make_ledger(CLAIMS, folders)
    assert list(counts_apart(ledger, ledger.entries)) == [
        "as built",
        *("on record, second", "on record, first"),
        *("by evidence, second", "by evidence, first"),
        *("exploratory, second", "exploratory, first"),
    ]


def test_without_evidence_statements_on_runs_are_not_evaluated() -> None:
    ledger = make_ledger(CLAIMS, [])
    counts = counts_apart(ledger, ledger.entries)
    assert list(counts) == ["as built", "on record", "by evidence"]
    assert list(counts["by evidence"]) == ["not evaluated"]


def test_the_summary_ends_with_the_counts_of_what_was_selected(ledger: Ledger) -> None:
    lines = [line for line, _ in summary_lines(ledger, {("S04", None), ("S13", None), ("S61c", "made")})]
    registry = ledger.registry
    untestable = sum(entry.untestable is not None for entry in registry)
    assert lines[-4:] == [
        "Verdicts, by what they rest on:",
        "  as built     1 supported, 1 false as printed",
        "  by evidence  1 supported",
        f"{len(registry.statements)} statements: {len(ledger.claims)} with a claim, "
        f"{len(registry.repeats)} repeat another, {untestable} untestable",
    ]


def test_a_statement_has_one_line_unless_its_words_are_asked_for(ledger: Ledger) -> None:
    selected = {("S04", None), ("S13", None), ("S61c", "made")}
    short, long = (
        [line for line, _ in lines]
        for lines in (summary_lines(ledger, selected), summary_lines(ledger, selected, verbose=True))
    )
    of_a_statement = [re.match(r"  (S\d\d[a-f]?) ", line) for line in short[: short.index("")]]
    assert [match and match[1] for match in of_a_statement if match] == ["S04", "S13", "S61c"]
    assert of_a_statement.count(None) == 3  # the headings of sections 1, 3 and 5
    assert max(map(len, long)) <= 80
    told = " ".join(" ".join(long).split())
    for name in ("S04", "S13", "S61c"):
        assert " ".join(ledger.registry[name].statement.split()) in told
        assert set(short) <= set(long)


def test_two_evidences_in_long_folders_keep_their_own_counts(made: MadeUp, tmp_path: Path) -> None:
    """Their labels are cut to the same text in 80 columns."""
    deep = tmp_path / "a-folder-with-a-long-name-that-is-cut-off"
    ledger = make_ledger(CLAIMS, [made.write(deep / "one"), made.write(deep / "two")])
    lines = [line for line, _ in summary_lines(ledger, {("S61c", study) for study in ledger.studies})]
    assert len([line for line in lines if line.startswith("  by evidence, made@")]) == 2
    assert max(map(len, lines)) <= 80

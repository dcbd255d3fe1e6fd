"""Verdicts as Markdown: counts apart, a table a study, and nothing in a text that breaks a table."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from repro.errors import UserError
from repro.verdicts.judging.ledger import Ledger, make_ledger
from repro.verdicts.registry.registry import Registry
from repro.verdicts.telling.markdown import markdown, write_verdicts
from tests.made_up import MadeUp

CLAIMS = Path(__file__).resolve().parents[2] / "claims"
UNESCAPED = r"(?<!\\)\|"


@pytest.fixture(scope="module")
def ledger(registry: Registry, tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    made = MadeUp(
        study="decay",
        family=("S61c",),
        registry={"S61c": registry.digest("S61c")},
        registered={},
        variants=("base", "no_weight_decay"),
        seeds=range(8),
        effects={"no_weight_decay": {"train_error_as_trained": 0.03}},
    )
    other = replace(made, study="other", variants=("base",))
    folder = tmp_path_factory.mktemp("evidence")
    return make_ledger(CLAIMS, [made.write(folder / "decay"), other.write(folder / "other")])


def _tables(text: str) -> dict[str, list[list[str]]]:
    """Cells of the tables' rows by heading."""
    tables: dict[str, list[list[str]]] = {}
    for line in text.splitlines():
        if line.startswith("#"):
            rows = tables.setdefault(line.lstrip("# "), [])
        elif line.startswith("|"):
            rows.append([cell.strip() for cell in re.split(UNESCAPED, line)[1:-1]])
    return tables


def test_counts_come_first_and_then_a_table_a_study(ledger: Ledger) -> None:
    tables = _tables(markdown(ledger))
    assert list(tables) == ["The paper's statements", "As built", "Study decay", "Study other", "Untestable"]
    head, _, *counts = tables["The paper's statements"]
    assert head == ["verdicts", "supported", "contradicted", "inconclusive", "not evaluated", "false as printed"]
    by_kind = {row[0]: row[1:] for row in counts}
    assert by_kind["by evidence, decay"] == ["1", "", "", "", ""]
    assert by_kind["as built"][-1] == str(sum(entry.known_erratum is not None for entry in ledger.registry))
    assert f"{len(ledger.registry.statements)} statements: {len(ledger.claims)} with a claim" in markdown(ledger)


def test_a_row_says_verdict_effect_seeds_the_papers_number_and_why(ledger: Ledger) -> None:
    head, _, *rows = _tables(markdown(ledger))["Study decay"]
    assert head == ["statement", "verdict", "effect", "seeds", "the paper", "flags, reason"]
    (row,) = [row for row in rows if row[0].startswith("**S61c**")]
    assert row[1] == "**supported**"
    assert re.fullmatch(r"\d\.\d\d points \[\d\.\d\d, \d\.\d\d\] at 95 %", row[2])
    assert row[3] == "8 + 8"
    assert row[5].startswith("*part tested, reduced scale*: ")
    assert "adjusted p" in row[5]
    (row,) = [row for row in rows if row[0].startswith("**S38**")]
    assert row[4] == ledger.registry["S38"].paper
    assert row[1:4] == ["**not evaluated**", "", ""]


def test_every_statement_stands_in_a_table_and_every_row_has_its_cells(ledger: Ledger) -> None:
    tables = _tables(markdown(ledger))
    assert {len(row) for rows in tables.values() for row in rows} == {6}
    named = {row[0].split()[0].strip("*") for rows in tables.values() for row in rows[2:]}
    assert {entry.id for entry in ledger.registry} <= named
    rows = sum(len(rows) - 2 for heading, rows in tables.items() if heading != "The paper's statements")
    assert rows == len(ledger.entries)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a | b", r"a \| b"),
        ("two\nlines\r\n\tand more", "two lines and more"),
        ("<script>&amp;", "&lt;script>&amp;amp;"),
        (r"C:\|x", r"C:\\\|x"),
        ("*loud* _quiet_ `code`", r"\*loud\* \_quiet\_ \`code\`"),
        ("no_weight_decay [0.1, 0.2]", "no_weight_decay [0.1, 0.2]"),
        ("[a](b)", r"[a\](b)"),
    ],
)
def test_no_text_breaks_the_table(text: str, written: str, ledger: Ledger) -> None:
    entry = ledger.find("S61c", "decay")
    assert entry.verdict is not None
    statement = entry.statement.model_copy(update={"statement": text})
    spoilt = replace(entry, statement=statement, verdict=replace(entry.verdict, reason=text, flags=frozenset()))
    *_, row = markdown(replace(ledger, entries=(spoilt,))).splitlines()
    assert row.startswith(f"| **S61c** {written} | **supported** |")
    assert row.endswith(f"| {written} |")


def test_statements_without_a_claim_or_evidence_are_there_too() -> None:
    tables = _tables(markdown(make_ledger(CLAIMS, [])))
    assert list(tables) == ["The paper's statements", "As built", "Without evidence", "Untestable"]


def test_the_ending_says_the_form(ledger: Ledger, tmp_path: Path) -> None:
    write_verdicts(tmp_path / "verdicts.md", ledger)
    write_verdicts(tmp_path / "verdicts.json", ledger)
    assert (tmp_path / "verdicts.md").read_text() == markdown(ledger)
    assert (tmp_path / "verdicts.json").read_text().startswith("[")
    for name in ("verdicts", "verdicts.html", ".md"):
        with pytest.raises(UserError, match=r"must end in \.json, for programs, or in \.md"):
            write_verdicts(tmp_path / name, ledger)
        assert not (tmp_path / name).exists()

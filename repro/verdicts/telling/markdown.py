"""Verdicts as Markdown, for a job's summary or a pull request: counts first, then a table a study."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from repro.errors import UserError
from repro.files import write_json, write_text
from repro.verdicts.judging.judged_from import verdict_rows
from repro.verdicts.judging.ledger import NO_EVIDENCE, Entry, Ledger
from repro.verdicts.judging.reasons import shown_estimate
from repro.verdicts.telling.verdict_counts import WORDS, counts_apart, outcome_in_words, standings

ENDINGS = (".json", ".md")
_HEAD = ("statement", "verdict", "effect", "seeds", "the paper", "flags, reason")


def check_ending(path: str | Path) -> None:
    """Raises UserError where a file's name ends in neither .json nor .md."""
    if Path(path).suffix.lower() not in ENDINGS:
        raise UserError(f"--verdicts {path}: the name must end in .json, for programs, or in .md, for Markdown")


def write_verdicts(path: str | Path, ledger: Ledger) -> None:
    """Write all verdicts, as JSON or as Markdown by the ending of the name. Raises UserError for another ending."""
    check_ending(path)
    if Path(path).suffix.lower() == ".md":
        write_text(path, markdown(ledger))
    else:
        write_json(path, verdict_rows(ledger))


def markdown(ledger: Ledger) -> str:
    """The verdicts on all statements, whatever was selected."""
    counts = counts_apart(ledger, ledger.entries)
    rows = [[name, *(str(outcomes[word] or "") for word in WORDS)] for name, outcomes in counts.items()]
    lines = ["# The paper's statements", "", *_table(("verdicts", *WORDS), rows), "", f"{standings(ledger.entries)}."]
    for heading, entries in _by_study(ledger):
        lines += ["", f"## {_inline(heading)}", "", *_table(_HEAD, map(_row, entries))]
    return "\n".join(lines) + "\n"


def _by_study(ledger: Ledger) -> list[tuple[str, list[Entry]]]:
    """The studies' tables in the order in which they were given, between definitions and what no data could decide."""
    headings: dict[str | None, str] = {
        None: "As built",
        NO_EVIDENCE: "Without evidence",
        **{name: f"Study {name}" for name in ledger.studies},
    }
    tables: dict[str, list[Entry]] = {heading: [] for heading in headings.values()}
    others: dict[str, list[Entry]] = {"Untestable": [], "No claim yet": []}
    for entry in ledger.entries:
        if entry.standing == "untestable":
            others["Untestable"].append(entry)
        elif entry.verdict is None:
            others["No claim yet"].append(entry)
        else:
            tables[headings[entry.study]].append(entry)
    return [(heading, entries) for heading, entries in {**tables, **others}.items() if entries]


def _row(entry: Entry) -> list[str]:
    verdict, statement = entry.verdict, entry.statement
    paper = statement.paper or ""
    head = f"**{statement.id}** {_inline(statement.statement)}"
    if verdict is None:
        return [head, "", "", "", _inline(paper), ""]
    effect = ""
    if verdict.finding is not None and verdict.estimate is not None:
        effect = shown_estimate(verdict, verdict.finding)
    flags = ", ".join(sorted(flag.replace("_", " ") for flag in verdict.flags))
    remark = f"*{flags}*: {_inline(verdict.reason)}" if flags else _inline(verdict.reason)
    seeds = " + ".join(map(str, verdict.n or ()))
    return [head, f"**{outcome_in_words(entry)}**", _inline(effect), seeds, _inline(paper), remark]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [_line(head), _line(["---"] * len(head)), *map(_line, rows)]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _inline(text: str) -> str:
    """Any text as it is, on one line of Markdown: nothing in it ends a cell, begins a tag or changes the type."""
    on_one_line = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;")
    return re.sub(r"([\\`*|~$]|(?<!\w)_|_(?!\w)|\](?=\())", r"\\\1", on_one_line)

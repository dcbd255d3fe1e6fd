"""The text of `repro diff`: the verdicts that changed, and why, for a person at a terminal."""

from __future__ import annotations

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from repro.verdicts.telling.diff import Change, Row, VerdictDiff, difference_in_words
from repro.verdicts.telling.explain_text import COLOURS

_ALL_COLUMNS = 64
"""Where the terminal has fewer, the reason stands below the verdict instead of beside it."""
_WITHOUT_MENTION = frozenset({"reduced_scale", "part_tested", "known_erratum"})
"""Flags that belong to the statement or its study; shown where they changed."""


def print_diff(difference: VerdictDiff, console: Console) -> None:
    """The changes as a table, and how many verdicts stayed; without trailing blanks where there is no terminal."""
    parts = _parts(difference, narrow=console.width < _ALL_COLUMNS)
    if console.is_terminal:
        console.print(*parts, sep="\n")
        return
    with console.capture() as captured:
        console.print(*parts, sep="\n")
    console.file.write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))


def _parts(difference: VerdictDiff, *, narrow: bool) -> list[RenderableType]:
    parts: list[RenderableType] = []
    if difference.evidence is not None:
        evidence = difference_in_words(difference.evidence)
        facts = "other facts about the program's nets" if difference.evidence.facts else ""
        said = "; ".join(part for part in (evidence, facts) if part)
        parts.append(Text(f"Evidence: {said}." if said else "Evidence: the same in all that is judged."))
    if difference.changes:
        parts.append(_table(difference, narrow=narrow))
    changed = len(difference.changes)
    parts.append(
        Text(f"{changed or 'No'} verdict{'' if changed == 1 else 's'} changed, {difference.unchanged} did not.")
    )
    return parts


def _table(difference: VerdictDiff, *, narrow: bool) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column("statement", no_wrap=True, min_width=5)
    table.add_column("verdict", overflow="fold")
    if not narrow:
        table.add_column("why", overflow="fold", ratio=1)
    several = len({change.row.study for change in difference.changes} - {None}) > 1
    for change in difference.changes:
        name = f"{change.row.id} {change.row.study}" if several and change.row.study else change.row.id
        why = Text("; ".join(f"{why.cause}: {why.sentence}" for why in change.why))
        verdict = _verdict(change)
        table.add_row(name, *([Group(verdict, why)] if narrow else [verdict, why]))
    return table


def _verdict(change: Change) -> Text:
    mentioned = _unlike(change)
    text = Text()
    for index, row in enumerate((change.before, change.after)):
        outcome = "" if row is None else row.verdict or ""
        text.append(" → " if index else "").append(_words(row, mentioned), COLOURS.get(outcome, "yellow"))
    return text


def _unlike(change: Change) -> frozenset[str]:
    """Flags to be shown: those that tell how far a verdict can be trusted, and whatever changed."""
    flags = [frozenset(row.flags) if row else frozenset() for row in (change.before, change.after)]
    return (flags[0] ^ flags[1]) | ((flags[0] | flags[1]) - _WITHOUT_MENTION)


def _words(row: Row | None, mentioned: frozenset[str]) -> str:
    if row is None:
        return "no such verdict"
    if row.verdict is None:
        return "no claim yet"
    flags = [flag.replace("_", " ") for flag in row.flags if flag in mentioned]
    word = row.verdict.replace("_", " ")
    return f"{word} ({', '.join(flags)})" if flags else word

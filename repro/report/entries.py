"""The verdicts as a reader meets them: by section of the paper, each with the picture of its evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from repro.errors import UserError
from repro.evidence.directory import Evidence
from repro.report import words
from repro.report.claim_pictures import effect_bar, evidence_strip
from repro.report.strips import Bar, Strip
from repro.verdicts.registry import Registry
from repro.verdicts.statement import Statement
from repro.verdicts.verdict import FLAGS

KEYS = (
    *("id", "section", "statement", "kind", "study", "verdict", "reason", "estimate", "interval", "p"),
    *("p_adjusted", "n", "detectable", "seeds_needed", "paper", "authors", "flags"),
)
VERDICTS = ("supported", "contradicted", "inconclusive", "not_evaluated", "untestable")
NO_CLAIM = "no_claim_yet"
SECTIONS = {
    "abstract": "Abstract",
    "1": "Introduction",
    "2": "The dataset",
    "3": "The architecture",
    "3.1": "ReLU nonlinearity",
    "3.2": "Training on multiple GPUs",
    "3.3": "Local response normalization",
    "3.4": "Overlapping pooling",
    "3.5": "Overall architecture",
    "4": "Reducing overfitting",
    "4.1": "Data augmentation",
    "4.2": "Dropout",
    "5": "Details of learning",
    "6": "Results",
    "6.1": "Qualitative evaluations",
    "7": "Discussion",
}
_REMARKS = {
    **FLAGS,
    "collapsed_runs": "some runs of its arms collapsed; they count with their real error",
    "below_threshold": "the towers differ more than dense halves, but less than the registered effect size",
    "claim_error": "the claim's own code failed",
}
_SAID_ELSEWHERE = frozenset({"known_erratum", "part_tested", "reduced_scale"})
"""Flags that the page shows in another way: the erratum and the part in words, the scale once for all."""


@dataclass(frozen=True)
class Remark:
    """A flag with what it means."""

    name: str
    meaning: str


@dataclass(frozen=True)
class Sources:
    """What the paper prints and what the authors' release logs."""

    paper: str | None
    authors: str | None
    file: str | None


@dataclass(frozen=True)
class Numbers:
    """A statistical verdict's numbers as text."""

    estimate: str
    interval: str
    n: str
    p: str
    p_adjusted: str
    detectable: str
    seeds_needed: str


@dataclass(frozen=True)
class StatementEntry:
    """One statement with its verdict on this study."""

    id: str
    section: str
    statement: str
    kind: str
    verdict: str
    reason: str
    numbers: Numbers | None
    sources: Sources
    remarks: tuple[Remark, ...]
    erratum: str | None
    part: str | None
    repeats: str | None
    tested_how: str | None
    strip: Strip | None
    bar: Bar | None
    unit: str | None
    in_family: bool


@dataclass(frozen=True)
class Section:
    """A section of the paper with its statements; those without a claim yet stand apart."""

    number: str
    title: str
    anchor: str
    entries: tuple[StatementEntry, ...]


def statement_entries(
    evidence: Evidence, verdicts: Sequence[Mapping[str, Any]], registry: Registry
) -> tuple[StatementEntry, ...]:
    """One entry a statement, in the order of `verdicts`; verdicts on other studies are left out.

    Raises UserError when `verdicts` is not what `pytest claims/ --verdicts FILE` writes.
    """
    name = evidence.study.study
    chosen: dict[str, Mapping[str, Any]] = {}
    for place, row in enumerate(_checked(verdicts), 1):
        known = chosen.get(row["id"])
        if known is not None and known["study"] == row["study"]:
            raise UserError(f"verdicts: entry {place}: {row['id']} on {row['study']} stands there twice")
        if known is None or _ours(row, name):
            chosen[row["id"]] = row
    return tuple(_entry(evidence, row, registry, name) for row in chosen.values())


def sections(entries: Sequence[StatementEntry]) -> tuple[Section, ...]:
    """Entries with a verdict, by section, sections in the order in which they come."""
    grouped: dict[str, list[StatementEntry]] = {}
    for entry in entries:
        if entry.verdict != NO_CLAIM:
            grouped.setdefault(entry.section, []).append(entry)
    order = {number: place for place, number in enumerate(SECTIONS)}
    numbers = sorted(grouped, key=lambda number: order.get(number, len(order)))
    return tuple(
        Section(
            number="" if number == "abstract" else number,
            title=SECTIONS.get(number, f"Section {number}"),
            anchor=f"section-{place}",
            entries=tuple(grouped[number]),
        )
        for place, number in enumerate(numbers)
    )


def counts(entries: Sequence[StatementEntry]) -> tuple[tuple[str, int], ...]:
    """(verdict, how many statements), those without a claim yet last; zeros too."""
    return tuple((name, sum(entry.verdict == name for entry in entries)) for name in (*VERDICTS, NO_CLAIM))


def _checked(verdicts: Any) -> list[Mapping[str, Any]]:
    again = "make the file again with `pytest claims/ --verdicts FILE`"
    if not isinstance(verdicts, list):
        raise UserError(f"verdicts must be a list of objects, not {type(verdicts).__name__}; {again}")
    for place, row in enumerate(verdicts, 1):
        if not isinstance(row, Mapping):
            raise UserError(f"verdicts: entry {place} is {type(row).__name__}, not an object; {again}")
        if missing := [key for key in KEYS if key not in row]:
            raise UserError(
                f"verdicts: entry {place} ({row.get('id', 'without id')}) lacks {', '.join(missing)}; {again}"
            )
        if row["verdict"] is not None and row["verdict"] not in VERDICTS:
            allowed = f"{', '.join(VERDICTS)} or null"
            raise UserError(
                f"verdicts: entry {place} ({row['id']}): verdict {row['verdict']!r}; "
                f"allowed: {allowed}; {again}"
            )
    return verdicts


def _ours(row: Mapping[str, Any], study: str) -> bool:
    return row["study"] is None or row["study"] == study


def _entry(evidence: Evidence, row: Mapping[str, Any], registry: Registry, study: str) -> StatementEntry:
    statement: Statement | None = registry.statements.get(row["id"])
    verdict, reason = row["verdict"] or NO_CLAIM, str(row["reason"] or "")
    if not _ours(row, study):
        row = {
            **row,
            **dict.fromkeys(("estimate", "interval", "p", "p_adjusted", "n", "detectable", "seeds_needed")),
        }
        verdict, reason = "not_evaluated", f"these verdicts hold no judgement of it on {study}"
    original = registry.statements.get(statement.repeats or statement.id) if statement else None
    test = original.test if original else None
    unit = getattr(test, "unit", None)
    repeats = statement.repeats if statement else None
    authors = row["authors"] if isinstance(row["authors"], Mapping) else {}
    flags = [flag for flag in row["flags"] or () if flag not in _SAID_ELSEWHERE]
    return StatementEntry(
        id=str(row["id"]),
        section=str(row["section"]),
        statement=str(row["statement"]),
        kind=str(row["kind"]),
        verdict=verdict,
        reason=reason,
        numbers=_numbers(row, unit),
        sources=Sources(row["paper"], authors.get("number"), authors.get("file")),
        remarks=tuple(Remark(words.named(flag), _REMARKS.get(flag, "")) for flag in flags),
        erratum=statement.known_erratum if statement else None,
        part=statement.part if statement else None,
        repeats=repeats,
        tested_how=None if repeats else getattr(test, "arms", None),
        strip=None if repeats else evidence_strip(evidence, test),
        bar=None if repeats else effect_bar(row, unit),
        unit=unit,
        in_family=row["id"] in evidence.study.family,
    )


def _numbers(row: Mapping[str, Any], unit: str | None) -> Numbers | None:
    """None for verdicts without statistics: a comparison's estimate stands in its reason."""
    if words.finite(row["p"]) is None and words.finite(row["p_adjusted"]) is None:
        return None
    return Numbers(
        estimate=words.quantity(row["estimate"], unit, plus=unit in ("points", "nats")),
        interval=words.interval(row["interval"], unit),
        n=words.replicates(row["n"]),
        p=words.probability(row["p"]),
        p_adjusted=words.probability(row["p_adjusted"]),
        detectable=words.quantity(row["detectable"], unit),
        seeds_needed=words.count(row["seeds_needed"]),
    )

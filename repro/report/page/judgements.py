"""One verdict as a reader meets it: its numbers, what they rest on in figures, and what would decide it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from repro.evidence.directory import Evidence
from repro.report.cases.case import Case
from repro.report.cases.choices import Rules
from repro.report.cases.rows import NO_CLAIM, Row
from repro.report.drawing import words
from repro.report.figures.claims.choice_strip import ChoiceStrip, choice_strip
from repro.report.figures.claims.claim_figures import ClaimFigure, claim_figures
from repro.report.figures.claims.comparison_table import ComparisonTable, comparison_table
from repro.report.figures.retrieval.figure import RetrievalFigure
from repro.verdicts.finding import percent
from repro.verdicts.registry.gate_rules import Gates
from repro.verdicts.registry.statement import Statement
from repro.verdicts.telling.explain import FLAGS_MEAN, REMEDIES

SAID_ELSEWHERE = frozenset({"known_erratum", "part_tested", "reduced_scale"})
"""Flags that the page shows in another way: the erratum and the part in words, the scale once for all."""


@dataclass(frozen=True)
class Basis:
    """A row of verdicts with the evidence that it was judged on, neighbours of some of its pictures, and the rules of
    its study, which its verdict under other choices takes."""

    row: Row
    evidence: Evidence | None = None
    retrieval: RetrievalFigure | None = None
    rules: Rules | None = None


@dataclass(frozen=True)
class Remark:
    """A flag with what it means."""

    name: str
    meaning: str


@dataclass(frozen=True)
class Numbers:
    """A statistical verdict's numbers as text; None where the verdict has no such number."""

    estimate: str
    interval: str
    n: str
    p: str
    p_adjusted: str
    detectable: str | None
    seeds_needed: str | None


@dataclass(frozen=True)
class Judgement:
    """A verdict on one study; `study` is None where none was needed, `case` where it rests on no runs."""

    study: str | None
    anchor: str
    verdict: str
    reason: str
    numbers: Numbers | None
    decides: str | None
    remarks: tuple[Remark, ...]
    figures: tuple[ClaimFigure, ...]
    in_family: bool
    case: Case | None = None
    choices: ChoiceStrip | None = None

    @property
    def tabled(self) -> bool:
        """Whether its reason stands there as a table."""
        return any(isinstance(figure, ComparisonTable) for figure in self.figures)


def judgement(basis: Basis, statement: Statement | None, test: Any, gates: Gates, anchor: str) -> Judgement:
    """The judgement in a row; with figures where it has a study's evidence and repeats no other statement."""
    row, evidence = basis.row, basis.evidence
    unit = row.get("unit") or getattr(test, "unit", None)
    verdict = row["verdict"] or NO_CLAIM
    shown: tuple[ClaimFigure, ...] = ()
    case, difference = None, True
    if statement is not None and not statement.repeats:
        if table := comparison_table(row) if statement.scope in ("definition", "record") else None:
            shown = (table,)
        elif evidence is not None and row["study"] is not None:
            case = Case.as_judged(evidence, statement, gates, row)
            unit, difference, shown = case.unit, not case.levels, claim_figures(case, basis.retrieval)
    flags = [flag for flag in row["flags"] or () if flag not in SAID_ELSEWHERE]
    return Judgement(
        study=row["study"],
        anchor=anchor,
        verdict=verdict,
        reason=words.minus_signs(str(row["reason"] or "")),
        numbers=_numbers(row, unit, difference),
        decides=_decides(row, unit),
        remarks=tuple(Remark(words.named(str(flag)), _MEANINGS.get(flag, "")) for flag in flags),
        figures=shown,
        in_family=evidence is not None and row["id"] in evidence.study.family,
        case=case,
        choices=None if case is None or basis.rules is None else choice_strip(case, basis.rules),
    )


_MEANINGS: Mapping[str, str] = {**FLAGS_MEAN, "claim_error": "the claim's own code failed"}


def _numbers(row: Row, unit: str | None, difference: bool) -> Numbers | None:
    """None for verdicts without statistics: a comparison's estimate stands in its reason."""
    if words.finite(row["p"]) is None and words.finite(row["p_adjusted"]) is None:
        return None
    detectable = words.finite(row["detectable"])
    needed = words.finite(row["seeds_needed"]) if row["verdict"] == "inconclusive" else None
    return Numbers(
        estimate=words.quantity(row["estimate"], unit, plus=difference and unit in ("points", "nats")),
        interval=words.interval(row["interval"], unit) + _at_level(row),
        n=words.replicates(row["n"]),
        p=words.probability(row["p"]),
        p_adjusted=words.probability(row["p_adjusted"]),
        detectable=None if detectable is None else words.quantity(detectable, unit),
        seeds_needed=None if needed is None else words.count(needed),
    )


def _at_level(row: Row) -> str:
    """The interval's level of confidence; older files of verdicts do not say it."""
    confidence = words.finite(row.get("confidence"))
    return "" if confidence is None or row["interval"] is None else f" at {percent(confidence)}"


def _decides(row: Row, unit: str | None) -> str | None:
    """What it would take to decide; None where nothing is open."""
    said = row.get("what_would_decide")
    if isinstance(said, str) and said:
        return said
    if row["verdict"] == "not_evaluated":
        return REMEDIES.get(str(row.get("code") or _code(str(row["reason"]))))
    if row["verdict"] != "inconclusive":
        return None
    parts = []
    if (needed := words.finite(row["seeds_needed"])) is not None:
        parts.append(f"{needed:.0f} seeds an arm, for the effect that is registered")
    if (detectable := words.finite(row["detectable"])) is not None:
        parts.append(f"these runs would have found {words.quantity(detectable, unit)} with a power of 80 %")
    return "; ".join(parts) or None


def _code(reason: str) -> str:
    """Why it was not evaluated, for files that do not say it."""
    beginnings = {"gate ": "gate", "missing runs": "missing_runs", "no evidence": "missing_runs"}
    return next((code for start, code in beginnings.items() if reason.startswith(start)), "")

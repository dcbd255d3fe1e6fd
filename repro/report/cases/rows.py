"""The rows of a file of verdicts, checked: what `pytest claims/ --verdicts FILE` writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from repro.errors import UserError
from repro.evidence.difference import evidence_digest
from repro.evidence.directory import Evidence
from repro.verdicts.judging.judged_from import facts_read

Row = Mapping[str, Any]
KEYS = (
    *("id", "section", "statement", "kind", "study", "verdict", "reason", "estimate", "interval", "p"),
    *("p_adjusted", "n", "detectable", "seeds_needed", "paper", "authors", "flags", "code"),
)
"""Names that every row has; others may stand beside them."""
NUMBERS = ("estimate", "interval", "p", "p_adjusted", "n", "detectable", "seeds_needed")
VERDICTS = ("supported", "contradicted", "inconclusive", "not_evaluated", "untestable")
NO_CLAIM = "no_claim_yet"


def checked_rows(verdicts: Any) -> list[Row]:
    """The rows, in their order.

    Raises UserError when `verdicts` has another shape, or holds a statement twice on one study.
    """
    again = "make the file again with `pytest claims/ --verdicts FILE`"
    if not isinstance(verdicts, list):
        raise UserError(f"verdicts must be a list of objects, not {type(verdicts).__name__}; {again}")
    seen = set()
    for number, row in enumerate(verdicts, 1):
        if not isinstance(row, Mapping):
            raise UserError(f"verdicts: entry {number} is {type(row).__name__}, not an object; {again}")
        if missing := [key for key in KEYS if key not in row]:
            raise UserError(
                f"verdicts: entry {number} ({row.get('id', 'without id')}) lacks {', '.join(missing)}; {again}"
            )
        if row["verdict"] is not None and row["verdict"] not in VERDICTS:
            allowed = f"{', '.join(VERDICTS)} or null"
            raise UserError(
                f"verdicts: entry {number} ({row['id']}): verdict {row['verdict']!r}; allowed: {allowed}; {again}"
            )
        if (row["id"], row["study"]) in seen:
            raise UserError(f"verdicts: entry {number}: {row['id']} on {row['study']} stands there twice")
        seen.add((row["id"], row["study"]))
    return verdicts


def judged_on_other(rows: Sequence[Row], evidence: Evidence) -> bool:
    """Whether rows of a file of verdicts say that they were judged on other evidence of the study, or on other facts.

    Rows of earlier versions do not say on what they were judged, and are believed.
    """
    said = {(row["study"], (row.get("judged_from") or {}).get("evidence")) for row in rows}
    now = {evidence.study.study: evidence_digest(evidence), None: facts_read([evidence])}
    return any(digest not in (None, now[study]) for study, digest in said if study in now)


def rows_on(rows: list[Row], study: str) -> dict[str, Row]:
    """The row of each statement for a study, in order: its own, else one that needs no study.

    A statement that was judged on other studies alone counts as not evaluated on this one.
    """
    chosen: dict[str, Row] = {}
    for row in rows:
        earlier = chosen.get(row["id"])
        if earlier is None or row["study"] == study or (row["study"] is None and earlier["study"] != study):
            chosen[row["id"]] = row
    return {name: row if row["study"] in (None, study) else _elsewhere(row, study) for name, row in chosen.items()}


def _elsewhere(row: Row, study: str) -> Row:
    nothing: dict[str, Any] = {**dict.fromkeys(NUMBERS), "details": None, "study": study, "flags": []}
    reason = f"these verdicts hold no judgement of it on {study}"
    return {**row, **nothing, "verdict": "not_evaluated", "reason": reason}

"""What a definition comes to against what the paper says: one line a comparison."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from repro.report.cases.rows import Row
from repro.report.drawing.words import minus_signs

_PIECE = re.compile(r"(?P<here>.*\S) \((?P<wanted>[^()]*(?:\([^()]*\)[^()]*)*)\)")
_STATES = {True: "holds", False: "fails", None: "open"}


@dataclass(frozen=True)
class Line:
    """One comparison: what was computed, what is wanted, and whether it holds."""

    here: str
    wanted: str
    state: str


@dataclass(frozen=True)
class ComparisonTable:
    kind: ClassVar[str] = "comparisons"
    lines: tuple[Line, ...]


def comparison_table(row: Row) -> ComparisonTable | None:
    """From the comparisons in a row where the file has them, else from its reason, which lists the decisive ones."""
    kept = row.get("comparisons")
    if isinstance(kept, Sequence) and not isinstance(kept, str):
        lines = [_line(item) for item in kept if isinstance(item, Mapping)]
        return ComparisonTable(tuple(lines)) if lines else None
    state = {"supported": "holds", "contradicted": "fails"}.get(row["verdict"])
    pieces = str(row["reason"]).split("; ")
    if state is None or not all(_PIECE.fullmatch(piece) for piece in pieces):
        return None
    matches = [match for piece in pieces if (match := _PIECE.fullmatch(piece))]
    return ComparisonTable(tuple(_typeset(match["here"], match["wanted"], state) for match in matches))


def _line(item: Mapping[str, Any]) -> Line:
    here = f"{item.get('what', '')} {item.get('observed', '')}".strip()
    return _typeset(here, str(item.get("expected", "")), _STATES.get(item.get("holds"), "open"))


def _typeset(here: str, wanted: str, state: str) -> Line:
    return Line(minus_signs(here), minus_signs(wanted), state)

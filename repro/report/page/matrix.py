"""Every statement against every study: one cell a verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from repro.report.page.entries import Section, StatementEntry


@dataclass(frozen=True)
class Cell:
    """A verdict that leads to its entry on the page; `study` is None where none was needed."""

    study: str | None
    verdict: str
    anchor: str


@dataclass(frozen=True)
class MatrixRow:
    """A statement with one cell for all studies, or a cell (or none) for each."""

    id: str
    statement: str
    shared: Cell | None
    cells: tuple[Cell | None, ...]


@dataclass(frozen=True)
class MatrixSection:
    """The statements of a section of the paper."""

    number: str
    title: str
    anchor: str
    rows: tuple[MatrixRow, ...]


@dataclass(frozen=True)
class Matrix:
    studies: tuple[str, ...]
    sections: tuple[MatrixSection, ...]


def matrix(sections: Sequence[Section], studies: Sequence[str]) -> Matrix:
    """The matrix of all sections' statements."""
    return Matrix(
        tuple(studies),
        tuple(
            MatrixSection(
                section.number,
                section.title,
                section.anchor,
                tuple(_row(entry, studies) for entry in section.entries),
            )
            for section in sections
        ),
    )


def _row(entry: StatementEntry, studies: Sequence[str]) -> MatrixRow:
    cells = {item.study: Cell(item.study, item.verdict, item.anchor) for item in entry.judgements}
    shared = cells.get(None)
    return MatrixRow(entry.id, entry.statement, shared, tuple(cells.get(study) for study in studies))

"""The tables of scalars in docs/evidence.md, out of what the measurements declare.

python -m repro.report.page.evidence_tables       (or `make docs`)
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from repro.files import write_text
from repro.measurement.declared import Declaration, declarations
from repro.project import PACKAGE
from repro.report.page.marked import with_part

PAGE = Path("docs/evidence.md")
BEGIN, END = "<!-- scalars: make docs, from repro/measurement/metrics -->", "<!-- end of scalars -->"
HEAD = "| name | unit | what | section |\n|---|---|---|---|"
BAR = r"\|"
"""What a table's cell shows as a bar."""
_WIDTH = 130


def page_with(text: str, declared: Mapping[str, Declaration]) -> str:
    """The page with today's tables; UserError without its two marks."""
    blocks = [block for declaration in declared.values() for block in _blocks(declaration)]
    return with_part(PAGE, text, BEGIN, "\n" + "\n\n".join(blocks) + "\n", END)


def _blocks(declaration: Declaration) -> Iterator[str]:
    yield f"### {declaration.title}"
    if declaration.about:
        yield _wrapped(declaration.about)
    rows = [
        (f"`{name}`", scalar.unit, scalar.what, scalar.section or "-") for name, scalar in declaration.scalars.items()
    ]
    yield "\n".join([HEAD, *map(_row, rows)])
    if declaration.after:
        yield _wrapped(declaration.after)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', BAR) for cell in cells)} |"


def _wrapped(text: str) -> str:
    return textwrap.fill(text, _WIDTH, break_long_words=False, break_on_hyphens=False)


def main() -> None:
    """Write the tables of the project's page."""
    target = PACKAGE.parent / PAGE
    write_text(target, page_with(target.read_text(encoding="utf-8"), declarations()))
    print(target)


if __name__ == "__main__":
    main()

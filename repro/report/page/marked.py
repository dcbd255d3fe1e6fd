"""Pages written by hand in which one part, between two marks, is made by a command."""

from __future__ import annotations

from pathlib import Path

from repro.errors import UserError


def with_part(page: Path, text: str, begin: str, part: str, end: str) -> str:
    """The page's text with this part between the marks `begin` and `end`; UserError without them."""
    before, began, rest = text.partition(begin)
    _, ended, after = rest.partition(end)
    if not began or not ended:
        raise UserError(f"{page} has no line {begin!r} before a line {end!r}; put them where the part belongs")
    return f"{before}{begin}\n{part}\n{end}{after}"

"""Validation pictures without folders: ILSVRC's ground truth gives the label of picture 1, 2, 3, ... by line.

The number in a picture's name pairs it with its line, never its position among the sorted names: copying between
file systems changes the case of names, and a picture too few or too many would shift all that follow.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from repro.data.layouts.layout import is_picture_name, listed
from repro.errors import UserError

# As published, or with the class at the end, as Hugging Face has them.
_PUBLISHED = re.compile(r"(?P<before>ilsvrc(?P<year>\d{4})_val_)(?P<number>\d{1,18})(?:_(?P<wnid>n\d{8}))?", re.ASCII)
_ENDS_IN_NUMBER = re.compile(r"(?P<before>.*?)(?P<number>\d{1,18})", re.ASCII)
_YEARS = ("2010", "2012")


class Kit(Protocol):
    """What is needed of a development kit."""

    @property
    def path(self) -> Path: ...
    @property
    def year(self) -> str | None: ...
    @property
    def classes(self) -> tuple[str, ...]: ...


class _Numbered(NamedTuple):
    name: str
    before: str
    number: int
    year: str | None
    wnid: str | None


def labels_by_number(names: Iterable[str], of: str, wnids: Sequence[str], kit: Kit) -> dict[str, int]:
    """The class index of each picture: `wnids` holds the class of picture 1, 2, 3, ...

    Raises UserError, which names the pictures, unless their numbers are just those, and when a name itself tells
    of another year or another class.
    """
    names = sorted(names)
    numbered = [picture for picture in map(_numbered, names) if picture is not None]
    before = Counter(picture.before for picture in numbered).most_common(1)
    mine = [picture for picture in numbered if picture.before == before[0][0] and 1 <= picture.number <= len(wnids)]
    strange = sorted(set(names) - {picture.name for picture in mine})
    of_number: dict[int, _Numbered] = {}
    twice = []
    for picture in mine:
        first = of_number.setdefault(picture.number, picture)
        if first is not picture:
            twice.append(f"{first.name} and {picture.name}")
    missing = [str(number) for number in range(1, len(wnids) + 1) if number not in of_number]
    faults = [
        f"no picture of number {listed(missing)}" if missing else "",
        f"the same number twice in {listed(twice)}" if twice else "",
        f"no number of 1 to {len(wnids)} in {listed(strange)}" if strange else "",
    ]
    if any(faults):
        raise UserError(
            f"{of} holds {len(names)} pictures, but the ground truth in {kit.path} has {len(wnids)} lines, one for "
            f"each number in the pictures' names: {'; '.join(filter(None, faults))}; one of them is not complete or "
            "belongs to another year"
        )
    for number, picture in of_number.items():
        _refuse_contradiction(picture, of, wnids[number - 1], kit)
    position = {wnid: label for label, wnid in enumerate(kit.classes)}
    return {picture.name: position[wnids[number - 1]] for number, picture in of_number.items()}


def published_number(name: str, year: str | None) -> int | None:
    """The number of a picture that bears its published name of that year; None for any other."""
    picture = _numbered(name)
    return picture.number if picture is not None and picture.year is not None and picture.year == year else None


def _numbered(name: str) -> _Numbered | None:
    stem = name.casefold()
    while is_picture_name(stem):  # converted pictures may bear two endings
        stem = stem.rpartition(".")[0]
    match = _PUBLISHED.fullmatch(stem)
    if match:
        return _Numbered(name, match["before"], int(match["number"]), match["year"], match["wnid"])
    match = _ENDS_IN_NUMBER.fullmatch(stem)
    return _Numbered(name, match["before"], int(match["number"]), None, None) if match else None


def _refuse_contradiction(picture: _Numbered, of: str, wnid: str, kit: Kit) -> None:
    if picture.year in _YEARS and kit.year in _YEARS and picture.year != kit.year:
        raise UserError(f"{of} holds {picture.name}, but {kit.path} is the development kit of {kit.year}")
    if picture.wnid not in (None, wnid):
        raise UserError(f"{of} holds {picture.name}, but the ground truth in {kit.path} gives that number {wnid}")

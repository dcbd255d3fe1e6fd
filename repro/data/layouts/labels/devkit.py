"""ILSVRC's development kit: which id is which synset, and the validation pictures' ids.

Ids are NOT positions among the sorted synset names (in 2012 not one of the 1000 agrees), so every label goes
id -> synset name -> position among the sorted names.
"""

from __future__ import annotations

import io
import re
import tarfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from repro.data.layouts.labels.numbered import labels_by_number
from repro.data.layouts.labels.tables import text_of
from repro.data.layouts.layout import listed
from repro.data.layouts.trees.archive import content_of
from repro.data.layouts.trees.tree import Tree
from repro.errors import UserError

ARCHIVES = ("ILSVRC2012_devkit_t12.tar.gz", "ILSVRC2010_devkit-1.0.tar.gz", "ILSVRC2012_devkit_t12.tar")
FOLDERS = ("ILSVRC2012_devkit_t12", "devkit-1.0", "ILSVRC2010_devkit-1.0")
_META = "meta.mat"
_GROUND_TRUTH = "validation_ground_truth.txt"


@dataclass(frozen=True)
class Devkit:
    """The leaves of the synset table, and one id for each validation picture in the order of their numbers.

    `year` is the one that the ground truth's name gives, if any.
    """

    path: Path
    year: str | None
    wnids: dict[int, str]
    titles: dict[str, str]
    train_counts: dict[str, int]
    ground_truth: tuple[int, ...]

    @property
    def classes(self) -> tuple[str, ...]:
        """The synset names, sorted: a class's index is its position here."""
        return tuple(sorted(self.wnids.values()))

    def wnid_of(self, number: int) -> str | None:
        """The synset of validation picture `number` (from 1), None if there is no such picture."""
        return self.wnids[self.ground_truth[number - 1]] if 1 <= number <= len(self.ground_truth) else None

    def labels(self, names: Iterable[str], of: str) -> dict[str, int]:
        """The class index of each validation picture, by the number in its name.

        Raises UserError when there is not exactly one picture for each id, or a name tells of another year or
        class.
        """
        return labels_by_number(names, of, [self.wnids[number] for number in self.ground_truth], self)


def find_devkit(tree: Tree) -> Devkit | None:
    """The development kit at the top of `tree`, packed or unpacked, or None; UserError if it is damaged."""
    files = {file.name: file for file in tree.files("")}
    for name in ARCHIVES:
        if name in files:
            content = tree.source.read(files[name].where, files[name].size)
            assert isinstance(content, bytes)
            return _from_parts(tree.root / name, _read_archive(tree.root / name, content))
    folders = tree.folders("")
    for name in FOLDERS:
        if name in folders:
            return _from_parts(tree.root / name, _read_folder(tree, name))
    return None


Parts = dict[str, tuple[str, bytes]]
"""What a kit is read from: part -> (name of its file, content)."""


def _read_archive(path: Path, content: bytes) -> Parts:
    parts: Parts = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            for member in archive:
                part = _part_of(member.name)
                member_content = content_of(archive, member) if part else None
                if part and member_content is not None:
                    _add(parts, part, member.name, member_content, path)
    except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(f"cannot read the development kit {path}: {first}; fetch it again") from error
    return parts


def _read_folder(tree: Tree, folder: str) -> Parts:
    parts: Parts = {}
    for file in tree.files(f"{folder}/data"):
        part = _part_of(file.name)
        if part:
            content = tree.source.read(file.where, file.size)
            assert isinstance(content, bytes)
            _add(parts, part, file.name, content, tree.root / folder)
    return parts


def _add(parts: Parts, part: str, name: str, content: bytes, path: Path) -> None:
    if part in parts and parts[part][0] != name:
        raise UserError(f"the development kit {path} holds both {parts[part][0]} and {name}; remove the wrong one")
    parts[part] = (name, content)


def _part_of(name: str) -> str | None:
    base = name.rsplit("/", 1)[-1]
    if base.startswith("."):
        return None
    return next((part for part in (_META, _GROUND_TRUTH) if base.endswith(part)), None)


def _from_parts(path: Path, parts: Parts) -> Devkit:
    for part in (_META, _GROUND_TRUTH):
        if part not in parts:
            raise UserError(f"the development kit {path} holds no data/*{part}; fetch it again")
    wnids, titles, counts = _synsets(path, parts[_META][1])
    name, content = parts[_GROUND_TRUTH]
    year = re.search(r"ILSVRC(\d{4})_validation", name)
    return Devkit(path, year[1] if year else None, wnids, titles, counts, _numbers(path, content, wnids))


def _synsets(path: Path, content: bytes) -> tuple[dict[int, str], dict[str, str], dict[str, int]]:
    from scipy.io import loadmat  # slow to import, and only ILSVRC's own layouts need it

    try:
        table = loadmat(io.BytesIO(content))["synsets"].ravel()  # type: ignore[arg-type]  # stubs know paths only
        number = next(name for name in table.dtype.names if name.endswith("_ID"))
        rows = [
            (int(_scalar(row[number])), str(_scalar(row["WNID"])), str(_scalar(row["words"])), _count(row))
            for row in table
            if int(_scalar(row["num_children"])) == 0
        ]
    except Exception as error:  # scipy raises whatever the damaged bytes lead to
        raise UserError(f"{_META} in {path} cannot be read as ILSVRC's synset table ({error!r})") from error
    wnids = {row[0]: row[1] for row in rows}
    if len(set(wnids.values())) != len(rows) or not rows:
        raise UserError(f"{_META} in {path} lists {len(rows)} leaves, but their ids or names are not all different")
    return wnids, {row[1]: row[2] for row in rows}, {row[1]: row[3] for row in rows}


def _count(row: Any) -> int:
    return int(_scalar(row["num_train_images"])) if "num_train_images" in row.dtype.names else 0


def _scalar(value: Any) -> Any:
    """The one value in however many array layers MATLAB wrapped round it."""
    while isinstance(value, np.ndarray):
        value = value.ravel()[0] if value.size else 0
    return value


def _numbers(path: Path, content: bytes, wnids: dict[int, str]) -> tuple[int, ...]:
    numbers = []
    wrong = []
    lines = text_of(content, f"the ground truth in {path}", latin=True).rstrip().splitlines()
    for line, text in enumerate(lines, start=1):
        if text.strip().isdigit() and int(text) in wnids:
            numbers.append(int(text))
        else:
            wrong.append(f"line {line}: {text.strip()[:20]!r}")
    if wrong or not numbers:
        raise UserError(
            f"the ground truth in {path} must hold one id of 1 to {len(wnids)} a line; {listed(wrong) or 'it is empty'}"
        )
    return tuple(numbers)

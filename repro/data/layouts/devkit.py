"""ILSVRC's development kit: which id is which synset, and the validation pictures' ids.

Ids are NOT positions among the sorted synset names (in 2012 not one of the 1000 agrees), so every label goes
id -> synset name -> position among the sorted names.
"""

from __future__ import annotations

import io
import tarfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from repro.data.layouts.layout import listed
from repro.errors import UserError

ARCHIVES = ("ILSVRC2012_devkit_t12.tar.gz", "ILSVRC2010_devkit-1.0.tar.gz", "ILSVRC2012_devkit_t12.tar")
FOLDERS = ("ILSVRC2012_devkit_t12", "devkit-1.0", "ILSVRC2010_devkit-1.0")
_META = "meta.mat"
_GROUND_TRUTH = "validation_ground_truth.txt"


@dataclass(frozen=True)
class Devkit:
    """The leaves of the synset table, and one id for each validation picture in the order of their names."""

    path: Path
    wnids: dict[int, str]
    titles: dict[str, str]
    train_counts: dict[str, int]
    ground_truth: tuple[int, ...]

    @property
    def classes(self) -> tuple[str, ...]:
        """The synset names, sorted: a class's index is its position here."""
        return tuple(sorted(self.wnids.values()))

    def labels(self, names: list[str], of: str) -> dict[str, int]:
        """The class index of each validation picture; names are sorted before they are paired with the ids.

        Raises UserError when there is not exactly one id a picture.
        """
        if len(names) != len(self.ground_truth):
            raise UserError(
                f"{of} holds {len(names)} pictures, but the ground truth in {self.path} has "
                f"{len(self.ground_truth)} lines; one of them is not complete or belongs to another year"
            )
        position = {wnid: label for label, wnid in enumerate(self.classes)}
        return {
            name: position[self.wnids[number]] for name, number in zip(sorted(names), self.ground_truth, strict=True)
        }


def find_devkit(folder: Path) -> Devkit | None:
    """The development kit in `folder`, packed or unpacked, or None; UserError if it is damaged."""
    for name in ARCHIVES:
        if (folder / name).is_file():
            return _from_parts(folder / name, _read_archive(folder / name))
    for name in FOLDERS:
        if (folder / name).is_dir():
            return _from_parts(folder / name, _read_folder(folder / name))
    return None


def _read_archive(path: Path) -> dict[str, bytes]:
    parts = {}
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                part = _part_of(member.name)
                if part and member.isreg():
                    handle = archive.extractfile(member)
                    assert handle is not None
                    parts[part] = handle.read()
    except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(f"cannot read the development kit {path}: {first}; fetch it again") from error
    return parts


def _read_folder(path: Path) -> dict[str, bytes]:
    parts = {}
    try:
        for file in sorted((path / "data").glob("*")):
            part = _part_of(file.name)
            if part:
                parts[part] = file.read_bytes()
    except OSError as error:
        raise UserError(f"cannot read the development kit {path}: {error}") from error
    return parts


def _part_of(name: str) -> str | None:
    base = name.rsplit("/", 1)[-1]
    if base.startswith("."):
        return None
    return next((part for part in (_META, _GROUND_TRUTH) if base.endswith(part)), None)


def _from_parts(path: Path, parts: dict[str, bytes]) -> Devkit:
    for part in (_META, _GROUND_TRUTH):
        if part not in parts:
            raise UserError(f"the development kit {path} holds no data/*{part}; fetch it again")
    wnids, titles, counts = _synsets(path, parts[_META])
    return Devkit(path, wnids, titles, counts, _numbers(path, parts[_GROUND_TRUTH], wnids))


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
    for line, text in enumerate(content.decode("latin-1").rstrip().splitlines(), start=1):
        if text.strip().isdigit() and int(text) in wnids:
            numbers.append(int(text))
        else:
            wrong.append(f"line {line}: {text.strip()[:20]!r}")
    if wrong or not numbers:
        raise UserError(
            f"the ground truth in {path} must hold one id of 1 to {len(wnids)} a line; {listed(wrong) or 'it is empty'}"
        )
    return tuple(numbers)

"""What every recognised collection of pictures offers, whatever its files look like."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from repro.errors import UserError

SPLITS = ("train", "validation")

PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp", ".gif")

Pixels = npt.NDArray[np.uint8]


class Source(Protocol):
    """Where bytes come from: a folder, an archive, a set of batches. Safe to use from many threads."""

    def read(self, where: int | str, size: int) -> bytes | Pixels:
        """The file's bytes, or the picture itself as uint8 (height, width, 3); UserError when it cannot be
        read.
        """
        ...

    def shown(self, where: int | str, name: str) -> str:
        """How an error message names the picture."""
        ...


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture, not decoded. `name` is unique within its split, `size` is in bytes as stored."""

    split: str
    label: int
    name: str
    size: int
    source: Source
    where: int | str

    @property
    def base_name(self) -> str:
        """The name without folders: with the class it is the same in every layout of the same pictures."""
        return self.name.rpartition("/")[2]

    def shown(self) -> str:
        """How an error message names the picture."""
        return self.source.shown(self.where, self.name)


@dataclass(frozen=True)
class Layout:
    """A recognised collection: classes in sorted order, pictures of both splits sorted by name.

    `validation` holds the collection's own validation or test split. `fingerprint` stands for content that
    names and sizes do not show (batches of raw pixels); `archives` are the files whose bytes identify the
    whole.
    """

    name: str
    root: Path
    classes: tuple[str, ...]
    class_titles: Mapping[str, str]
    train: tuple[Picture, ...]
    validation: tuple[Picture, ...]
    fingerprint: str = ""
    archives: tuple[Path, ...] = ()
    notes: tuple[str, ...] = field(default=())

    def pictures(self, split: str) -> tuple[Picture, ...]:
        """The pictures of `split` ("train" or "validation"), sorted by name."""
        if split not in SPLITS:
            raise ValueError(f"no split {split!r}; there are {SPLITS}")
        return self.train if split == "train" else self.validation

    def read(self, picture: Picture) -> bytes | Pixels:
        """The picture's file as bytes, or its pixels (height, width, 3) uint8 where no file exists."""
        return picture.source.read(picture.where, picture.size)

    def counts_per_class(self, split: str) -> list[int]:
        """Number of pictures of each class, in the order of `classes`."""
        counter = Counter(picture.label for picture in self.pictures(split))
        return [counter[label] for label in range(len(self.classes))]

    @property
    def bytes(self) -> int:
        """Size of all pictures as stored."""
        return sum(picture.size for split in SPLITS for picture in self.pictures(split))

    def digest(self) -> str:
        """SHA-256 over the sorted (split, class, name, size) of all pictures; the same however they are
        stored.
        """
        total = hashlib.sha256()
        for split in SPLITS:
            lines = sorted(f"{split}\t{self.classes[p.label]}\t{p.name}\t{p.size}\n" for p in self.pictures(split))
            for line in lines:
                total.update(line.encode("utf-8", "surrogateescape"))
        total.update(self.fingerprint.encode())
        return total.hexdigest()


def assemble(
    name: str,
    root: Path,
    classes: Iterable[str],
    titles: Mapping[str, str],
    train: list[Picture],
    validation: list[Picture],
    *,
    fingerprint: str = "",
    archives: tuple[Path, ...] = (),
    notes: tuple[str, ...] = (),
) -> Layout:
    """A Layout from its parts, after the checks that all layouts share.

    Raises UserError when there are fewer than two classes, a class has no training picture, the validation
    split is empty, or a name occurs twice.
    """
    ordered = tuple(classes)
    if list(ordered) != sorted(set(ordered)):
        raise ValueError("classes must be sorted and distinct")
    if len(ordered) < 2:
        raise UserError(f"{root}: only {len(ordered)} class found in the training pictures; at least 2 are needed")
    filled = {picture.label for picture in train}
    empty = [name for label, name in enumerate(ordered) if label not in filled]
    if empty:
        raise UserError(
            f"{root}: no training picture of {listed(empty)}; an unpacking that was interrupted leaves such "
            "empty classes: unpack again, or remove the empty folders"
        )
    if not validation:
        raise UserError(f"{root}: the validation (or test) split holds no picture")
    for split, pictures in (("train", train), ("validation", validation)):
        pictures.sort(key=lambda picture: picture.name)
        for left, right in pairwise(pictures):
            if left.name == right.name:
                raise UserError(f"{right.shown()}: the name {right.name} occurs twice in the {split} pictures")
    shown_titles = {wnid: titles[wnid] for wnid in ordered if wnid in titles}
    return Layout(name, root, ordered, shown_titles, tuple(train), tuple(validation), fingerprint, archives, notes)


def listed(names: Iterable[str], most: int = 5) -> str:
    """The first few names for a message, and how many more there are."""
    names = list(names)
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def is_picture_name(name: str) -> bool:
    """Whether a file's base name looks like a picture's; AppleDouble (`._x.JPEG`) and hidden files do not."""
    return not name.startswith(".") and name.lower().endswith(PICTURE_SUFFIXES)

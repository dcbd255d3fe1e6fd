"""CIFAR-10 as python batches: pickled dicts of raw pixels, unpacked or as the downloaded archive.

Pickles can run code when they are read, so only the few harmless constructors that arrays of numbers need are
admitted; anything else is refused before it runs.
"""

from __future__ import annotations

import hashlib
import io
import pickle
import tarfile
import zlib
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from repro.data.layouts.layout import Layout, Picture, Pixels, assemble, listed
from repro.data.layouts.trees.archive import content_of
from repro.data.layouts.trees.tree import Tree, has_file
from repro.errors import UserError

FOLDER = "cifar-10-batches-py"
SIDE = 32
_TRAIN = tuple(f"data_batch_{number}" for number in range(1, 6))
_TEST = "test_batch"
_META = "batches.meta"
_ADMITTED = {
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy.core.multiarray", "scalar"),
    ("numpy._core.multiarray", "scalar"),
    ("numpy._core.numeric", "_frombuffer"),
    ("numpy.core.numeric", "_frombuffer"),
    ("_codecs", "encode"),
}


class _NumbersOnly(pickle.Unpickler):
    """An unpickler that builds arrays, lists, dicts and strings, and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ADMITTED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which a batch of pictures does not need")
        return super().find_class(module, name)


class BatchSource:
    """Pictures held as rows of arrays in memory (184 MB for the whole of CIFAR-10)."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._rows: list[Pixels] = []

    def add(self, rows: Pixels) -> int:
        """Take the rows of one batch (n, 3072); returns the index of the first."""
        first = len(self._rows)
        self._rows.extend(rows)
        return first

    def read(self, where: int | str, size: int) -> Pixels:
        """Pixels (32, 32, 3) of row `where`; stored planar (red, green, blue), given interleaved."""
        return np.ascontiguousarray(self._rows[int(where)].reshape(3, SIDE, SIDE).transpose(1, 2, 0))

    def shown(self, where: int | str, name: str) -> str:
        """How an error message names a picture."""
        return f"{name} in {self._where}"


def recognise_cifar10(tree: Tree) -> Layout | None:
    """CIFAR-10's python batches in a folder, or in the folder cifar-10-batches-py of it."""
    for folder in ("", FOLDER):
        prefix = f"{folder}/" if folder else ""
        if has_file(tree, f"{prefix}{_META}") or has_file(tree, f"{prefix}data_batch_1"):
            files = {}
            for file in tree.files(folder):
                if file.name in (*_TRAIN, _TEST, _META):
                    content = tree.source.read(file.where, file.size)
                    assert isinstance(content, bytes)
                    files[file.name] = content
            return _from_batches(tree.root, files, ())
        if has_file(tree, f"{prefix}batches.meta.txt"):
            raise UserError(
                f"{tree.root} holds CIFAR-10's binary version, which is not supported; fetch cifar-10-python.tar.gz"
            )
    return None


def recognise_cifar10_archive(path: Path) -> Layout | None:
    """CIFAR-10's python batches in the archive as downloaded (any compression), or None if it is something
    else.
    """
    files: dict[str, bytes] = {}
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                parent, _, name = member.name.rpartition("/")
                if not parent.endswith(FOLDER):
                    if not files:
                        return None
                    continue
                content = content_of(archive, member) if name in (*_TRAIN, _TEST, _META) else None
                if content is not None:
                    files[name] = content
                elif not files and not member.isdir() and not name.startswith((".", "readme")):
                    return None
    except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
        if files or path.name.startswith("cifar-10-python"):
            first = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise UserError(f"{path} is damaged or cut short ({first}); fetch it again") from error
        return None
    return _from_batches(path, files, (path,)) if files else None


def _from_batches(root: Path, files: dict[str, bytes], archives: tuple[Path, ...]) -> Layout:
    missing = [name for name in (*_TRAIN, _TEST, _META) if name not in files]
    if missing:
        raise UserError(f"{root} holds CIFAR-10's python batches, but {listed(missing)} is missing; unpack it again")
    names = _unpickled(root, _META, files[_META]).get("label_names")
    if not isinstance(names, list) or len(names) < 2 or not all(isinstance(name, str) for name in names):
        raise UserError(f"{root}: {_META} holds no list of class names under label_names")
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise UserError(f"{root}: {_META} lists {listed(twice)} more than once under label_names; fetch it again")
    classes = sorted(names)
    source = BatchSource(str(root))
    pictures: dict[str, list[Picture]] = {"train": [], "validation": []}
    for batch in (*_TRAIN, _TEST):
        split = "validation" if batch == _TEST else "train"
        pixels, numbers = _checked(root, batch, files[batch], len(names))
        first = source.add(pixels)
        for row, number in enumerate(numbers):
            label = classes.index(names[number])
            name = f"{batch}_{row:05d}"
            pictures[split].append(Picture(split, label, name, pixels.shape[1], source, first + row))
    fingerprint = hashlib.sha256(
        b"".join(hashlib.sha256(files[name]).digest() for name in (*_TRAIN, _TEST, _META))
    ).hexdigest()
    return assemble(
        "cifar10-batches",
        root,
        classes,
        {},
        pictures["train"],
        pictures["validation"],
        fingerprint=fingerprint,
        archives=archives,
    )


def _unpickled(root: Path, name: str, content: bytes) -> dict[str, Any]:
    try:
        # latin1: the originals were written by Python 2, whose strings are bytes.
        value = _NumbersOnly(io.BytesIO(content), encoding="latin1").load()
    except Exception as error:  # a damaged pickle raises whatever its bytes lead to
        raise UserError(f"{root}: {name} cannot be read as a batch of CIFAR-10: {error}; fetch it again") from error
    if not isinstance(value, dict):
        raise UserError(f"{root}: {name} holds a {type(value).__name__}, not the dict of a batch of CIFAR-10")
    return {key.decode("latin1") if isinstance(key, bytes) else str(key): item for key, item in value.items()}


def _checked(root: Path, name: str, content: bytes, classes: int) -> tuple[Pixels, list[int]]:
    batch = _unpickled(root, name, content)
    pixels, labels = batch.get("data"), batch.get("labels")
    if not (
        isinstance(pixels, np.ndarray)
        and pixels.dtype == np.uint8
        and pixels.ndim == 2
        and pixels.shape[1] == 3 * SIDE * SIDE
    ):
        raise UserError(f"{root}: {name} holds no array of bytes with {3 * SIDE * SIDE} columns under data")
    if not isinstance(labels, list) or len(labels) != len(pixels):
        count = len(labels) if isinstance(labels, list) else 0
        raise UserError(f"{root}: {name} holds {len(pixels)} pictures but {count} labels")
    if any(not isinstance(label, int) or not 0 <= label < classes for label in labels):
        raise UserError(f"{root}: {name} holds labels that are not whole numbers from 0 to {classes - 1}")
    return pixels, labels

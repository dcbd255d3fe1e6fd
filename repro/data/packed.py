"""The packed store: prepared pictures as memory-mapped arrays of bytes, with everything measured on them.

A folder <store>/pictures/<key> with manifest.json (written last), and for each split that is not empty
<split>_pictures.npy (n, S, S, 3) uint8 and <split>_labels.npy (n,) int64; mean_picture.npy (S, S, 3) float32.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Protocol

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from repro.errors import UserError
from repro.json_file import Record, checked_record, read_versioned_json

SCHEMA = 1
PACKED_SPLITS = ("train", "validation", "held_out")
MANIFEST = "manifest.json"
MEAN_PICTURE = "mean_picture.npy"


Ints = npt.NDArray[np.int64]


class Pictures(Protocol):
    """Pictures (n, S, S, 3) that are read when indexed: a memory-mapped array, or a view of one."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    def __getitem__(self, index: Any, /) -> Any:
        """uint8 pixels, as numpy would index the array."""
        ...


@dataclass(frozen=True)
class Split:
    """Pictures (n, S, S, 3) uint8, memory-mapped and read-only, and labels (n,) int64.

    `ids` (n,) are the pictures' indices in the whole prepared split where only some of them are chosen
    (repro/data/chosen_pictures.py); None: all, in order.
    """

    pictures: Pictures
    labels: Ints
    ids: Ints | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def ids_of(self, sample: Ints) -> Ints:
        """What randomness is keyed by: the index of each picture in the whole prepared split."""
        return sample if self.ids is None else self.ids[sample]


@dataclass(frozen=True)
class Colour:
    """Colours over all training pixels, grey levels 0 to 255 (section 4.1 of the paper).

    `covariance` (3, 3) of red, green, blue; `eigenvectors` (3, 3) in columns, largest first; `deviations`
    (3,) are the square roots of the eigenvalues.
    """

    covariance: npt.NDArray[np.float64]
    eigenvectors: npt.NDArray[np.float64]
    deviations: npt.NDArray[np.float64]


Row = Annotated[list[float], Field(min_length=3, max_length=3)]


class ColourRecord(Record):
    """The same as the manifest has it."""

    covariance: tuple[Row, Row, Row]
    eigenvectors: tuple[Row, Row, Row]
    deviations: tuple[float, float, float]

    def arrays(self) -> Colour:
        parts = (self.covariance, self.eigenvectors, self.deviations)
        return Colour(*(np.asarray(part, np.float64) for part in parts))


class PackedManifest(Record):
    """What the manifest of prepared pictures says at least."""

    size: int
    counts: dict[str, int]
    classes: tuple[str, ...]
    digest: str
    colour: ColourRecord

    @model_validator(mode="after")
    def _every_split_counted(self) -> PackedManifest:
        if missing := [split for split in PACKED_SPLITS if split not in self.counts]:
            raise ValueError(f"counts: {self.counts} lacks {', '.join(missing)}")
        return self


@dataclass(frozen=True)
class Packed:
    """An opened store. `digest` stands for pixels, labels and class names, and goes into run identities."""

    folder: Path
    train: Split
    validation: Split
    held_out: Split
    mean_picture: npt.NDArray[np.float32]
    colour: Colour
    classes: tuple[str, ...]
    digest: str
    manifest: Mapping[str, Any]


def packed_folder(store: Path, key: str) -> Path:
    """Where the prepared pictures `key` lie in the store."""
    return Path(store) / "pictures" / key


def open_packed(folder: Path) -> Packed:
    """Open prepared pictures; raises UserError when they are missing, damaged or of a later schema."""
    folder = Path(folder)
    if not (folder / MANIFEST).exists():
        raise UserError(f"{folder} holds no prepared pictures ({MANIFEST} is missing); run `repro prepare`")
    manifest = read_versioned_json(folder / MANIFEST, SCHEMA, _again(folder))
    record = checked_record(PackedManifest, manifest, folder / MANIFEST, _again(folder))
    size, classes = record.size, record.classes
    splits = {name: _split(folder, name, record.counts[name], size, len(classes)) for name in PACKED_SPLITS}
    mean = np.array(_array(folder / MEAN_PICTURE, (size, size, 3), np.float32))
    return Packed(
        folder,
        splits["train"],
        splits["validation"],
        splits["held_out"],
        mean,
        record.colour.arrays(),
        classes,
        record.digest,
        manifest,
    )


def _split(folder: Path, name: str, length: int, size: int, classes: int) -> Split:
    if length == 0:
        return Split(np.zeros((0, size, size, 3), np.uint8), np.zeros(0, np.int64))
    pictures = _array(folder / f"{name}_pictures.npy", (length, size, size, 3), np.uint8)
    labels = np.array(_array(folder / f"{name}_labels.npy", (length,), np.int64))
    if labels.min() < 0 or labels.max() >= classes:
        raise UserError(f"{folder}/{name}_labels.npy holds labels outside 0 to {classes - 1}; {_again(folder)}")
    return Split(pictures, labels)


def _array(path: Path, shape: tuple[int, ...], dtype: type[np.generic]) -> npt.NDArray[Any]:
    try:
        array: npt.NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise UserError(f"{path} is missing; {_again(path.parent)}") from None
    except (OSError, ValueError, EOFError) as error:
        raise UserError(f"{path} is damaged ({error}); {_again(path.parent)}") from error
    if array.shape != shape or array.dtype != dtype:
        raise UserError(
            f"{path} holds {array.dtype} {array.shape}, the manifest says {np.dtype(dtype)} {shape}; "
            f"{_again(path.parent)}"
        )
    return array.view(np.ndarray)  # still mapped; a slice of np.memmap itself takes six times as long


def _again(folder: Path) -> str:
    return f"remove {folder} and run `repro prepare` again"

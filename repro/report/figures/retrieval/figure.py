"""Held-out pictures with the training pictures nearest to them, in the net's last hidden layer and in pixels."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from PIL import Image

SIDE = 56
"""Pictures are shown this large at most, pixels."""
_QUALITY = 80


@dataclass(frozen=True)
class FoundPicture:
    """A training picture; `same`: of the query's class."""

    address: str
    label: str
    same: bool


@dataclass(frozen=True)
class FoundRow:
    """The nearest pictures by one distance, nearest first."""

    name: str
    pictures: tuple[FoundPicture, ...]

    @property
    def hits(self) -> int:
        return sum(picture.same for picture in self.pictures)


@dataclass(frozen=True)
class Query:
    address: str
    label: str
    rows: tuple[FoundRow, ...]


@dataclass(frozen=True)
class RetrievalFigure:
    kind: ClassVar[str] = "retrieval"
    title: str
    queries: tuple[Query, ...]
    note: str


def picture_address(pixels: npt.NDArray[np.uint8]) -> str:
    """A picture (h, w, 3) as a small JPEG in an address that needs no file."""
    image = Image.fromarray(np.ascontiguousarray(pixels))
    if max(image.size) > SIDE:
        image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    image.save(buffer, format="JPEG", quality=_QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def found_row(
    name: str, indices: Sequence[int], pictures: Any, labels: npt.NDArray[Any], classes: Sequence[str], wanted: int
) -> FoundRow:
    """Training pictures at these indices; `wanted` is the query's class."""
    return FoundRow(
        name,
        tuple(
            FoundPicture(
                picture_address(np.asarray(pictures[index])),
                classes[int(labels[index])],
                int(labels[index]) == wanted,
            )
            for index in indices
        ),
    )

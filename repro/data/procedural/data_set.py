"""The embedded data sets, whose pictures are drawn and not taken: what there is of each, and writing one.

`procedural` (stripes.py) is learned in seconds and shows that the machinery works. In `parts` (parts.py) classes are
made of parts, so that a net's depth has something to do.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image

from repro.data.procedural import parts, stripes
from repro.data.procedural.ilsvrc_writer import write_ilsvrc
from repro.data.registration import write_manifest_here
from repro.errors import UserError

SMALLEST_SIDE = 16
JPEG_QUALITY = 75


class Kind(Protocol):
    """A class: its invented synset name and its title."""

    @property
    def wnid(self) -> str: ...
    @property
    def title(self) -> str: ...


@dataclass(frozen=True)
class PictureSet:
    """An embedded data set.

    draw     draw(kind, index, split=..., side=..., seed=...) gives a picture, uint8 (side, side, 3)
    version  of what it draws
    train_per_class, validation_per_class, side  the pictures that are embedded, with seed 0
    """

    kinds: Sequence[Kind]
    draw: Callable[..., npt.NDArray[np.uint8]]
    version: int
    train_per_class: int
    validation_per_class: int
    side: int

    def encoded(self, kind: Kind, indices: Sequence[int], *, split: str, side: int, seed: int) -> list[bytes]:
        """The JPEG files of the pictures `indices` of a class; each depends on its own index, not on the others."""
        return [_jpeg(self.draw(kind, index, split=split, side=side, seed=seed)) for index in indices]


SETS: Mapping[str, PictureSet] = {
    "procedural": PictureSet(
        stripes.KINDS, stripes.draw_picture, stripes.VERSION, train_per_class=200, validation_per_class=100, side=48
    ),
    "parts": PictureSet(
        parts.KINDS, parts.draw_picture, parts.VERSION, train_per_class=250, validation_per_class=100, side=56
    ),
}


def make_pictures(
    folder: Path,
    name: str = "procedural",
    *,
    train_per_class: int | None = None,
    validation_per_class: int | None = None,
    side: int | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """Write the set `name` into `folder` in ILSVRC2012's layout, with manifest.json; returns the manifest.

    Without numbers, the embedded pictures are made. Pictures are square JPEG files of `side` pixels; what is drawn is
    the same everywhere, another release of the JPEG encoder may write it in other bytes. The data set is called as the
    folder. Raises UserError for an unknown set, counts below 1, a side below 16 pixels or a negative seed.
    """
    if name not in SETS:
        raise UserError(f"{name} is no set of pictures that can be drawn; there are {', '.join(SETS)}")
    drawn = SETS[name]
    train = drawn.train_per_class if train_per_class is None else train_per_class
    validation = drawn.validation_per_class if validation_per_class is None else validation_per_class
    side = drawn.side if side is None else side
    for key, value, least in (
        ("train_per_class", train, 1),
        ("validation_per_class", validation, 1),
        ("side", side, SMALLEST_SIDE),
        ("seed", seed, 0),
    ):
        if value < least:
            raise UserError(f"{key} is {value}; it must be {least} or more")
    folder = Path(folder)
    splits = {
        split: {kind.wnid: drawn.encoded(kind, range(count), split=split, side=side, seed=seed) for kind in drawn.kinds}
        for split, count in (("train", train), ("validation", validation))
    }
    readme = (
        "Procedural pictures in the layout of ILSVRC2012, made by repro.data.procedural "
        f"(version {drawn.version}).\nNot ImageNet: the synset names are invented.\n"
        f"seed {seed}, side {side} px, {train} training and {validation} validation pictures a class\n"
    )
    write_ilsvrc(folder, splits, {kind.wnid: kind.title for kind in drawn.kinds}, readme=readme)
    return write_manifest_here(folder, folder.name)


def _jpeg(picture: npt.NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=JPEG_QUALITY, subsampling="4:2:0", optimize=True)
    return buffer.getvalue()

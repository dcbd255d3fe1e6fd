"""Which pictures a run sees, and how: one view of the prepared pictures for training, errors and measurements.

Chosen by keyed hashes alone, never by a run's seed, so that every seed of a variant sees the same pictures.
Nothing is copied: pixels are read from the memory-mapped store when they are asked for. The mean picture
and the colour axes stay those of all training pictures, but change with the pixels (grey, shuffled).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from repro import randomness
from repro.data.packed import Colour, Ints, Packed, Pictures, Split
from repro.errors import UserError
from repro.study.settings import PictureSettings

Mask = npt.NDArray[np.bool_]


def pictures_of(settings: PictureSettings, packed: Packed) -> Packed:
    """The prepared pictures as a run with these settings sees them; UserError when none are left."""
    if settings == PictureSettings():
        return packed
    whole = {"train": packed.train, "validation": packed.validation, "held_out": packed.held_out}
    here = {name: _of_classes(split, settings.classes, len(packed.classes)) for name, split in whole.items()}
    chosen = {name: (whole[name], np.flatnonzero(mask)) for name, mask in here.items()}
    if settings.half_split is not None:
        first = _first_half(len(packed.train), settings.half_split)
        chosen["train"] = (packed.train, np.flatnonzero(here["train"] & first))
        chosen["held_out"] = (packed.train, np.flatnonzero(here["train"] & ~first))
    train, ids = chosen["train"]
    chosen["train"] = (train, ids[_share(train.labels[ids], ids, settings.share)])
    for name in ("train", "held_out"):
        if len(whole[name]) and not len(chosen[name][1]):
            raise UserError(f"training.pictures: {_changed(settings)} leaves no {name} pictures of {packed.folder}")

    grey = {"rgb": False, "grey": True}[settings.colour]
    views = {
        name: Split(ChosenPictures(split.pictures, ids, grey), split.labels[ids], ids)
        for name, (split, ids) in chosen.items()
    }
    return replace(
        packed,
        train=views["train"],
        validation=views["validation"],
        held_out=views["held_out"],
        mean_picture=_grey_mean(packed.mean_picture) if grey else packed.mean_picture,
        colour=grey_axis(packed.colour) if grey else packed.colour,
    )


def classes_in(pictures: Packed) -> int:
    """Classes that the training pictures hold, which may be a part of those that a net tells apart."""
    return len(np.unique(pictures.train.labels))


# ---- what is done to pixels --------------------------------------------------------------------------


def _grey(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Pictures (..., S, S, 3) each channel of which is the mean of the three, rounded."""
    total = pixels.sum(axis=-1, keepdims=True, dtype=np.uint16)
    return np.repeat(((total + 1) // 3).astype(np.uint8), 3, axis=-1)


def _grey_mean(mean: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The mean (S, S, 3) of the grey pictures."""
    return np.repeat(mean.mean(axis=-1, keepdims=True), 3, axis=-1)


@dataclass(frozen=True)
class ChosenPictures:
    """Some pictures of a split, in grey or as they are; indexed as the array of them would be."""

    whole: Pictures
    ids: Ints
    grey: bool

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self.ids), *self.whole.shape[1:])

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: Any, /) -> npt.NDArray[np.uint8]:
        which, *rest = index if isinstance(index, tuple) else (index,)
        ids = self.ids[which]
        if not self.grey:
            return np.asarray(self.whole[(ids, *rest)])
        pixels = _grey(np.asarray(self.whole[ids]))
        return pixels[tuple(rest)] if np.ndim(ids) == 0 else pixels[(slice(None), *rest)]


def grey_axis(colour: Colour) -> Colour:
    """The colours of the grey pictures: one axis, from black to white, with the variance of the channels' mean."""
    variance = float(colour.covariance.mean())
    axes = np.array([[1, 1, 1], [1, -1, 0], [1, 1, -2]], np.float64).T / np.sqrt([3.0, 2.0, 6.0])
    return Colour(np.full((3, 3), variance), axes, np.array([math.sqrt(3 * variance), 0.0, 0.0]))


# ---- which pictures ----------------------------------------------------------------------------------


def _of_classes(split: Split, classes: str, count: int) -> Mask:
    """Pictures of the chosen half of the class list; of an odd number the second half has one more."""
    first = split.labels < count // 2
    return {"all": np.ones(len(split), bool), "first_half": first, "second_half": ~first}[classes]


def _first_half(pictures: int, key: int) -> Mask:
    """A random half of so many pictures; of an odd number the other half has one more."""
    first = np.zeros(pictures, bool)
    first[randomness.permutation(randomness.key("half split", key), pictures)[: pictures // 2]] = True
    return first


def _share(labels: Ints, ids: Ints, share: float) -> Ints:
    """Indices of a share of each class's pictures, at least one; a smaller share is a subset of a larger one."""
    luck = randomness.hash64(randomness.key("share of pictures"), ids)
    order = np.lexsort((luck, labels))
    counts = np.bincount(labels)
    rank = np.arange(len(labels)) - np.repeat(np.cumsum(counts) - counts, counts)
    wanted = np.maximum(1, np.floor(counts * share + 0.5))
    return np.sort(order[rank < np.repeat(wanted, counts)])


def _changed(settings: PictureSettings) -> str:
    return ", ".join(f"{key}: {value}" for key, value in settings.model_dump(exclude_defaults=True).items())

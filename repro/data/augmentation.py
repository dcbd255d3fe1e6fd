"""Batches for training and evaluation: crops, reflections, colour noise, mean subtraction (section 4.1).

Every random choice is a hash of (seed, purpose, epoch, sample id): the batch does not depend on the
number of workers, on what was drawn before, or on where the run was interrupted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, assert_never

import numpy as np
import numpy.typing as npt
import torch
from numpy.lib.stride_tricks import sliding_window_view

from repro import randomness
from repro.data.packed import Colour, Ints, Pictures
from repro.study.settings import Augmentation, Mean, Order

Floats = npt.NDArray[np.float32]
# One crop and one reflection for so many consecutive pictures in the authors' code (`crop_chunk`).
_SHARED_BY = 32
# Bytes of floats made at once: a core's caches hold as many, with what they are made of.
_CACHED = 1 << 21


@dataclass(frozen=True)
class Draws:
    """What is done to each picture of a batch: tops, lefts (pixels), mirrored, colour shifts (grey levels)."""

    top: Ints
    left: Ints
    mirrored: npt.NDArray[np.bool_]
    shift: npt.NDArray[np.float64]

    def part(self, which: slice) -> Draws:
        """The draws of some of the pictures."""
        return Draws(self.top[which], self.left[which], self.mirrored[which], self.shift[which])


def epoch_order(seed: int, epoch: int, pictures: int, order: Order = "each_epoch") -> Ints:
    """The order in which an epoch visits the training pictures; a permutation of range(pictures)."""
    drawn_in = {"each_epoch": epoch, "fixed": 0}[order]
    return randomness.permutation(randomness.key(seed, "order", drawn_in), pictures)


def draw(
    augmentation: Augmentation,
    colour: Colour,
    *,
    seed: int,
    epoch: int,
    samples: Ints,
    offset: int,
    size: int,
    crop: int,
) -> Draws:
    """The augmentation of `samples` (ids of training pictures, see `Split.ids_of`) in an epoch.

    `offset` is the position of the first of them in the epoch's order: only the authors' shared crops depend on
    it. A crop can begin at (size - crop + 1) pixels of each axis, 33 x 33 at 256 to 224: the print counts 32.
    """
    n = len(samples)
    crops = augmentation.crops
    unit = (offset + np.arange(n)) // _SHARED_BY if crops == "per_32" else samples
    starts = size - crop + 1
    if crops == "centre":
        top = left = np.full(n, (size - crop) // 2, dtype=np.int64)
    elif crops == "per_picture" or crops == "per_32":
        crop_key = randomness.key(seed, "crop", epoch)
        top = (randomness.uniform(crop_key, unit, 0) * starts).astype(np.int64)
        left = (randomness.uniform(crop_key, unit, 1) * starts).astype(np.int64)
    else:
        assert_never(crops)
    if augmentation.reflections:
        mirrored = randomness.uniform(randomness.key(seed, "reflection", epoch), unit) < 0.5
    else:
        mirrored = np.zeros(n, dtype=bool)
    off = augmentation.colour_noise_off_epoch
    if augmentation.colour_noise > 0 and (off is None or epoch < off):
        shift = colour_shifts(augmentation.colour_noise, colour, randomness.key(seed, "colour", epoch), samples)
    else:
        shift = np.zeros((n, 3))
    return Draws(top, left, mirrored, shift)


def colour_shifts(deviation: float, colour: Colour, key: int, samples: Ints) -> npt.NDArray[np.float64]:
    """RGB shifts (n, 3) in grey levels: the sum over components of p_i (a_i l_i), a_i ~ N(0, deviation).

    l_i is the standard deviation along component p_i, as in the authors' code. The print says eigenvalue,
    which on 0-255 pixels would shift a picture by more than the whole range.
    """
    from scipy.special import ndtri  # a tenth of the start of a training process, and only colour noise needs it

    draws = randomness.uniform(key, samples[:, None], np.arange(3)[None, :])
    normal = ndtri(np.clip(draws, 2.0**-53, None))
    return np.asarray((normal * deviation * colour.deviations) @ colour.eigenvectors.T)


class CropMeans:
    """What is subtracted from crops of `crop` pixels a side, which are mirrored or not.

    mean: float32 (S, S, 3), subtracted where the crop lies; (crop, crop, 3), the same for every crop; or (3,), a
    channel's mean.
    """

    def __init__(self, mean: Floats, crop: int) -> None:
        self.crop = crop
        self._mean = mean
        if mean.ndim == 3:
            both = np.stack([mean, mirrored(mean[None])[0]])
            # (2, tops, lefts, crop, crop, 3), without a copy; of a mean that is as small as a crop there is one.
            self._windows = np.moveaxis(sliding_window_view(both, (crop, crop), axis=(1, 2)), 3, 5)

    def of(self, drawn: Draws) -> Floats:
        """float32 that broadcasts to (n, crop, crop, 3)."""
        if self._mean.ndim == 1:
            return self._mean
        which = drawn.mirrored.astype(np.int64)
        here: Floats
        if self._windows.shape[1] == 1:
            here = self._windows[which, 0, 0]
        else:
            # The crop's left side is its right side in the mirrored mean.
            left = np.where(drawn.mirrored, self._mean.shape[1] - self.crop - drawn.left, drawn.left)
            here = self._windows[which, drawn.top, left]
        return here


def training_batch(pictures: Pictures, samples: Ints, draws: Draws, means: CropMeans, scale: float) -> Floats:
    """Pictures `samples` cropped, mean-subtracted, mirrored, shifted and multiplied by `scale`.

    pictures: uint8 (N, S, S, 3); samples: indices into it. Returns float32 (n, crop, crop, 3).
    """
    crop = means.crop
    batch = np.empty((len(samples), crop, crop, 3), dtype=np.float32)
    # So many at once that what one step leaves is still in the cache when the next reads it.
    at_once = max(1, _CACHED // batch[:1].nbytes) if len(batch) else 1
    for start in range(0, len(samples), at_once):
        part = slice(start, start + at_once)
        drawn = draws.part(part)
        cut = np.empty((len(drawn.top), crop, crop, 3), dtype=np.uint8)
        places = zip(samples[part].tolist(), drawn.top.tolist(), drawn.left.tolist(), strict=True)
        for index, (sample, top, left) in enumerate(places):
            cut[index] = pictures[sample, top : top + crop, left : left + crop]
        if drawn.mirrored.any():
            cut[drawn.mirrored] = mirrored(cut[drawn.mirrored])
        floats = torch.from_numpy(batch[part])
        floats.copy_(torch.from_numpy(cut))
        floats.sub_(torch.from_numpy(means.of(drawn)))
    if draws.shift.any():
        # A row's worth of each shift: numpy takes six times as long to add three numbers at a time.
        rows = np.tile(draws.shift.astype(np.float32), crop)
        batch.reshape(len(samples), crop, 3 * crop)[:] += rows[:, None, :]
    if scale != 1:
        batch *= np.float32(scale)
    return batch


def mirrored(pictures: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Pictures (n, height, width, 3) reflected from left to right.

    By torch, with channels first: it then moves pixels whole, which numpy takes several times as long for.
    """
    channels_first = torch.from_numpy(pictures).permute(0, 3, 1, 2)
    flipped: npt.NDArray[Any] = channels_first.flip(3).permute(0, 2, 3, 1).numpy()
    return flipped


def centre_batch(pictures: npt.NDArray[np.uint8], mean: Floats, crop: int, scale: float) -> Floats:
    """The central crops of `pictures` (n, S, S, 3), mean-subtracted and scaled: float32 (n, crop, crop, 3).

    `mean` as in `CropMeans`.
    """
    start = (pictures.shape[1] - crop) // 2
    window = slice(start, start + crop)
    here = mean[window, window] if mean.shape[:2] == pictures.shape[1:3] else mean
    batch: Floats = np.subtract(pictures[:, window, window], here, dtype=np.float32)
    if scale != 1:
        batch *= np.float32(scale)
    return batch


def mean_to_subtract(mean_picture: Floats, kind: Mean, crop: int) -> Floats:
    """The mean in the form that a recipe subtracts; see `TrainingSettings.mean`."""
    if kind == "picture":
        return mean_picture
    if kind == "channel":
        return np.asarray(mean_picture.mean(axis=(0, 1)), dtype=np.float32)
    if kind == "centre_of_picture":
        start = (mean_picture.shape[0] - crop) // 2
        return mean_picture[start : start + crop, start : start + crop]
    assert_never(kind)

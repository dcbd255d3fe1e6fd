"""Frequency- and orientation-selective first-layer kernels, and coloured blobs (section 6.1, Figure 3).

A kernel is looked at in its dominant colour. Its power at the frequencies of a fine grid (that of the kernel
with zeros around it) says at which frequency and orientation it answers most, and how much of its answer
lies near that orientation. Whether that is much is judged against the kernel's own values shuffled in space.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from repro import randomness
from repro.measurement.first_layer.kernels import chroma_shares, first_kernels, live
from repro.measurement.subject import Measured, Subject

VERSION = 1

Floats = npt.NDArray[np.float64]
Bits = npt.NDArray[np.bool_]

LEVEL = 0.01
"""A kernel is orientation-selective when at most this share of its shuffled copies is as concentrated."""
HALF_WIDTH = 22.5
"""Degrees to either side of the preferred orientation that count as near it."""
FREQUENCY_SELECTIVE = 0.5
"""Uniform light may give at most this share of the power at the preferred frequency."""
COLOURED = 0.5
"""A coloured kernel has more than this share of its energy off the grey axis."""
BINS = 6
_FINER = 5
_LEAST_SIDE = 3


@dataclass(frozen=True)
class Spectra:
    """What kernels (n) answer to."""

    orientation: Floats
    """Preferred orientation, degrees from 0 to 180."""
    frequency: Floats
    """Preferred frequency, cycles a pixel."""
    concentration: Floats
    """Share of the power within HALF_WIDTH of the preferred orientation; NaN for a kernel of zeros."""
    uniform: Floats
    """Power at frequency 0 over that at the preferred frequency."""


def measure(subject: Subject, *, selectivity_permutations: int) -> Measured:
    """Shares and counts among live kernels of the trained net, and among all kernels of the untrained one."""
    now, start = first_kernels(subject.net), first_kernels(subject.untrained)
    names = ("selective_kernels", "orientation_bins", "frequency_octaves", "colour_blobs")
    scalars: dict[str, Any] = dict.fromkeys((*names, "selective_kernels_initial", "orientation_bins_initial"), None)
    if min(start.shape[2:]) < _LEAST_SIDE:
        return Measured(scalars)
    spectra, oriented = spectra_of(start), orientation_selective(start, selectivity_permutations)
    selective = oriented & (spectra.uniform <= FREQUENCY_SELECTIVE)
    scalars["selective_kernels_initial"] = float(selective.mean())
    scalars["orientation_bins_initial"] = occupied_bins(spectra.orientation[selective])
    if np.isfinite(now).all():
        alive = live(now, start)
        spectra, oriented = spectra_of(now), orientation_selective(now, selectivity_permutations)
        selective = alive & oriented & (spectra.uniform <= FREQUENCY_SELECTIVE)
        scalars["selective_kernels"] = float(selective.sum() / max(int(alive.sum()), 1))
        scalars["orientation_bins"] = occupied_bins(spectra.orientation[selective])
        scalars["frequency_octaves"] = octaves(spectra.frequency[selective])
        scalars["colour_blobs"] = int((alive & ~oriented & blobs(now, spectra)).sum())
    return Measured(scalars)


def spectra_of(kernels: npt.NDArray[Any]) -> Spectra:
    """The spectra of kernels (n, 3, h, w), each in its dominant colour."""
    shades = dominant_colour(kernels)
    grid = _grid(*kernels.shape[2:])
    power = grid.power(shades)
    peak = power.argmax(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        uniform = shades.sum(axis=1) ** 2 / power[np.arange(len(power)), peak]
    return Spectra(grid.orientation[peak], grid.frequency[peak], grid.concentration(power), uniform)


def orientation_selective(kernels: npt.NDArray[Any], permutations: int) -> Bits:
    """Which kernels (n, 3, h, w) are more concentrated than their values shuffled in space: p at most LEVEL."""
    shades = dominant_colour(kernels)
    grid = _grid(*kernels.shape[2:])
    own = grid.concentration(grid.power(shades))
    result = np.zeros(len(shades), dtype=bool)
    for number, values in enumerate(shades):
        copies = np.tile(values, (permutations, 1))
        shuffled = randomness.generator("shuffled kernels", number).permuted(copies, axis=1)
        as_much = int((grid.concentration(grid.power(shuffled)) >= own[number]).sum())
        result[number] = (as_much + 1) / (permutations + 1) <= LEVEL and np.isfinite(own[number])
    return result


def dominant_colour(kernels: npt.NDArray[Any]) -> Floats:
    """Kernels (n, 3, h, w) projected on the direction in RGB that holds most of their energy: (n, h * w)."""
    flat = np.asarray(kernels, dtype=np.float64).reshape(len(kernels), 3, -1)
    left, _, _ = np.linalg.svd(flat, full_matrices=False)
    return np.asarray(np.einsum("nc,ncp->np", left[:, :, 0], flat))


def blobs(kernels: npt.NDArray[Any], spectra: Spectra) -> Bits:
    """Which kernels are coloured and answer most to less than one cycle across their width."""
    return np.asarray((chroma_shares(kernels) > COLOURED) & (spectra.frequency * kernels.shape[3] < 1))


def occupied_bins(orientations: Floats) -> int:
    """How many of six bins of 30 degrees hold an orientation; the first is centred on 0."""
    width = 180 / BINS
    return len(np.unique(np.floor(orientations / width + 0.5) % BINS))


def octaves(frequencies: Floats) -> float:
    """Range of frequencies in octaves; 0 for fewer than two."""
    return math.log2(frequencies.max() / frequencies.min()) if len(frequencies) else 0.0


class _Grid:
    """Half of the frequencies of an h x w kernel in a square of zeros (the other half mirrors it).

    Without 0, which has no orientation, and without the highest, whose orientation is ambiguous.
    """

    def __init__(self, height: int, width: int) -> None:
        side = 1 << math.ceil(math.log2(_FINER * max(height, width)))
        up, right = np.mgrid[0 : side // 2, -side // 2 + 1 : side // 2]
        half = (up > 0) | (right > 0)
        up, right = up[half] / side, right[half] / side
        self.frequency: Floats = np.hypot(up, right)
        self.orientation: Floats = np.degrees(np.arctan2(up, right)) % 180
        rows, columns = np.mgrid[0:height, 0:width].reshape(2, -1, 1)
        phase = 2 * np.pi * (rows * up + columns * right)
        self._waves = np.cos(phase).astype(np.float32), np.sin(phase).astype(np.float32)
        apart = np.abs(self.orientation[:, None] - self.orientation[None])
        self._near = (np.minimum(apart, 180 - apart) <= HALF_WIDTH).astype(np.float32)

    def power(self, values: Floats) -> npt.NDArray[np.float32]:
        """Power at each frequency (n, frequencies) of kernels (n, h * w)."""
        cosine, sine = (values.astype(np.float32) @ wave for wave in self._waves)
        return np.asarray(cosine**2 + sine**2)

    def concentration(self, power: npt.NDArray[np.float32]) -> Floats:
        """Share of the power near the orientation of the strongest frequency."""
        near = np.einsum("nf,nf->n", power, self._near[power.argmax(axis=1)])
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(near / power.sum(axis=1), dtype=np.float64)


@lru_cache
def _grid(height: int, width: int) -> _Grid:
    return _Grid(height, width)

"""Gabor functions fitted to first-layer kernels: stripes of one orientation and frequency under a Gaussian.

A kernel (3, h, w) is first reduced to the pattern along its dominant colour direction (section 6.1 speaks of
frequency and orientation, which have no colour). Given place, widths, orientation and frequency, amplitude and
phase are linear and solved exactly: a coarse grid of the others finds the start, least squares the rest.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import optimize

Floats = npt.NDArray[np.float64]
_NARROWEST = 0.6
"""Pixels: a narrower Gaussian is a single weight."""
_MOST_EVALUATIONS = 300


@dataclass(frozen=True)
class GaborFit:
    """A fitted kernel.

    orientation  of the stripes, degrees in [0, 180), anticlockwise from the horizontal
    frequency    cycles per pixel
    explained    share of the pattern's energy that the fit explains
    picture      the fit in the kernel's dominant colour, (3, h, w)
    """

    orientation: float
    frequency: float
    explained: float
    picture: Floats


def fit_gabor(kernel: npt.NDArray[Any]) -> GaborFit | None:
    """The best Gabor function for a kernel (3, h, w); None for a kernel of zeros or one too small to fit."""
    values = np.nan_to_num(np.asarray(kernel, dtype=np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    height, width = values.shape[1:]
    if min(height, width) < 3 or not np.abs(values).max(initial=0.0) > 0:
        return None
    left, scales, right = np.linalg.svd(values.reshape(3, -1), full_matrices=False)
    colour, pattern = left[:, 0], (scales[0] * right[0]).reshape(height, width)
    grid = _Grid.of(height, width)

    def left_over(free: Floats) -> Floats:
        return np.asarray(grid.fitted(grid.inside(free), pattern) - pattern).ravel()

    found = optimize.leastsq(left_over, grid.free(_start(pattern)), maxfev=_MOST_EVALUATIONS, full_output=True)
    best = grid.inside(np.asarray(found[0], dtype=np.float64))
    fitted = grid.fitted(best, pattern)
    return GaborFit(
        # The wave runs along best[2] with rows counted downwards; the stripes stand across it.
        orientation=round((90.0 - math.degrees(best[2])) % 180.0, 1) % 180.0,
        frequency=math.exp(best[3]),
        explained=max(0.0, 1.0 - float(((fitted - pattern) ** 2).sum() / (pattern**2).sum())),
        picture=colour[:, None, None] * fitted,
    )


@dataclass(frozen=True)
class _Grid:
    """Pixel places around the kernel's centre, and the ends of what may be fitted there.

    Parameters: centre x and y, direction of the wave, log frequency, log width along and across the wave.
    """

    x: Floats
    y: Floats
    bounds: tuple[Floats, Floats]

    @classmethod
    def of(cls, height: int, width: int) -> _Grid:
        y, x = np.meshgrid(np.arange(height) - (height - 1) / 2, np.arange(width) - (width - 1) / 2, indexing="ij")
        side = max(height, width)
        narrow, wide = math.log(_NARROWEST), math.log(1.5 * side)
        low = [-width / 2, -height / 2, -math.pi, math.log(0.25 / side), narrow, narrow]
        high = [width / 2, height / 2, 2 * math.pi, math.log(0.5), wide, wide]
        return cls(x, y, (np.asarray(low), np.asarray(high)))

    def inside(self, free: Floats) -> Floats:
        """Parameters within their bounds for any real numbers: the solver without bounds is the quickest."""
        low, high = self.bounds
        return np.asarray(low + (high - low) * (0.5 + np.arctan(free) / math.pi))

    def free(self, inside: Floats) -> Floats:
        """The real numbers that stand for these parameters."""
        low, high = self.bounds
        share = np.clip((inside - low) / (high - low), 0.02, 0.98)
        return np.asarray(np.tan(math.pi * (share - 0.5)))

    def basis(self, p: Floats) -> Floats:
        """Cosine and sine under the Gaussian with these parameters, (pixels, 2)."""
        x, y = self.x - p[0], self.y - p[1]
        cos, sin = math.cos(p[2]), math.sin(p[2])
        along, across = x * cos + y * sin, y * cos - x * sin
        envelope = np.exp(-0.5 * ((along / math.exp(p[4])) ** 2 + (across / math.exp(p[5])) ** 2))
        wave = 2 * math.pi * math.exp(p[3]) * along
        return np.stack([(envelope * np.cos(wave)).ravel(), (envelope * np.sin(wave)).ravel()], axis=1)

    def fitted(self, p: Floats, pattern: Floats) -> Floats:
        """The function with these parameters, and the amplitude and phase that come nearest to the pattern."""
        basis = self.basis(p)
        gram = basis.T @ basis + 1e-9 * np.eye(2)
        return np.asarray(basis @ np.linalg.solve(gram, basis.T @ pattern.ravel())).reshape(pattern.shape)


def _start(pattern: Floats) -> Floats:
    """The parameters of the coarse grid that explain the most of a pattern."""
    parameters, bases = _coarse(*pattern.shape)
    explained = ((bases @ pattern.ravel()) ** 2).sum(axis=1)
    return np.asarray(parameters[int(explained.argmax())])


@lru_cache(maxsize=4)
def _coarse(height: int, width: int) -> tuple[Floats, Floats]:
    """A grid of parameters (n, 6) and their bases made orthonormal, (n, 2, pixels)."""
    grid, side = _Grid.of(height, width), max(height, width)
    places = [share * side for share in (-0.22, 0.0, 0.22)]
    angles = [math.pi * step / 12 for step in range(12)]
    waves = [math.log(cycles / side) for cycles in (0.4, 0.8, 1.2, 1.7, 2.4, 3.4) if cycles / side <= 0.5]
    widths = [math.log(share * side) for share in (0.16, 0.3)]
    parameters = np.asarray(list(itertools.product(places, places, angles, waves, widths, widths)))
    return parameters, np.stack([np.linalg.qr(grid.basis(p))[0].T for p in parameters])

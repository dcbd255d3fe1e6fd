"""The mean picture and the covariance of colours, summed in whole numbers: no order of adding matters."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from repro.data.layouts.layout import Pixels

_AT_ONCE = 1 << 20


class ColourSums:
    """Sums over training pictures (n, S, S, 3): per pixel, per colour, and of products of colours.

    All are whole numbers below 2**53 (for up to 2 million pictures at 256 px), hence exact: the same with any
    number of workers and after any interruption.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.per_pixel = np.zeros((size, size, 3), np.uint64)
        self.products = np.zeros((3, 3), np.float64)

    def add(self, pictures: Pixels) -> None:
        """Add a block of pictures."""
        self.per_pixel += np.add.reduce(pictures, axis=0, dtype=np.uint32)
        step = max(1, _AT_ONCE // (self.size * self.size))
        for start in range(0, len(pictures), step):
            # torch rather than numpy: its one thread is under our control, BLAS would take all cores.
            colours = torch.from_numpy(pictures[start : start + step]).reshape(-1, 3).to(torch.float64)
            self.products += (colours.T @ colours).numpy()

    def merge(self, other: ColourSums) -> None:
        """Add the sums of other pictures."""
        self.per_pixel += other.per_pixel
        self.products += other.products

    def mean_picture(self, count: int) -> npt.NDArray[np.float32]:
        """Mean (S, S, 3) over `count` pictures, grey levels 0 to 255."""
        return (self.per_pixel.astype(np.float64) / count).astype(np.float32)

    def summary(self, count: int) -> dict[str, Any]:
        """Mean, covariance, eigenvectors (columns, largest first, largest part positive) and deviations of
        RGB.
        """
        pixels = count * self.size * self.size
        sums = [int(value) for value in self.per_pixel.sum(axis=(0, 1))]
        covariance = np.array(
            [
                [
                    (pixels * int(self.products[i, j]) - sums[i] * sums[j]) / (pixels * pixels)
                    for j in range(3)
                ]
                for i in range(3)
            ]
        )
        values, vectors = np.linalg.eigh(covariance)
        values, vectors = values[::-1], vectors[:, ::-1]
        signs = np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(3)])
        return {
            "mean": [value / pixels for value in sums],
            "covariance": covariance.tolist(),
            "eigenvectors": (vectors * signs).tolist(),
            "deviations": np.sqrt(np.clip(values, 0, None)).tolist(),
        }

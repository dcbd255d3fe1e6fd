"""The mean picture and the covariance of colours, summed in whole numbers: no order of adding matters."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from repro.data.layouts.layout import Pixels

_AT_ONCE = 1 << 16  # pixels; small enough to stay in the cache


class ColourSums:
    """Sums over training pictures (n, S, S, 3): per pixel, per colour, and of products of colours.

    All are whole numbers, hence exact: the same with any number of workers and after any interruption.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.per_pixel = np.zeros((size, size, 3), np.uint64)
        self.products = [[0, 0, 0], [0, 0, 0], [0, 0, 0]]

    def add(self, pictures: Pixels) -> None:
        """Add a block of pictures."""
        self.per_pixel += np.add.reduce(pictures, axis=0, dtype=np.uint32)
        step = max(1, _AT_ONCE // (self.size * self.size))
        for start in range(0, len(pictures), step):
            planes = pictures[start : start + step].reshape(-1, 3).T.astype(np.uint16, order="C")
            for i in range(3):
                for j in range(i, 3):  # 255 * 255 still fits 16 bits
                    product = int(np.add.reduce(planes[i] * planes[j], dtype=np.uint64))
                    self.products[i][j] += product
                    self.products[j][i] += product if i != j else 0

    def merge(self, other: ColourSums) -> None:
        """Add the sums of other pictures."""
        self.per_pixel += other.per_pixel
        for mine, theirs in zip(self.products, other.products, strict=True):
            mine[:] = [left + right for left, right in zip(mine, theirs, strict=True)]

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
                [(pixels * self.products[i][j] - sums[i] * sums[j]) / (pixels * pixels) for j in range(3)]
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

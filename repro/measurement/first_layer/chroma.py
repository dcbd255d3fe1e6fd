"""How much of what moves a first-layer kernel is colour (section 6.1): its chroma response to natural patches.

A patch is a grey part, the mean of its three channels in each of them, and what is left, its chroma part. A kernel's
response is the sum of its responses to the two; its chroma share is v_c / (v_g + v_c), with the variances of these
two over patches of the training pictures. So a kernel counts as coloured by what it answers in pictures, where
neighbouring pixels are alike and colours are pale, and not by what its weights could answer.

Pure numpy. The patches are drawn by a fixed key, so that all runs on the same pictures are measured on the same ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from repro import randomness
from repro.data.packed import Pictures

Floats = npt.NDArray[np.float64]

PATCHES = 10_000


@dataclass(frozen=True)
class PatchColours:
    """Covariances over patches (h, w): of their grey parts (h * w) and of their chroma parts (3 * h * w)."""

    grey: Floats
    chroma: Floats

    @classmethod
    def of(cls, patches: npt.NDArray[np.floating[Any]]) -> PatchColours:
        """patches: (n, h, w, 3)."""
        values = np.asarray(patches, dtype=np.float64)
        grey = values.mean(axis=-1, keepdims=True)
        chroma = np.moveaxis(values - grey, -1, 1)
        return cls(_covariance(grey.reshape(len(values), -1)), _covariance(chroma.reshape(len(values), -1)))


def natural_patches(
    pictures: Pictures, mean: npt.NDArray[np.float32], height: int, width: int, n: int = PATCHES
) -> npt.NDArray[np.float32]:
    """`n` patches (n, height, width, 3) of pictures (N, S, S, 3), less the mean picture (S, S, 3) where each lies."""
    count, size = pictures.shape[0], pictures.shape[1]
    which = _choice("picture", n, count)
    tops, lefts = _choice("top", n, size - height + 1), _choice("left", n, size - width + 1)
    patches = np.empty((n, height, width, 3), dtype=np.float32)
    for index, (picture, top, left) in enumerate(zip(which.tolist(), tops.tolist(), lefts.tolist(), strict=True)):
        rows, columns = slice(top, top + height), slice(left, left + width)
        np.subtract(pictures[picture, rows, columns], mean[rows, columns], out=patches[index], dtype=np.float32)
    return patches


def chroma_responses(kernels: npt.NDArray[Any], colours: PatchColours) -> Floats:
    """The chroma share of each kernel (n, 3, h, w), in [0, 1]; NaN for one whose both variances are 0."""
    kernels = np.asarray(kernels, dtype=np.float64)
    n = len(kernels)
    # The response to a grey patch is that of the channels' sum, the response to a chroma patch that of what is off
    # the kernel's own grey axis: taking these parts of the kernel too keeps rounding out of a share of 0.
    summed = kernels.sum(axis=1).reshape(n, -1)
    coloured = (kernels - kernels.mean(axis=1, keepdims=True)).reshape(n, -1)
    grey, chroma = _variances(summed, colours.grey), _variances(coloured, colours.chroma)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(grey + chroma > 0, chroma / (grey + chroma), np.nan)


def input_vector(weights: npt.NDArray[Any]) -> Floats:
    """What a layer reads of the one before: the first right singular vector (in) of its absolute weights.

    weights: (out, in, h, w); absolute values are summed over the kernels' positions. Its sum is not negative.
    """
    matrix = np.abs(np.asarray(weights, dtype=np.float64)).sum(axis=(2, 3))
    vector: Floats = np.linalg.svd(matrix, full_matrices=False)[2][0]
    return -vector if vector.sum() < 0 else vector


def _covariance(values: Floats) -> Floats:
    centred = values - values.mean(axis=0)
    covariance: Floats = centred.T @ centred / len(values)
    return covariance


def _variances(weights: Floats, covariance: Floats) -> Floats:
    """Of responses with each row of `weights`; not below 0, where rounding would put one that is 0."""
    variances: Floats = np.maximum(np.einsum("ij,ij->i", weights @ covariance, weights), 0.0)
    return variances


def _choice(purpose: str, n: int, below: int) -> npt.NDArray[np.int64]:
    """`n` numbers from 0 to `below` - 1."""
    return (randomness.uniform(randomness.key("natural patches", purpose), np.arange(n)) * below).astype(np.int64)

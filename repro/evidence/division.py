"""J, the division of labour between two towers (section 6.1): one number per net, from shares per kernel.

A kernel's chroma share is the part of its response variance over natural patches that comes from the patches'
chroma, in [0, 1] (`repro/measurement/first_layer/chroma.py`). A kernel above `COLOUR_SPECIFIC` is colour-specific, else
colour-agnostic. J is the difference between the two towers' shares of colour-specific kernels, without its sign,
because the numbering of towers means nothing: 0 when both towers hold the same mixture, 1 when one holds nothing
but colour-specific kernels and the other none.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

COLOUR_SPECIFIC = 0.25
"""Chroma share above which a kernel is colour-specific: between the two heaps that trained nets' kernels form."""


def _halves(values: npt.NDArray[np.generic]) -> tuple[npt.NDArray[np.generic], npt.NDArray[np.generic]]:
    """What tower 0 and tower 1 hold of values with one entry per first-layer kernel; a dense net's are cut in the
    middle, the registered arbitrary halves."""
    middle = len(values) // 2
    return values[:middle], values[middle:]


def specific_counts(
    shares: npt.NDArray[np.floating], live: npt.NDArray[np.bool_], above: float = COLOUR_SPECIFIC
) -> tuple[tuple[int, int], tuple[int, int]]:
    """Colour-specific kernels and live kernels: ((specific, live) of tower 0, (specific, live) of tower 1).

    shares, live: shape (kernels,), tower 0's first. Kernels that are not live or have no share are not counted.
    """
    if shares.shape != live.shape or shares.ndim != 1:
        raise ValueError(f"shares of shape {shares.shape} do not match live flags of shape {live.shape}")
    counted = live.astype(bool) & np.isfinite(shares)
    specific = counted & (np.nan_to_num(shares) > above)
    (first, second), (of_first, of_second) = _halves(specific), _halves(counted)
    return (int(first.sum()), int(of_first.sum())), (int(second.sum()), int(of_second.sum()))


def division(shares: npt.NDArray[np.floating], live: npt.NDArray[np.bool_], above: float = COLOUR_SPECIFIC) -> float:
    """J of one net, in [0, 1]; NaN when a tower has no live kernel. Arguments as of `specific_counts`."""
    (first, of_first), (second, of_second) = specific_counts(shares, live, above)
    if not of_first or not of_second:
        return math.nan
    return abs(first / of_first - second / of_second)

"""Do the towers' first-layer kernels divide labour between colour and form (section 6.1, Figure 3)?

Per kernel: the chroma share of its responses to natural patches (`repro/measurement/first_layer/chroma.py`); above a
registered threshold it is colour-specific, else colour-agnostic. Per net: J, the difference between the towers'
shares of colour-specific live kernels (`repro/evidence/division.py`).

J answers to what the statement says, a division of two kinds of kernel. A ranking of kernels by chroma share does
not: two grey towers whose kernels differ in a trace of colour are ranked perfectly. The permutation p holds for
kernels that are exchangeable; kernels of one tower were trained together, so p alone proves little, and the
reference of a claim is dense nets, compared over seeds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
import numpy.typing as npt

from repro.evidence.division import specific_counts
from repro.randomness import generator

Counts = tuple[int, int]
"""A number of tower 0's kernels, and one of tower 1's."""
REMATCHES = 9_999
MOST_EXACT_NETS = 6


@dataclass(frozen=True)
class NetDivision:
    """How one net's two towers (a dense net's two halves) divide their kernels.

    specific  colour-specific live kernels of each tower
    live      live kernels of each tower
    kernels   all kernels of each tower
    """

    specific: Counts
    live: Counts
    kernels: Counts

    @property
    def shares(self) -> tuple[float, float]:
        """Of each tower's live kernels the part that is colour-specific."""
        return self.specific[0] / self.live[0], self.specific[1] / self.live[1]

    @property
    def j(self) -> float:
        """The difference between the towers' shares, in [0, 1]."""
        return abs(self.shares[0] - self.shares[1])

    @property
    def p(self) -> float:
        """Exact permutation p of J: of all ways to deal the live kernels to the towers, the part with a J as large."""
        return division_p(self.specific, self.live)

    @property
    def colour_tower(self) -> Literal[0, 1]:
        """The tower with the larger share of colour-specific kernels (0 where they are equal)."""
        return 1 if self.shares[1] > self.shares[0] else 0

    def largely(self, majority: float) -> bool:
        """Whether at least `majority` of the grey tower is colour-agnostic and of the colour tower specific."""
        low, high = sorted(self.shares)
        slack = 1e-9  # 16 of 24 are two thirds, whatever floats say
        return 1 - low >= majority - slack and high >= majority - slack


def net_division(shares: npt.NDArray[np.floating], live: npt.NDArray[np.bool_], above: float) -> NetDivision:
    """How the kernels of one net divide between its towers.

    shares, live  shape (kernels,), tower 0's first: chroma shares, and which kernels are live
    above         chroma share above which a kernel is colour-specific

    Kernels that are not live or have no share are not counted; a tower may then have none left, which the caller
    has to refuse.
    """
    (first, of_first), (second, of_second) = specific_counts(shares, live, above)
    middle = len(shares) // 2
    return NetDivision((first, second), (of_first, of_second), (middle, len(shares) - middle))


@lru_cache(maxsize=4096)
def division_p(specific: Counts, live: Counts) -> float:
    """P(J at least as large) when `sum(specific)` of `sum(live)` kernels are dealt to towers of `live` kernels each.

    Exact, by the hypergeometric distribution in whole numbers.
    """
    coloured, (first, second) = sum(specific), live

    def distance(in_first: int) -> int:
        """J times first x second: a whole number, so that equal values compare as equal."""
        return abs(in_first * second - (coloured - in_first) * first)

    observed = distance(specific[0])
    ways = {
        in_first: math.comb(first, in_first) * math.comb(second, coloured - in_first)
        for in_first in range(max(0, coloured - second), min(first, coloured) + 1)
    }
    return sum(count for in_first, count in ways.items() if distance(in_first) >= observed) / sum(ways.values())


def rematch_p(tower_shares: npt.ArrayLike) -> float:
    """The permutation p of H0 "nets pair a colour tower with a grey one no more often than random matching would".

    tower_shares: shape (nets, 2), the part of each tower's live kernels that is colour-specific. Statistic: the
    sum over nets of the towers' difference. Exact up to 6 nets, else 9,999 random matchings. Towers that merely
    differ, each by its own luck, pass a comparison with dense nets and not this one. It is valid under any
    dependence inside a tower, and blunt: perfect division gives 2^n n!^2 / (2n)!, so below 7 nets it cannot decide.
    """
    means = np.asarray(tower_shares, dtype=np.float64)
    if means.ndim != 2 or means.shape[1] != 2 or not np.isfinite(means).all():
        raise ValueError(f"finite shares of shape (nets, 2) are needed, got {means.shape}")
    nets = means.shape[0]
    pooled = means.ravel()
    observed = float(np.abs(means[:, 0] - means[:, 1]).sum())
    if nets <= MOST_EXACT_NETS:
        matchings, extra = _matchings(nets), 0
    else:
        rng = generator("rematch towers", nets)
        matchings = np.argsort(rng.random((REMATCHES, 2 * nets)), axis=1).reshape(REMATCHES, nets, 2)
        extra = 1
    sums = np.abs(pooled[matchings[..., 0]] - pooled[matchings[..., 1]]).sum(axis=1)
    slack = 1e-12 * max(1.0, observed)
    return (int((sums >= observed - slack).sum()) + extra) / (len(sums) + extra)


@lru_cache(maxsize=8)
def _matchings(nets: int) -> npt.NDArray[np.intp]:
    """All ways to match 2 x nets towers into pairs, shape (ways, nets, 2)."""

    def matched(left: tuple[int, ...]) -> list[list[tuple[int, int]]]:
        if not left:
            return [[]]
        first, rest = left[0], left[1:]
        return [
            [(first, partner), *others]
            for index, partner in enumerate(rest)
            for others in matched(rest[:index] + rest[index + 1 :])
        ]

    return np.array(matched(tuple(range(2 * nets))), dtype=np.intp)

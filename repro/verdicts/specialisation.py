"""Do the towers' first-layer kernels divide colour and form between them (section 6.1, Figure 3)?

Input are chroma shares, one per kernel (the share of its energy off the grey axis, in [0, 1]), and which
kernels are live; both are measured elsewhere. The statistic per net is the AUC of chroma share between the
two towers' live kernels, folded (max(AUC, 1 - AUC)), because the numbering of towers means nothing.

Two cautions shape the rules. The permutation null holds for kernels that are exchangeable; kernels of one
tower were trained together, so a small p alone proves little: a state needs an effect size too, and the
reference for a claim is a control of dense nets, compared over seeds. Folded, chance gives more than 0.5.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import special

from repro.randomness import generator
from repro.verdicts.exact import rank_sum
from repro.verdicts.finding import NotEvaluated
from repro.verdicts.statistics import Values, finite_values

State = Literal["specialised", "not", "unclear"]
Mask = Sequence[bool] | npt.NDArray[np.bool_]
ENOUGH = 0.80
"""Folded AUC from which a net counts as specialised."""
LEVEL = 0.05
FEWEST_LIVE = 8
MOST_EXCLUDED = 0.25
REMATCHES = 9_999
MOST_EXACT_NETS = 6


@dataclass(frozen=True)
class TowerSplit:
    """How far one net's towers differ in chroma share.

    auc           P(a kernel of tower 1 has the larger share), ties half; folded = max(auc, 1 - auc)
    se            Hanley-McNeil standard error of the folded AUC
    p             exact permutation p of the folded AUC
    p_not         one-sided p of H0 "the folded AUC is at least 0.80"
    state         "specialised": p <= 0.05 and folded >= 0.80; "not": folded clearly below 0.80;
                  else "unclear"
    colour_tower  0 or 1: the tower with the larger shares
    live          live kernels per tower
    excluded      kernels left out per tower
    """

    auc: float
    folded: float
    se: float
    p: float
    p_not: float
    state: State
    colour_tower: Literal[0, 1]
    live: tuple[int, int]
    excluded: tuple[int, int]


def auc(x: Values, y: Values) -> float:
    """P(x > y) + P(x = y) / 2 over all pairs."""
    a, b = finite_values(x), finite_values(y)
    doubled, _ = rank_sum(a, b)
    return float((doubled / 2 - a.size * (a.size + 1) / 2) / (a.size * b.size))


def folded(value: float) -> float:
    """The AUC without regard to which group is which."""
    return max(value, 1.0 - value)


def folded_p(x: Values, y: Values) -> float:
    """Exact P(folded AUC at least as large) if all arrangements are alike; ties included."""
    observed, null = rank_sum(x, y)
    centre = len(x) * (len(x) + len(y) + 1)
    distance = np.abs(np.arange(null.size) - centre)
    return float(min(1.0, null[distance >= abs(observed - centre)].sum()))


def folded_null(n0: int, n1: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Values that the folded AUC can take without ties, ascending, and P(folded AUC >= value) of each."""
    _, null = rank_sum(np.arange(float(n0)), np.arange(float(n0), float(n0 + n1)))
    per_u = null[n0 * (n0 + 1) : n0 * (n0 + 1) + 2 * n0 * n1 + 1 : 2]
    auc_values = np.arange(n0 * n1 + 1) / (n0 * n1)
    folded_values = np.round(np.maximum(auc_values, 1 - auc_values), 12)
    support = np.unique(folded_values)
    mass = np.bincount(np.searchsorted(support, folded_values), weights=per_u)
    return np.asarray(support, dtype=np.float64), np.asarray(np.cumsum(mass[::-1])[::-1], dtype=np.float64)


def hanley_mcneil(value: float, n0: int, n1: int) -> float:
    """Standard error of an AUC of this value between groups of n0 and n1."""
    q0 = value / (2.0 - value)
    q1 = 2.0 * value**2 / (1.0 + value)
    variance = value * (1 - value) + (n0 - 1) * (q0 - value**2) + (n1 - 1) * (q1 - value**2)
    return math.sqrt(max(variance, 0.0) / (n0 * n1))


def tower_split(chroma: tuple[Values, Values], live: tuple[Mask, Mask], *, seeds: int = 1) -> TowerSplit | NotEvaluated:
    """One net's split between tower 0 and tower 1.

    chroma, live  per tower: shares of all its kernels (those of dead ones are not looked at), and which live
    seeds         how many nets the state "not" is used on: its level is 0.05 / seeds

    NotEvaluated if a tower has more than 25 % of its kernels excluded or fewer than 8 live ones: dead kernels
    look coloured, so a verdict on them would be about noise.
    """
    shares = []
    for number, (values, mask) in enumerate(zip(chroma, live, strict=True)):
        array, alive = np.asarray(values, dtype=np.float64), np.asarray(mask, dtype=bool)
        if array.shape != alive.shape or array.ndim != 1:
            raise ValueError(f"tower {number}: {array.shape} shares do not match {alive.shape} live flags")
        kept = array[alive & np.isfinite(array)]
        if kept.size < FEWEST_LIVE or kept.size < (1 - MOST_EXCLUDED) * array.size:
            return NotEvaluated(
                "kernels",
                f"tower {number} has {kept.size} live kernels of {array.size}; "
                f"at least {FEWEST_LIVE} and {1 - MOST_EXCLUDED:.0%} are needed",
            )
        shares.append(kept)
    grey, colour = (kept.tobytes() for kept in shares)
    return _split_of(grey, colour, len(chroma[0]), len(chroma[1]), seeds)


@lru_cache(maxsize=4096)
def _split_of(first: bytes, second: bytes, kernels: int, others: int, seeds: int) -> TowerSplit:
    """The split by the live kernels' shares as bytes: each net is asked for by several claims and seeds left out."""
    grey, colour = np.frombuffer(first), np.frombuffer(second)
    value = auc(colour, grey)
    strength = folded(value)
    se = hanley_mcneil(strength, grey.size, colour.size)
    p = folded_p(grey, colour)
    p_not = float(special.ndtr((strength - ENOUGH) / se)) if se > 0.0 else 1.0
    state: State = "unclear"
    if p <= LEVEL and strength >= ENOUGH:
        state = "specialised"
    elif p_not < LEVEL / seeds:
        state = "not"
    larger = value > 0.5 or (value == 0.5 and colour.mean() > grey.mean())
    return TowerSplit(
        auc=value,
        folded=strength,
        se=se,
        p=p,
        p_not=p_not,
        state=state,
        colour_tower=1 if larger else 0,
        live=(grey.size, colour.size),
        excluded=(kernels - grey.size, others - colour.size),
    )


def largely_split(
    chroma: tuple[Values, Values], live: tuple[Mask, Mask], *, threshold: float, colour_tower: int
) -> tuple[bool, float, float]:
    """ "Largely colour-agnostic" and "largely colour-specific" as majorities of live kernels.

    Returns (whether it holds, share of the grey tower's live kernels below the threshold, share of the colour
    tower's above it); it holds if both shares exceed one half. The threshold comes from the control, fixed
    beforehand.
    """
    kept = [
        finite_values(np.asarray(values, dtype=np.float64)[np.asarray(mask, dtype=bool)])
        for values, mask in zip(chroma, live, strict=True)
    ]
    below = float((kept[1 - colour_tower] < threshold).mean())
    above = float((kept[colour_tower] > threshold).mean())
    return below > 0.5 and above > 0.5, below, above


def rematch_p(tower_means: npt.ArrayLike) -> float:
    """Do nets pair a colour with a grey tower more often than random re-matching of their towers would?

    tower_means: shape (nets, 2), mean chroma share per tower. Statistic: sum over nets of the towers'
    difference. Exact up to 6 nets, else 9,999 random matchings. Valid under any dependence inside a tower,
    and blunt: perfect complementarity gives 2^n n!^2 / (2n)!, so below 7 nets it cannot decide.
    """
    means = np.asarray(tower_means, dtype=np.float64)
    if means.ndim != 2 or means.shape[1] != 2 or not np.isfinite(means).all():
        raise ValueError(f"finite means of shape (nets, 2) are needed, got {means.shape}")
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
            for position, partner in enumerate(rest)
            for others in matched(rest[:position] + rest[position + 1 :])
        ]

    return np.array(matched(tuple(range(2 * nets))), dtype=np.intp)

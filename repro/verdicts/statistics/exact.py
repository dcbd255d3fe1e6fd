"""Exact tests on counts, ranks and permutations.

Nothing here assumes a noise shape. Rank tests enumerate the permutation distribution by counting subsets, so
ties and sample sizes make no difference: no normal approximation, no random numbers.
"""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import combinations

import numpy as np
import numpy.typing as npt
from scipy import special

from repro.randomness import generator
from repro.verdicts.statistics.estimates import Values, finite_values

Floats = npt.NDArray[np.float64]
MOST_ENUMERATED = 200_000
RESAMPLES = 19_999


def clopper_pearson(k: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Exact one-sided limits of a rate, each at `confidence`: (lower, upper).

    A two-sided interval of level 1 - alpha is clopper_pearson(k, n, 1 - alpha / 2).
    """
    lower = 0.0 if k == 0 else float(special.betaincinv(k, n - k + 1, 1 - confidence))
    upper = 1.0 if k == n else float(special.betaincinv(k + 1, n - k, confidence))
    return lower, upper


def at_least(k: int, n: int, rate: float) -> float:
    """The probability of k or more successes in n trials, each with probability `rate`."""
    if k <= 0 or k > n:
        return 1.0 if k <= 0 else 0.0
    return float(special.bdtrc(k - 1, n, rate))


def at_most(k: int, n: int, rate: float) -> float:
    """The probability of at most k successes in n trials, each with probability `rate`."""
    if k < 0 or k >= n:
        return 0.0 if k < 0 else 1.0
    return float(special.bdtr(k, n, rate))


@lru_cache(maxsize=256)
def _rank_sum_null(doubled_ranks: tuple[int, ...], k: int) -> Floats:
    """Probability of each sum of k of the given integers, all subsets alike: vector indexed by the sum."""
    ways = np.zeros((k + 1, sum(doubled_ranks) + 1))
    ways[0, 0] = 1.0
    for drawn, rank in enumerate(doubled_ranks):
        for size in range(min(k, drawn + 1), 0, -1):
            ways[size, rank:] += ways[size - 1, : ways.shape[1] - rank]
    null: Floats = ways[k] / ways[k].sum()
    null.setflags(write=False)
    return null


def mann_whitney_exact(x: Values, y: Values) -> tuple[float, float]:
    """One-sided exact p for "x tends to be larger" and for "x tends to be smaller", ties included.

    scipy's exact test allows no ties; without them the two agree.
    """
    a, b = finite_values(x), finite_values(y)
    _, group, size = np.unique(np.concatenate([a, b]), return_inverse=True, return_counts=True)
    last = np.cumsum(size)
    doubled = (2 * last - size + 1)[group]  # a tied group shares the mean of its first and last rank
    null = _rank_sum_null(tuple(sorted(int(rank) for rank in doubled)), a.size)
    observed = int(doubled[: a.size].sum())
    return float(null[observed:].sum()), float(null[: observed + 1].sum())


def permutation_tails(x: Values, y: Values) -> tuple[float, float, float]:
    """One-sided permutation p for mean(x) > mean(y) and for the opposite, and the smallest p it could give.

    As scipy.stats.permutation_test, whose import would delay the start of `pytest claims/`. Exact up to 200,000
    arrangements, else 19,999 random ones, keyed by the sample sizes.
    """
    a, b = finite_values(x), finite_values(y)
    both = np.concatenate([a, b])
    picks, extra = _arrangements(a.size, b.size)
    sums = both[picks].sum(axis=1)
    observed = a.sum()
    slack = 1e-12 * max(1.0, float(np.abs(both).sum()))
    count = len(sums) + extra
    return (
        (int((sums >= observed - slack).sum()) + extra) / count,
        (int((sums <= observed + slack).sum()) + extra) / count,
        1.0 / count,
    )


@lru_cache(maxsize=4)
def _arrangements(first: int, second: int) -> tuple[npt.NDArray[np.intp], int]:
    """Which of the pooled values the first sample may be, one row an arrangement; and how many to count beside
    them: the observed one, where they are random."""
    both = first + second
    if math.comb(both, first) <= MOST_ENUMERATED:
        return np.array(list(combinations(range(both), first)), dtype=np.intp), 0
    rng = generator("two-sample permutation", first, second)
    return np.argsort(rng.random((RESAMPLES, both)), axis=1)[:, :first], 1

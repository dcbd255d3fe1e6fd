"""What n seeds can find, and how many seeds an effect needs: the noncentral t distribution, one tail.

Two-sided tests at `alpha` throughout; the far tail is left out on purpose (a rejection on the wrong side is
no success, and scipy's far tail is NaN in places).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy import optimize, special

POWER = 0.8
MOST_SEEDS = 1000
QUADRATURE = 48


def noncentrality(df: float, alpha: float, power: float = POWER) -> float:
    """The noncentrality at which a two-sided t test at alpha with df has this power."""
    if not math.isfinite(df):
        return float(special.ndtri(1 - alpha / 2) + special.ndtri(power))
    critical = special.stdtrit(df, 1 - alpha / 2)
    return float(special.nctdtrinc(df, 1 - power, critical))


def welch_power(nc: float, n: int, alpha: float) -> float:
    """Power of Welch's test with n runs in both arms and equal true sds at nc = effect / (sd sqrt(2/n)).

    Welch's degrees of freedom are random: with equal n and sds they depend only on the ratio of the two
    sample variances, r = Beta((n-1)/2, (n-1)/2), which is independent of their sum. So the power is a mean
    over r of noncentral t tails with 2n - 2 degrees of freedom, here by Gauss-Jacobi quadrature. Taking
    df = 2n - 2 for granted would promise 7.6 sd at n = 3 and alpha 0.05/30 where 12 are needed.
    """
    critical, weights = _welch_critical(n, alpha)
    return 1.0 - float(weights @ special.nctdtr(2.0 * n - 2.0, nc, critical))


@lru_cache(maxsize=4096)
def _welch_critical(n: int, alpha: float) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Critical values of Welch's test at the nodes of the quadrature, and their weights."""
    shape = (n - 1.0) / 2.0
    nodes, weights = special.roots_jacobi(QUADRATURE, shape - 1.0, shape - 1.0)
    share = (nodes + 1.0) / 2.0
    df = (n - 1.0) / (share**2 + (1.0 - share) ** 2)
    return np.asarray(special.stdtrit(df, 1 - alpha / 2)), np.asarray(weights / weights.sum())


@lru_cache(maxsize=4096)
def welch_noncentrality(n: int, alpha: float, power: float = POWER) -> float:
    """The noncentrality at which Welch's test with n runs in both arms has this power."""
    highest = noncentrality(n - 1.0, alpha, power) * 1.01
    return float(optimize.brentq(lambda nc: power - welch_power(nc, n, alpha), 0.0, highest, xtol=1e-4))


def minimum_detectable_effect(sd: float, n: int, alpha: float, power: float = POWER) -> float:
    """The difference that Welch's test finds with this power, n >= 2 runs in both arms, sd that of a run."""
    return welch_noncentrality(n, alpha, power) * sd * math.sqrt(2 / n)


def sd_upper(sd: float, df: float, confidence: float = 0.8) -> float:
    """Upper confidence limit of an sd. Planning with the sd itself misses its power half of the time."""
    return sd * math.sqrt(df / float(special.chdtri(df, confidence)))


def n_needed(
    effect: float,
    sd: float,
    alpha: float,
    power: float = POWER,
    arms: int = 2,
    fixed_se: float = 0.0,
) -> int | None:
    """The fewest replicates per arm with at least this power for `effect`; None if 1,000 do not suffice.

    `fixed_se` is the part of the standard error that more seeds do not shrink. `sd` should be an upper limit
    (`sd_upper`), `effect` a registered one, never the observed one.
    """
    if not (effect > 0.0 and math.isfinite(sd)):
        return None

    def enough(n: int) -> bool:
        seeds = sd * math.sqrt(arms / n)
        se = math.hypot(seeds, fixed_se)
        if se == 0.0:
            return True
        if arms == 2 and fixed_se == 0.0:
            return effect >= welch_noncentrality(n, alpha, power) * se
        df = arms * (n - 1.0) * (se / seeds) ** 4 if seeds > 0 else math.inf
        return effect >= noncentrality(df, alpha, power) * se

    return fewest(enough, 2)


def fewest(enough: Callable[[int], bool], start: int) -> int | None:
    """The smallest n in [start, 1,000] that is enough, for a condition that once true stays true."""
    if not enough(MOST_SEEDS):
        return None
    low, high = start - 1, MOST_SEEDS
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high

"""Comparisons over seeds: what the t family can say about a few runs.

The unit of replication is the seed (a training run), never a picture or a kernel. Everything here is a pure
function of arrays; distributions are scipy's. Values must be finite: a run without a number is the caller's
business (chance value of a collapsed run, or no evaluation at all), so non-finite values raise ValueError.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

Values = Sequence[float] | npt.NDArray[np.float64]
FEW = 64
"""Up to so many values plain arithmetic is several times faster than numpy's; seeds are few."""
SMALLEST_P = 1e-12
"""t p values are floored here: further out the normality that they assume is fiction."""
T_CAUTION = 5 / 3
"""t p values are multiplied by this, and intervals widened to match: runs whose deviations have one long tail make
a bare t test too bold. The simulation in docs/verdicts.md shows what the factor buys."""


@dataclass(frozen=True)
class Estimate:
    """A mean or a difference of means with its standard error.

    value      the estimate
    se         its standard error (NaN with fewer than two replicates; 0 only without spread and floor)
    df         degrees of freedom of se
    n          replicates per arm
    sd         sd of one replicate: of a run (root mean square over the arms) or of a paired difference
    fixed_se   the part of se that more seeds do not shrink (test pictures shared by all seeds)
    no_spread  the replicates do not differ at all
    """

    value: float
    se: float
    df: float
    n: tuple[int, ...]
    sd: float
    fixed_se: float = 0.0
    no_spread: bool = False

    def tails(self, at: float = 0.0) -> tuple[float, float]:
        """One-sided p of H0 "parameter <= at" and of H0 "parameter >= at".

        Multiplied by T_CAUTION. Both are 1 where nothing can be said: fewer than two replicates, or no spread and
        no sd floor (scipy would answer p = 0 or NaN there).
        """
        if not self.se > 0.0:
            return 1.0, 1.0
        t = (self.value - at) / self.se
        above, below = float(special.stdtr(self.df, -t)), float(special.stdtr(self.df, t))
        return (
            min(1.0, T_CAUTION * max(above, SMALLEST_P)),
            min(1.0, T_CAUTION * max(below, SMALLEST_P)),
        )

    def margin(self, lo: float, hi: float) -> tuple[float, float]:
        """p of H0 "outside (lo, hi)", by two one-sided tests, and of H0 "inside", on the nearer side.

        One of the limits may be infinite.
        """
        above_lo, below_lo = (0.0, 1.0) if math.isinf(lo) else self.tails(lo)
        above_hi, below_hi = (1.0, 0.0) if math.isinf(hi) else self.tails(hi)
        return max(above_lo, below_hi), min(below_lo, above_hi)

    def interval(self, alpha: float = 0.05) -> tuple[float, float]:
        """The values that a two-sided test at alpha does not reject: a t interval of level 1 - alpha / T_CAUTION.

        (nan, nan) where se says nothing.
        """
        if not self.se > 0.0:
            return math.nan, math.nan
        half = float(special.stdtrit(self.df, 1.0 - alpha / T_CAUTION / 2.0)) * self.se
        return self.value - half, self.value + half


def finite_values(values: Values) -> npt.NDArray[np.float64]:
    """`values` as a float64 vector; ValueError if empty, of another shape, or not finite."""
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"a vector of at least one value is needed, got shape {array.shape}")
    if not (math.isfinite(sum(array.tolist())) if array.size <= FEW else np.isfinite(array).all()):
        raise ValueError("values must be finite: replace or refuse runs without a number before testing")
    return array


def sd_floor(discordant: Values | None = None, pictures: int | None = None, step: float = 0.0) -> float:
    """The smallest sd that a difference between two runs' error rates can honestly have.

    discordant  per seed, on how many of the `pictures` exactly one of the two nets errs (b + c)
    step        the step with which the metric was stored (0 = unrounded)

    Few seeds may agree by accident, but each error rate still carries the binomial noise of its pictures:
    sqrt(b + c) / N, and rounding noise of at least step / sqrt(6).
    """
    floor = step / math.sqrt(6.0)
    if discordant is not None:
        if not pictures:
            raise ValueError("discordant counts need the number of pictures")
        floor = max(floor, float(np.sqrt(finite_values(discordant)).mean()) / pictures)
    return floor


def one_sample(values: Values, *, floor: float = 0.0) -> Estimate:
    """Mean of one arm. `floor`: smallest sd admitted for one value."""
    x = finite_values(values)
    n = x.size
    if n < 2:
        return Estimate(_mean(x), math.nan, math.nan, (n,), math.nan)
    raw = _sd(x)
    sd = max(raw, floor)
    return Estimate(_mean(x), sd / math.sqrt(n), n - 1.0, (n,), sd, no_spread=raw == 0.0)


def paired(first: Values, second: Values, *, floor: float = 0.0) -> Estimate:
    """Mean of first - second, replicate by replicate (same seed, or same net)."""
    a, b = finite_values(first), finite_values(second)
    if a.size != b.size:
        raise ValueError(f"paired arms need equal lengths, got {a.size} and {b.size}")
    estimate = one_sample(a - b, floor=floor)
    return Estimate(
        estimate.value,
        estimate.se,
        estimate.df,
        (a.size, a.size),
        estimate.sd,
        no_spread=estimate.no_spread,
    )


def welch(first: Values, second: Values, *, floor: float = 0.0) -> Estimate:
    """Mean of first minus mean of second with Welch's standard error and degrees of freedom.

    `floor`: smallest sd admitted for a difference of two runs (`sd_floor`).
    """
    a, b = finite_values(first), finite_values(second)
    na, nb = a.size, b.size
    value = _mean(a) - _mean(b)
    if na < 2 or nb < 2:
        return Estimate(value, math.nan, math.nan, (na, nb), math.nan)
    va, vb = _sd(a) ** 2 / na, _sd(b) ** 2 / nb
    raw = va + vb
    df = na + nb - 2.0 if raw == 0.0 else raw**2 / (va**2 / (na - 1) + vb**2 / (nb - 1))
    se = math.sqrt(max(raw, floor**2 * (1 / na + 1 / nb) / 2))
    return Estimate(value, se, df, (na, nb), se / math.sqrt(1 / na + 1 / nb), no_spread=raw == 0.0)


def error_rate(
    errors: Values,
    pictures: int | None,
    *,
    floor: float = 0.0,
    at: float | None = None,
    picture_variance: float | None = None,
) -> Estimate:
    """Mean error of n runs on `pictures` test pictures, as an estimate for the population of pictures.

    The pictures are the same for all seeds, so their part p (1 - p) / N of the variance does not shrink with
    n; p is the mean error, or `at`, the error that it is tested against. `picture_variance` takes its place.
    """
    seeds = one_sample(errors, floor=floor)
    if pictures is None and picture_variance is None:
        return seeds
    if picture_variance is not None:
        images = picture_variance
    else:
        assert pictures is not None
        rate = min(max(seeds.value if at is None else at, 0.0), 1.0)
        images = rate * (1.0 - rate) / pictures
    return with_fixed_variance(seeds, images)


def with_fixed_variance(seeds: Estimate, variance: float) -> Estimate:
    """The same estimate with a variance that does not shrink with seeds: that of the pictures which they share.

    Degrees of freedom by Satterthwaite: the estimate's own for the seeds' part, infinite for the pictures'.
    """
    if variance == 0.0:
        return seeds
    if math.isnan(seeds.se):
        return Estimate(seeds.value, math.nan, math.nan, seeds.n, math.nan, math.sqrt(variance))
    whole = seeds.se**2 + variance
    df = math.inf if seeds.se == 0.0 else seeds.df * (whole / seeds.se**2) ** 2
    return Estimate(seeds.value, math.sqrt(whole), df, seeds.n, seeds.sd, math.sqrt(variance), seeds.no_spread)


def prediction_interval(values: Values, alpha: float = 0.05) -> tuple[float, float]:
    """Where one more run on the same pictures would fall: mean +- t s sqrt(1 + 1/n)."""
    x = finite_values(values)
    if x.size < 2:
        return math.nan, math.nan
    half = float(special.stdtrit(x.size - 1, 1 - alpha / 2)) * _sd(x) * math.sqrt(1 + 1 / x.size)
    return float(x.mean()) - half, float(x.mean()) + half


def seeds_by_images(differences: npt.ArrayLike) -> Estimate:
    """Mean of differences of shape (seeds, pictures) for the population of both, crossed.

    se^2 = s_seed^2 / n + s_img^2 / N, where s_seed is the sd of the seeds' means and s_img that of the
    pictures' means; Satterthwaite df. A slight overestimate (the noise of a single cell is in both parts):
    seeds alone would be too narrow, because all seeds see the same pictures.
    """
    d = np.asarray(differences, dtype=np.float64)
    if d.ndim != 2 or d.shape[1] < 2 or not np.isfinite(d).all():
        raise ValueError(f"a finite matrix (seeds, pictures) is needed, got shape {d.shape}")
    n, pictures = d.shape
    seeds = one_sample(d.mean(axis=1))
    images = _sd(d.mean(axis=0)) ** 2 / pictures
    if n < 2:
        return Estimate(seeds.value, math.nan, math.nan, (n,), math.nan, math.sqrt(images))
    variance = seeds.se**2 + images
    df = n - 1.0 if variance == 0 else variance**2 / (seeds.se**4 / (n - 1) + images**2 / (pictures - 1))
    return Estimate(seeds.value, math.sqrt(variance), df, (n,), seeds.sd, math.sqrt(images), variance == 0.0)


def _mean(x: npt.NDArray[np.float64]) -> float:
    return math.fsum(x.tolist()) / x.size if x.size <= FEW else float(x.mean())


def _sd(x: npt.NDArray[np.float64]) -> float:
    """Sample sd, exactly 0 for equal values (rounding in the mean must not look like spread)."""
    if x.size > FEW:
        return 0.0 if np.ptp(x) == 0.0 else float(x.std(ddof=1))
    values = x.tolist()
    if min(values) == max(values):
        return 0.0
    mean = math.fsum(values) / len(values)
    return math.sqrt(math.fsum([(value - mean) ** 2 for value in values]) / (len(values) - 1))

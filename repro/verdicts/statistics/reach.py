"""What a form can say about its precision: intervals, detectable effects, seeds that would decide.

Each class is a `Reach` of `repro.verdicts.finding`. Levels are two-sided; effects are distances from the
boundary that the claim is tested against, in the estimate's unit (as a factor for ratios).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy import special

from repro.verdicts.finding import Interval
from repro.verdicts.statistics.estimates import T_CAUTION, Estimate
from repro.verdicts.statistics.exact import at_least, at_most, clopper_pearson
from repro.verdicts.statistics.power import (
    MOST_SEEDS,
    POWER,
    n_needed,
    noncentrality,
    sd_upper,
    welch_noncentrality,
)

TOST_POWER = 0.9
"""Per side of a margin, so that both sides together have 80 % power at its centre."""


@dataclass(frozen=True)
class TReach:
    """The reach of a t test.

    estimate      in the scale of the test (logs for ratios)
    unpaired      two arms compared by Welch
    ratio         the test is on logs, the output is ratios
    wanted        registered effect of interest, as a distance from the boundary in the scale of the test
    wanted_power  None for the usual 80 %; a margin needs more per side to have 80 % on both
    """

    estimate: Estimate
    unpaired: bool = False
    ratio: bool = False
    wanted: float | None = None
    wanted_power: float | None = None

    def interval(self, alpha: float) -> Interval:
        low, high = self.estimate.interval(alpha)
        return (math.exp(low), math.exp(high)) if self.ratio else (low, high)

    def detectable(self, alpha: float, power: float = POWER) -> float | None:
        e, alpha = self.estimate, alpha / T_CAUTION
        if not e.se > 0.0:
            return None
        if self.unpaired:
            harmonic = round(2.0 / sum(1.0 / n for n in e.n))
            effect = welch_noncentrality(max(2, harmonic), alpha, power) * e.se
        else:
            effect = noncentrality(e.df, alpha, power) * e.se
        return math.exp(effect) if self.ratio else effect

    def seeds_needed(self, alpha: float, power: float = POWER) -> int | None:
        e, alpha = self.estimate, alpha / T_CAUTION
        if self.wanted is None or not e.sd > 0.0:
            return None
        df = sum(e.n) - 2.0 if self.unpaired else e.n[0] - 1.0
        sd = sd_upper(e.sd, df)
        arms = 2 if self.unpaired else 1
        return n_needed(self.wanted, sd, alpha, self.wanted_power or power, arms, e.fixed_se)


@dataclass(frozen=True)
class MajorityReach(TReach):
    """The reach of a t test beside which an exact majority of the runs must lie on the limit's right side."""

    def detectable(self, alpha: float, power: float = POWER) -> float | None:
        able = at_least(self.estimate.n[0], self.estimate.n[0], 0.5) <= alpha / 2
        return super().detectable(alpha, power) if able else None

    def seeds_needed(self, alpha: float, power: float = POWER) -> int | None:
        needed = super().seeds_needed(alpha, power)
        return None if needed is None else max(needed, math.ceil(math.log2(2 / alpha) - 1e-9))


@dataclass(frozen=True)
class WeakestReach:
    """The reach of the smallest of k parameters: supported if all intervals lie above, contradicted if the lowest upper
    limit, at alpha / k, lies below."""

    members: Sequence[TReach]

    def interval(self, alpha: float) -> Interval:
        lows = [member.interval(alpha)[0] for member in self.members]
        highs = [member.interval(alpha / len(self.members))[1] for member in self.members]
        return min(lows), min(highs)

    def detectable(self, alpha: float) -> float | None:
        power = 1.0 - (1.0 - POWER) / len(self.members)
        effects = [member.detectable(alpha, power) for member in self.members]
        finite_effects = [effect for effect in effects if effect is not None]
        return max(finite_effects) if len(finite_effects) == len(effects) else None

    def seeds_needed(self, alpha: float) -> int | None:
        power = 1.0 - (1.0 - POWER) / len(self.members)
        needs = [member.seeds_needed(alpha, power) for member in self.members]
        finite_needs = [need for need in needs if need is not None]
        return max(finite_needs) if len(finite_needs) == len(needs) else None


@dataclass(frozen=True)
class PartsReach:
    """The reach of several parameters in their own units, all of which a claim needs: that of the weakest."""

    weakest: TReach
    members: Sequence[TReach]

    def interval(self, alpha: float) -> Interval:
        return self.weakest.interval(alpha)

    def detectable(self, alpha: float) -> float | None:
        return self.weakest.detectable(alpha, 1.0 - (1.0 - POWER) / len(self.members))

    def seeds_needed(self, alpha: float) -> int | None:
        power = 1.0 - (1.0 - POWER) / len(self.members)
        needs = [member.seeds_needed(alpha, power) for member in self.members]
        finite_needs = [need for need in needs if need is not None]
        return max(finite_needs) if len(finite_needs) == len(needs) else None


@dataclass(frozen=True)
class RateReach:
    """The reach of a rate over seeds, k of n.

    every  where the claim needs all n: the recurrence that n of n seeds must show. No rate is found with a stated power
           then, and `detectable` is None; else it is the true rate above one half that a majority of n finds with 80 %
    """

    k: int
    n: int
    every: float | None = None

    def interval(self, alpha: float) -> Interval:
        return clopper_pearson(self.k, self.n, 1 - alpha / 2)

    def detectable(self, alpha: float) -> float | None:
        if self.every is not None:
            return None
        k = _majority(self.n, alpha)
        return None if k is None else float(special.betaincinv(k, self.n - k + 1, POWER))

    def seeds_needed(self, alpha: float) -> int | None:
        """None, too, once a run has not shown what all must show: no number of further runs supports it then."""
        if self.every is None or self.k < self.n:
            return None
        return math.ceil(math.log(alpha / 2) / math.log(self.every) - 1e-9)


@dataclass(frozen=True)
class CoinReach:
    """The reach of a rate, k of n, that should lie inside [lo, hi]; the plan is for a true rate of one half."""

    k: int
    n: int
    lo: float
    hi: float

    def interval(self, alpha: float) -> Interval:
        return clopper_pearson(self.k, self.n, 1 - alpha / 2)

    def detectable(self, alpha: float) -> float | None:
        return None

    def seeds_needed(self, alpha: float) -> int | None:
        for n in range(2, MOST_SEEDS + 1):
            inside = [k for k in range(n + 1) if max(at_least(k, n, self.lo), at_most(k, n, self.hi)) <= alpha / 2]
            if inside and at_least(inside[0], n, 0.5) - at_least(inside[-1] + 1, n, 0.5) >= POWER:
                return n
        return None


def _majority(n: int, alpha: float) -> int | None:
    """How many of n seeds must show it to be a majority beyond chance; None if even n would not do."""
    return next((k for k in range(n + 1) if at_least(k, n, 0.5) <= alpha / 2), None)

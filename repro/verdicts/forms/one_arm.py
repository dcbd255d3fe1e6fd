"""The finding on one arm's mean against limits: plain arrays in, a `Finding` out; several forms use it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from repro.verdicts.finding import Finding, finite
from repro.verdicts.statistics.estimates import (
    Estimate,
    Values,
    error_rate,
    finite_values,
    prediction_interval,
)
from repro.verdicts.statistics.exact import at_least
from repro.verdicts.statistics.reach import TOST_POWER, MajorityReach, TReach

ONE_ARM_MINIMUM = 3


def absolute(
    values: Values,
    pictures: int | None,
    *,
    lo: float = -math.inf,
    hi: float = math.inf,
    printed: float | None = None,
    planned_effect: float | None = None,
    floor: float = 0.0,
    picture_variance: float | None = None,
    unit: str = "points",
) -> Finding:
    """The mean over runs lies in [lo, hi]; one limit may be left out.

    values            one number per run: an error, another measure, or the difference of two measures of the run
    pictures          on how many test pictures an error was measured, whose sampling noise all seeds share: its
                      variance is p (1 - p) / N at the limit that is tested, so that nets which all err on none of
                      the pictures are held to what so many pictures can show (None: no error on a sample)
    picture_variance  the same variance where it is not that of one error rate
    planned_effect    with one limit, the distance from it that seeds are planned for
    floor             the smallest sd admitted for one value, for values that come in steps
    printed           the paper's number; details then say whether its single run could be one of ours
                      (prediction interval; meaningful on the same pictures only)

    One arm has no second one whose skewed noise cancels its own. So each limit must be passed by t and by an
    exact majority: as many runs on its right side as chance at one half rarely gives.
    """
    x = finite_values(values)

    def estimate_at(limit: float) -> Estimate:
        return error_rate(x, pictures, floor=floor, at=limit, picture_variance=picture_variance)

    p_sup, p_con = _bounded(x, lo, hi, estimate_at)
    limits = [limit for limit in (lo, hi) if math.isfinite(limit)]
    nearest = min(limits, key=lambda limit: abs(limit - float(x.mean())))
    details: dict[str, object] = {"first": x.tolist(), "pictures": pictures}
    if printed is not None:
        low, high = prediction_interval(x)
        details |= {"printed": printed, "prediction_interval": [finite(low), finite(high)]}
        details |= {"printed_could_be_ours": low <= printed <= high}
    finding = within(estimate_at(nearest), lo, hi, planned_effect, unit)
    explained = floor > 0.0 or pictures is not None or picture_variance is not None
    assert isinstance(finding.reach, TReach)
    return replace(
        finding,
        p_sup=p_sup,
        p_con=p_con,
        reach=MajorityReach(**vars(finding.reach)),
        qualifiers=frozenset() if explained else finding.qualifiers,
        details={**finding.details, **details},
    )


def _bounded(
    x: npt.NDArray[np.float64], lo: float, hi: float, estimate_at: Callable[[float], Estimate]
) -> tuple[float, float]:
    """p of H0 "outside (lo, hi)" and of H0 "inside": per limit the larger of t's and the majority's."""
    n = x.size
    above_lo, below_lo, above_hi, below_hi = 0.0, 1.0, 1.0, 0.0
    if math.isfinite(lo):
        above, below = estimate_at(lo).tails(lo)
        above_lo = max(above, at_least(int((x > lo).sum()), n, 0.5))
        below_lo = max(below, at_least(int((x < lo).sum()), n, 0.5))
    if math.isfinite(hi):
        above, below = estimate_at(hi).tails(hi)
        above_hi = max(above, at_least(int((x > hi).sum()), n, 0.5))
        below_hi = max(below, at_least(int((x < hi).sum()), n, 0.5))
    return max(above_lo, below_hi), min(below_lo, above_hi)


def within(estimate: Estimate, lo: float, hi: float, planned_effect: float | None, unit: str) -> Finding:
    """The finding that an estimate lies in (lo, hi), by t; one limit may be infinite."""
    p_sup, p_con = estimate.margin(lo, hi)
    one_sided = math.isinf(lo) or math.isinf(hi)
    wanted, power = (planned_effect, None) if one_sided else ((hi - lo) / 2, TOST_POWER)
    return Finding(
        form="absolute",
        p_sup=p_sup,
        p_con=p_con,
        estimate=estimate.value,
        unit=unit,
        n=estimate.n,
        minimum_n=ONE_ARM_MINIMUM,
        boundary=None,
        reach=TReach(estimate, wanted=wanted, wanted_power=power),
        qualifiers=suspicion(estimate),
        details={
            "lo": lo if math.isfinite(lo) else None,
            "hi": hi if math.isfinite(hi) else None,
            "planned_effect": planned_effect,
        },
    )


def suspicion(estimate: Estimate) -> frozenset[str]:
    """The qualifier `suspect_same_run` where runs agree to the last bit; else none."""
    return frozenset({"suspect_same_run"}) if estimate.no_spread else frozenset()

"""Forms of claims that compare two arms over seeds: plain arrays in, a `Finding` out.

What the arms are is the caller's business: errors of runs, training errors, times, per-net statistics. All
values must be finite and there must be at least one per arm; preconditions, gates and collapsed runs come
before. With fewer replicates than a form's minimum the finding is computed all the same, to be shown; the
decision then never uses it.

Common parameters
    larger           which arm the claim says is larger; estimates are oriented accordingly
    paired           values at one index are a pair: only the report's other choices ask for it
    ratio            compare geometric means: estimate, shift, lo, hi, effects are then ratios larger / other
    smallest_effect  smallest effect of interest delta: also contradicted if the effect is below shift + delta
    planned_effect   registered effect for planning seeds (distance from the shift); default smallest_effect
    picture_variance variance of the difference by pictures that all seeds of an arm share and the arms do not
    floor            smallest sd admitted for a difference of two values (`statistics.sd_floor`)
    unit             "points" for error fractions, else a word for the values' unit
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from repro.verdicts.finding import Finding, finite
from repro.verdicts.forms.one_arm import suspicion
from repro.verdicts.statistics.estimates import Estimate, Values, finite_values, welch, with_fixed_variance
from repro.verdicts.statistics.estimates import paired as paired_estimate
from repro.verdicts.statistics.exact import permutation_tails
from repro.verdicts.statistics.reach import TOST_POWER, PartsReach, TReach, WeakestReach

Arm = Literal["first", "second"]
WELCH_MINIMUM, PAIRED_MINIMUM, ANY_OF_MINIMUM = 3, 5, 5


def direction(
    first: Values,
    second: Values,
    *,
    larger: Arm,
    paired: bool = False,
    ratio: bool = False,
    shift: float | None = None,
    smallest_effect: float = 0.0,
    planned_effect: float | None = None,
    floor: float = 0.0,
    unit: str = "points",
) -> Finding:
    """The mean of the arm `larger` exceeds the other's by more than `shift` (default 0; ratios: 1).

    S: theta > shift. C: theta < shift + smallest_effect. With a shift the form is "more_than".
    """
    arms = _Arms(first, second, larger, ratio, floor, paired=paired)
    boundary = arms.neutral if shift is None else shift
    edge = arms.scaled(boundary + smallest_effect)
    p_sup = arms.estimate.tails(arms.scaled(boundary))[0]
    p_con = arms.estimate.tails(edge)[1]
    planned = planned_effect if planned_effect is not None else smallest_effect or None
    wanted = None if planned is None else arms.scaled(boundary + planned) - arms.scaled(boundary)
    return Finding(
        form="direction" if boundary == arms.neutral else "more_than",
        p_sup=p_sup,
        p_con=p_con,
        estimate=arms.unscaled(arms.estimate.value),
        unit="ratio" if ratio else unit,
        n=arms.estimate.n,
        minimum_n=PAIRED_MINIMUM if paired else WELCH_MINIMUM,
        boundary=boundary,
        smallest_effect=smallest_effect,
        reach=TReach(arms.estimate, not paired, ratio, wanted),
        qualifiers=arms.qualifiers,
        details=arms.details | {"planned_effect": planned},
        second_opinion=None if paired else lambda: _permuted(arms.upper, arms.lower, arms.scaled(boundary), edge),
    )


def about(
    first: Values,
    second: Values,
    *,
    lo: float,
    hi: float,
    larger: Arm,
    ratio: bool = False,
    floor: float = 0.0,
    picture_variance: float = 0.0,
    unit: str = "points",
) -> Finding:
    """The difference (ratio) lies in the registered margin [lo, hi]: two one-sided tests.

    S: lo < theta < hi. C: theta < lo or theta > hi. The printed rounding is the least margin.
    """
    arms = _Arms(first, second, larger, ratio, floor, picture_variance)
    low, high = arms.scaled(lo), arms.scaled(hi)
    p_sup, p_con = arms.estimate.margin(low, high)
    return Finding(
        form="about",
        p_sup=p_sup,
        p_con=p_con,
        estimate=arms.unscaled(arms.estimate.value),
        unit="ratio" if ratio else unit,
        n=arms.estimate.n,
        minimum_n=WELCH_MINIMUM,
        boundary=None,
        reach=TReach(arms.estimate, True, ratio, (high - low) / 2, TOST_POWER),
        qualifiers=arms.qualifiers,
        details=arms.details | {"lo": lo, "hi": hi},
    )


def any_of(parts: Mapping[str, Finding]) -> Finding:
    """Every part holds ("removing ANY layer hurts"): parts are `direction` findings in the same unit.

    The parameter is the smallest of the parts'. Supported by intersection-union (the largest p, no correction
    inside); contradicted if one part fails (k times the smallest p).
    """
    if not parts:
        raise ValueError("any_of needs at least one part")
    findings = list(parts.values())
    members = [part.reach for part in findings if isinstance(part.reach, TReach)]
    if len(members) != len(findings) or len({(part.unit, part.boundary) for part in findings}) != 1:
        raise ValueError("parts of any_of must be `direction` findings with one unit and boundary")
    weakest = min(parts, key=lambda name: parts[name].estimate)
    return Finding(
        form="any_of",
        p_sup=max(part.p_sup for part in findings),
        p_con=min(1.0, len(findings) * min(part.p_con for part in findings)),
        estimate=parts[weakest].estimate,
        unit=findings[0].unit,
        n=min((part.n for part in findings), key=min),
        minimum_n=ANY_OF_MINIMUM,
        boundary=findings[0].boundary,
        smallest_effect=min(part.smallest_effect for part in findings),
        reach=WeakestReach(tuple(members)),
        qualifiers=frozenset().union(*(part.qualifiers for part in findings)),
        details={"weakest": weakest, "parts": parts_in_numbers(parts)},
    )


def every_part(parts: Mapping[str, Finding]) -> Finding:
    """Every part holds, whatever its form and unit: parts are findings of t tests, and the weakest one is shown.

    The weakest is the part that is furthest from being shown. A single part is itself. Parts that are held against
    different boundaries have none in common.
    """
    if not parts:
        raise ValueError("every_part needs at least one part")
    findings = list(parts.values())
    if len(findings) == 1:
        return findings[0]
    weakest = max(parts, key=lambda name: (parts[name].p_sup, -parts[name].p_con))
    chosen = parts[weakest]
    members = [part.reach for part in findings if isinstance(part.reach, TReach)]
    if len(members) != len(findings) or not isinstance(chosen.reach, TReach):
        raise ValueError("parts of every_part must be findings of t tests")
    return replace(
        chosen,
        p_sup=chosen.p_sup,
        p_con=min(1.0, len(findings) * min(part.p_con for part in findings)),
        n=min((part.n for part in findings), key=min),
        minimum_n=max(part.minimum_n for part in findings),
        boundary=chosen.boundary if len({part.boundary for part in findings}) == 1 else None,
        reach=PartsReach(chosen.reach, tuple(members)),
        qualifiers=frozenset().union(*(part.qualifiers for part in findings)),
        details={**chosen.details, "weakest": weakest, "parts": parts_in_numbers(parts)},
        second_opinion=None,
    )


def parts_in_numbers(parts: Mapping[str, Finding]) -> dict[str, Any]:
    """Each part's own numbers, for readers."""
    return {
        name: {
            "estimate": finite(part.estimate),
            "unit": part.unit,
            "interval": [finite(end) for end in part.interval],
            "p_sup": part.p_sup,
            "p_con": part.p_con,
            "n": list(part.n),
        }
        for name, part in parts.items()
    }


class _Arms:
    """Two arms, oriented so that the claim says their difference is large, in the scale of the test."""

    def __init__(
        self,
        first: Values,
        second: Values,
        larger: Arm,
        ratio: bool,
        floor: float,
        picture_variance: float = 0.0,
        *,
        paired: bool = False,
    ) -> None:
        a, b = finite_values(first), finite_values(second)
        if ratio and min(a.min(), b.min()) <= 0.0:
            raise ValueError("ratios need positive values")
        self.ratio = ratio
        upper, lower = (a, b) if larger == "first" else (b, a)
        self.upper: npt.NDArray[np.float64] = np.log(upper) if ratio else upper
        self.lower: npt.NDArray[np.float64] = np.log(lower) if ratio else lower
        compare = paired_estimate if paired else welch
        self.estimate: Estimate = with_fixed_variance(compare(self.upper, self.lower, floor=floor), picture_variance)
        explained = picture_variance > 0.0 and self.estimate.no_spread  # none of them erred on so many pictures
        self.qualifiers = frozenset() if explained else suspicion(self.estimate)
        if len(a) > 1 and np.array_equal(a, b) and not explained:
            self.qualifiers |= {"suspect_same_run"}
        self.details: dict[str, object] = {
            "method": "paired t" if paired else "Welch t",
            "first": a.tolist(),
            "second": b.tolist(),
            "larger": larger,
            "df": finite(self.estimate.df),
            "se": finite(self.estimate.se),
            "sd": finite(self.estimate.sd),
        }

    @property
    def neutral(self) -> float:
        return 1.0 if self.ratio else 0.0

    def scaled(self, value: float) -> float:
        return math.log(value) if self.ratio else value

    def unscaled(self, value: float) -> float:
        return math.exp(value) if self.ratio else value


def _permuted(
    upper: npt.NDArray[np.float64], lower: npt.NDArray[np.float64], at: float, edge: float
) -> tuple[float, float, float]:
    """Permutation p of the same two one-sided hypotheses, and the smallest p possible."""
    p_sup, p_con, smallest = permutation_tails(upper - at, lower)
    if edge != at:
        p_con = permutation_tails(upper - edge, lower)[1]
    return p_sup, p_con, smallest

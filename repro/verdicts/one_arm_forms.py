"""Forms of claims about one arm: an absolute number, differences per picture, arithmetic."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from repro.verdicts.finding import ExactOutcome, Finding, finite
from repro.verdicts.reach import TOST_POWER, TReach
from repro.verdicts.statistics import (
    Estimate,
    Values,
    error_rate,
    finite_values,
    prediction_interval,
    seeds_by_images,
)

IMAGES_MINIMUM, ONE_ARM_MINIMUM = 5, 3


def absolute(
    errors: Values,
    pictures: int | None,
    *,
    lo: float = -math.inf,
    hi: float = math.inf,
    printed: float | None = None,
    unit: str = "points",
) -> Finding:
    """The method's mean (error) lies in [lo, hi]; one limit may be left out.

    `pictures`: how many test pictures, whose sampling noise all seeds share (None: not an error on a sample).
    `printed`: the paper's number; details then say whether its single run could be one of ours
    (prediction interval; meaningful on the same pictures only).
    """
    estimate = error_rate(errors, pictures)
    one_sided = math.isinf(lo) or math.isinf(hi)
    details: dict[str, object] = {
        "first": finite_values(errors).tolist(),
        "pictures": pictures,
        "lo": lo if math.isfinite(lo) else None,
        "hi": hi if math.isfinite(hi) else None,
    }
    if printed is not None:
        low, high = prediction_interval(errors)
        details |= {"printed": printed, "prediction_interval": [finite(low), finite(high)]}
        details |= {"printed_could_be_ours": low <= printed <= high}
    p_sup, p_con = estimate.margin(lo, hi)
    return Finding(
        form="absolute",
        p_sup=p_sup,
        p_con=p_con,
        estimate=estimate.value,
        unit=unit,
        n=estimate.n,
        minimum_n=ONE_ARM_MINIMUM,
        boundary=None,
        reach=TReach(estimate, wanted=None if one_sided else (hi - lo) / 2, wanted_power=TOST_POWER),
        qualifiers=suspicion(estimate),
        details=details,
    )


def per_image(
    differences: npt.ArrayLike,
    *,
    shift: float = 0.0,
    smallest_effect: float = 0.0,
    planned_effect: float | None = None,
    unit: str = "points",
) -> Finding:
    """The mean of per-picture differences, shape (seeds, pictures), exceeds `shift` (population of both).

    Turn the differences so that the claim says they are positive (same nets, two ways of testing).
    """
    estimate = seeds_by_images(differences)
    planned = planned_effect if planned_effect is not None else smallest_effect or None
    return Finding(
        form="per_image",
        p_sup=estimate.tails(shift)[0],
        p_con=estimate.tails(shift + smallest_effect)[1],
        estimate=estimate.value,
        unit=unit,
        n=estimate.n,
        minimum_n=IMAGES_MINIMUM,
        boundary=shift,
        smallest_effect=smallest_effect,
        reach=TReach(estimate, wanted=planned),
        qualifiers=suspicion(estimate),
        details={
            "first": np.asarray(differences, dtype=np.float64).mean(axis=1).tolist(),
            "fixed_se": estimate.fixed_se,
            "planned_effect": planned,
        },
    )


def arithmetic(computed: float, printed: float, *, tolerance: float = 0.0, unit: str = "") -> Finding:
    """A definition: the computed number equals the printed one (within its rounding). No statistics.

    For a yes-or-no fact pass arithmetic(float(fact), 1.0).
    """
    holds = abs(computed - printed) <= tolerance
    outcome: ExactOutcome = "supported" if holds else "contradicted"
    return Finding(
        form="arithmetic",
        p_sup=math.nan,
        p_con=math.nan,
        estimate=float(computed),
        unit=unit,
        n=(),
        minimum_n=0,
        boundary=None,
        outcome=outcome,
        details={"computed": computed, "printed": printed, "tolerance": tolerance},
    )


def suspicion(estimate: Estimate) -> frozenset[str]:
    """The remark on runs that agree to the last bit."""
    return frozenset({"suspect_same_run"}) if estimate.no_spread else frozenset()

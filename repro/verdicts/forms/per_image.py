"""The form of two ways of answering: the same nets, picture by picture; does the plainer way err more often?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from repro.evidence.directory import Evidence
from repro.verdicts.authoring.samples import Ensemble, Runs, Views
from repro.verdicts.authoring.scale import at_paper_scale, contest_year
from repro.verdicts.finding import Finding, Interval, NotEvaluated
from repro.verdicts.forms import two_arms
from repro.verdicts.forms.absolute import not_measured, number_of_paper
from repro.verdicts.forms.form import Form, Part
from repro.verdicts.forms.one_arm import suspicion
from repro.verdicts.forms.planning import without_power
from repro.verdicts.readings.picture_outcomes import ensemble_right, pictures_of, right
from repro.verdicts.registry.over_seeds import PaperScale
from repro.verdicts.registry.tests_of_runs import PerImageTest
from repro.verdicts.statistics.estimates import seeds_by_images
from repro.verdicts.statistics.reach import TOST_POWER, TReach

IMAGES_MINIMUM = 5


def _judge(evidence: Evidence, test: PerImageTest, samples: Runs, seeds: Sequence[int]) -> Part:
    """How much more often the plainer way errs, picture by picture; the paper's numbers at its scale."""
    scale: PaperScale | None = test.at_paper_scale if at_paper_scale(evidence) else None
    compared = scale is not None and scale.upper is not None
    gains = _gains(evidence, test, samples.variant, seeds, in_print=compared)
    if isinstance(gains, NotEvaluated):
        return gains
    if scale is None or scale.upper is None:
        return per_image(gains, planned_effect=test.planned_effect, unit=test.unit)
    parts: dict[str, Finding] = {"gain": per_image(gains, margin=(scale.lower, scale.upper), unit=test.unit)}
    if test.numbers and contest_year(evidence) == test.year:
        for number in test.numbers:
            part = number_of_paper(evidence, number, samples.variant, seeds)
            if isinstance(part, NotEvaluated):
                return part
            parts[number.metric] = part
    return two_arms.every_part(parts)


def _gains(
    evidence: Evidence, test: PerImageTest, variant: str, seeds: Sequence[int], *, in_print: bool
) -> npt.NDArray[np.float64] | NotEvaluated:
    """1 where only the second way is right, -1 where only the first is; shape (seeds, pictures).

    in_print: averages of nets are held against the paper's gain, which is one of predictions over ten views;
    otherwise they are read by the centre of all held-out pictures.
    """
    of_views = test.second == "ten_views"
    metric = "ten_view_error" if of_views or in_print else "held_out_error"
    pictures = pictures_of(evidence, variant, seeds, metric)
    if isinstance(pictures, NotEvaluated):
        return pictures
    assert pictures is not None
    if of_views:
        first = right(evidence, variant, seeds, "ten_view_centre_correct", pictures)
        second = right(evidence, variant, seeds, "ten_view_correct", pictures)
        what = "outcomes of ten views"
    elif in_print:
        first = right(evidence, variant, seeds, "ten_view_correct", pictures)
        second = ensemble_right(evidence, variant, seeds, pictures, "ten_views")
        what = "average of these nets over ten views"
    else:
        first = right(evidence, variant, seeds, "held_out_correct", pictures)
        second = ensemble_right(evidence, variant, seeds, pictures)
        what = "average of these nets"
    if first is None or second is None:
        return not_measured(variant, what, pictures)
    return np.asarray(second, dtype=np.float64) - first


def per_image(
    differences: npt.ArrayLike,
    *,
    shift: float = 0.0,
    smallest_effect: float = 0.0,
    margin: Interval | None = None,
    planned_effect: float | None = None,
    unit: str = "points",
) -> Finding:
    """The mean of per-picture differences, shape (seeds, pictures), exceeds `shift` (population of both).

    Turn the differences so that the claim says they are positive (same nets, two ways of testing). With a
    `margin` the claim is that the mean lies inside it.
    """
    estimate = seeds_by_images(differences)
    planned = planned_effect if planned_effect is not None else smallest_effect or None
    p_sup, p_con = estimate.tails(shift)[0], estimate.tails(shift + smallest_effect)[1]
    reach = TReach(estimate, wanted=planned)
    if margin is not None:
        p_sup, p_con = estimate.margin(*margin)
        reach = TReach(estimate, wanted=(margin[1] - margin[0]) / 2, wanted_power=TOST_POWER)
    return Finding(
        form="per_image",
        p_sup=p_sup,
        p_con=p_con,
        estimate=estimate.value,
        unit=unit,
        n=estimate.n,
        minimum_n=IMAGES_MINIMUM,
        boundary=shift if margin is None else None,
        smallest_effect=smallest_effect,
        reach=reach,
        qualifiers=suspicion(estimate),
        details={
            "first": np.asarray(differences, dtype=np.float64).mean(axis=1).tolist(),
            "fixed_se": estimate.fixed_se,
            "planned_effect": planned,
            "margin": None if margin is None else list(margin),
        },
    )


PER_IMAGE = Form[PerImageTest, Runs](PerImageTest, (Views, Ensemble), _judge, without_power)

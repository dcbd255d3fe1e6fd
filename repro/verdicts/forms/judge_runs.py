"""Findings on the runs of one variant: measures of each, the paper's numbers, two ways of answering."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from repro.evidence.directory import Evidence
from repro.verdicts.authoring.samples import Runs
from repro.verdicts.authoring.scale import at_paper_scale, contest_year, departures_from_paper_scale
from repro.verdicts.finding import Finding, NotEvaluated
from repro.verdicts.forms import two_arms as forms
from repro.verdicts.forms.judge_arms import Part, all_parts
from repro.verdicts.forms.one_arm import absolute as absolute_form
from repro.verdicts.forms.one_arm import averaged_nets
from repro.verdicts.forms.one_arm import per_image as per_image_form
from repro.verdicts.readings.picture_outcomes import (
    Averaged,
    ensemble_right,
    ensembles_within,
    picture_variance_of_halves,
    pictures_of,
    right,
)
from repro.verdicts.readings.readings import guessing, metric_values, runs_of
from repro.verdicts.registry.metrics import METRICS, Metric
from repro.verdicts.registry.test_types import AbsoluteTest, Condition, MeasuresTest, Number, PaperScale, PerImageTest
from repro.verdicts.statistics.estimates import sd_floor


def _paper_scale_only(evidence: Evidence, classes: int = 1000) -> NotEvaluated | None:
    """Not evaluated, with what the study departs in, unless it is at the paper's own scale."""
    found = departures_from_paper_scale(evidence, classes)
    if not found:
        return None
    more = f" and {len(found) - MOST_DEPARTURES} more" if len(found) > MOST_DEPARTURES else ""
    said = "; ".join(found[:MOST_DEPARTURES])
    return NotEvaluated(
        "scale", f"only a study at the paper's own scale can speak about its magnitudes; this one has {said}{more}"
    )


MOST_DEPARTURES = 3
"""So many are named in a reason."""


# ---- measures --------------------------------------------------------------------------------------


def measures(evidence: Evidence, test: MeasuresTest, samples: Runs, seeds: Sequence[int]) -> Part:
    """Every condition on the means over runs; two metrics of a run are compared run by run."""
    if test.at == "paper_scale" and (reduced := _paper_scale_only(evidence)):
        return reduced
    conditions = {_in_words(condition): condition for condition in test.conditions}
    parts = all_parts(conditions, lambda name: _condition(evidence, conditions[name], samples.variant, seeds))
    return parts if isinstance(parts, NotEvaluated) else forms.every_part(parts)


def _in_words(condition: Condition) -> str:
    bound, title = condition.bound, METRICS[condition.metric].title
    said = f"{bound:g}" if isinstance(bound, float) else f"“{METRICS[bound].title}”"
    if condition.near is not None:
        return f"“{title}” within {condition.within:g} of {said}"
    side = "above" if condition.above is not None else "below"
    return f"“{title}” {side} {said}{' of chance' if condition.of_chance else ''}"


def _condition(evidence: Evidence, condition: Condition, variant: str, seeds: Sequence[int]) -> Part:
    values = metric_values(evidence, variant, seeds, condition.metric)
    if isinstance(values, NotEvaluated):
        return values
    if isinstance(condition.bound, float):
        return _against_number(evidence, condition, condition.bound, variant, seeds, values)
    others = metric_values(evidence, variant, seeds, condition.bound)
    if isinstance(others, NotEvaluated):
        return others
    return _against_metric(evidence, condition, condition.bound, variant, seeds, (values, others))


def _against_number(
    evidence: Evidence, condition: Condition, bound: float, variant: str, seeds: Sequence[int], values: list[float]
) -> Part:
    rule = METRICS[condition.metric]
    pictures = pictures_of(runs_of(evidence, variant, seeds)[0], evidence, condition.metric)
    if isinstance(pictures, NotEvaluated):
        return pictures
    if condition.of_chance:
        bound *= guessing(evidence, condition.metric) or 0.0
    limits = _limits(condition, bound)
    variance = None
    if rule.halves:
        variance = picture_variance_of_halves(evidence, variant, seeds, max(map(abs, limits.values())))
    return absolute_form(
        values,
        pictures,
        **limits,
        # One value carries half of the variance that a difference of two does.
        floor=sd_floor(step=rule.step) / 2**0.5,
        planned_effect=condition.planned_effect,
        picture_variance=variance,
        unit=rule.unit,
    )


def _against_metric(
    evidence: Evidence,
    condition: Condition,
    other: Metric,
    variant: str,
    seeds: Sequence[int],
    values: tuple[list[float], list[float]],
) -> Part:
    rule = METRICS[condition.metric]
    variance = None
    if condition.within is not None:
        pictures = pictures_of(runs_of(evidence, variant, seeds)[0], evidence, condition.metric)
        if isinstance(pictures, NotEvaluated):
            return pictures
        # Two answers that differ in a share d of the pictures differ in their errors with variance d / N at least.
        variance = condition.within * (1 - condition.within) / pictures if pictures else None
    return absolute_form(
        [value - against for value, against in zip(*values, strict=True)],
        None,
        **_limits(condition, 0.0),
        floor=sd_floor(step=max(rule.step, METRICS[other].step)),
        planned_effect=condition.planned_effect,
        picture_variance=variance,
        unit=rule.unit,
    )


def _limits(condition: Condition, bound: float) -> dict[Literal["lo", "hi"], float]:
    """Where the condition holds: above one number, below it, or within a margin of it."""
    if condition.within is not None:
        return {"lo": bound - condition.within, "hi": bound + condition.within}
    return {"lo": bound} if condition.above is not None else {"hi": bound}


# ---- numbers of the paper --------------------------------------------------------------------------


def absolute(evidence: Evidence, test: AbsoluteTest, samples: Runs, seeds: Sequence[int]) -> Part:
    """Means over runs in the margins around the printed numbers, with the noise of runs and of pictures."""
    if reduced := _paper_scale_only(evidence, test.classes):
        return reduced
    if test.year is not None and contest_year(evidence) != test.year:
        return NotEvaluated("scale", f"the numbers are of the pictures of {test.year}, which were not staged")
    return _numbers(evidence, test.numbers, samples.variant, seeds, test.members)


def _numbers(
    evidence: Evidence, numbers: Sequence[Number], variant: str, seeds: Sequence[int], members: int | None
) -> Part:
    by_metric: dict[str, Number] = {number.metric: number for number in numbers}

    def part(name: str) -> Part:
        if members is None:
            return _number(evidence, by_metric[name], variant, seeds)
        return _averaged(evidence, by_metric[name], variant, seeds, members)

    parts = all_parts(by_metric, part)
    return parts if isinstance(parts, NotEvaluated) else forms.every_part(parts)


def _number(evidence: Evidence, number: Number, variant: str, seeds: Sequence[int]) -> Part:
    values = metric_values(evidence, variant, seeds, number.metric)
    if isinstance(values, NotEvaluated):
        return values
    pictures = pictures_of(runs_of(evidence, variant, seeds)[0], evidence, number.metric)
    if isinstance(pictures, NotEvaluated):
        return pictures
    return absolute_form(
        values,
        pictures,
        lo=number.lower,
        hi=number.upper,
        printed=number.printed,
        unit=METRICS[number.metric].unit,
    )


_OF_AVERAGES: Mapping[Metric, tuple[Metric, Averaged]] = {
    "ensemble_error": ("ten_view_error", "ten_views"),
    "ensemble_top5_error": ("ten_view_top5_error", "ten_views_top5"),
}
"""The error of averaged nets: of each net alone, and the stored outcomes of their averages. The paper's Table 2 has
predictions over ten views throughout."""


def _averaged(evidence: Evidence, number: Number, variant: str, seeds: Sequence[int], members: int) -> Part:
    single, way = _OF_AVERAGES[number.metric]
    pictures = pictures_of(runs_of(evidence, variant, seeds)[0], evidence, number.metric)
    if isinstance(pictures, NotEvaluated):
        return pictures
    assert pictures is not None
    alone = metric_values(evidence, variant, seeds, single)
    if isinstance(alone, NotEvaluated):
        return alone
    groups = ensembles_within(evidence, variant, seeds, members)
    if not groups:
        return NotEvaluated("missing_runs", f"the mean of {members} nets of {variant} was not measured")
    stored = [ensemble_right(evidence, variant, group, pictures, way) for group in groups]
    errors = [1.0 - float(outcomes.mean()) for outcomes in stored if outcomes is not None]
    if len(errors) < len(groups):
        return _not_measured(variant, "average of these nets over ten views")
    return averaged_nets(errors, alone, members, pictures, lo=number.lower, hi=number.upper, printed=number.printed)


def _not_measured(variant: str, what: str) -> NotEvaluated:
    return NotEvaluated("not_a_number", f"the evidence of {variant} holds no {what}; `repro evaluate` measures it")


# ---- two ways of answering -------------------------------------------------------------------------


def per_image(evidence: Evidence, test: PerImageTest, samples: Runs, seeds: Sequence[int]) -> Part:
    """How much more often the plainer way errs, picture by picture; the paper's numbers at its scale."""
    scale: PaperScale | None = test.at_paper_scale if at_paper_scale(evidence) else None
    compared = scale is not None and scale.upper is not None
    gains = _gains(evidence, test, samples.variant, seeds, in_print=compared)
    if isinstance(gains, NotEvaluated):
        return gains
    if scale is None or scale.upper is None:
        return per_image_form(gains, planned_effect=test.planned_effect, unit=test.unit)
    parts: dict[str, Finding] = {"gain": per_image_form(gains, margin=(scale.lower, scale.upper), unit=test.unit)}
    if test.numbers and contest_year(evidence) == test.year:
        for number in test.numbers:
            part = _number(evidence, number, samples.variant, seeds)
            if isinstance(part, NotEvaluated):
                return part
            parts[number.metric] = part
    return forms.every_part(parts)


def _gains(
    evidence: Evidence, test: PerImageTest, variant: str, seeds: Sequence[int], *, in_print: bool
) -> npt.NDArray[np.float64] | NotEvaluated:
    """1 where only the second way is right, -1 where only the first is; shape (seeds, pictures).

    in_print: averages of nets are held against the paper's gain, which is one of predictions over ten views;
    otherwise they are read by the centre of all held-out pictures.
    """
    run, of_views = runs_of(evidence, variant, seeds)[0], test.second == "ten_views"
    pictures = pictures_of(run, evidence, "ten_view_error" if of_views or in_print else "held_out_error")
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
        return _not_measured(variant, what)
    return np.asarray(second, dtype=np.float64) - first

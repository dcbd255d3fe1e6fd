"""Findings on the runs of one variant: measures of each, the paper's numbers, two ways of answering."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from repro.evidence.directory import Evidence
from repro.verdicts import forms
from repro.verdicts.finding import Finding, NotEvaluated
from repro.verdicts.forms_registered import AbsoluteTest, Condition, MeasuresTest, Number, PaperScale, PerImageTest
from repro.verdicts.judge_arms import Part, all_parts
from repro.verdicts.metrics import METRICS
from repro.verdicts.one_arm_forms import absolute as absolute_form
from repro.verdicts.one_arm_forms import averaged_nets
from repro.verdicts.one_arm_forms import per_image as per_image_form
from repro.verdicts.picture_outcomes import ensemble_right, ensembles_within, pictures_of, right
from repro.verdicts.readings import guessing, metric_values, runs_of
from repro.verdicts.samples import Runs
from repro.verdicts.scale import at_paper_scale, contest_year, departures_from_paper_scale
from repro.verdicts.statistics import sd_floor


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
    rule, bound = METRICS[condition.metric], condition.bound
    if isinstance(bound, float):
        if condition.of_chance:
            bound *= guessing(evidence, condition.metric) or 0.0
        # One value carries half of the variance that a difference of two does.
        floor = sd_floor(step=rule.step) / 2**0.5
        side = {"lo": bound} if condition.above is not None else {"hi": bound}
        pictures = pictures_of(runs_of(evidence, variant, seeds)[0], evidence, condition.metric)
        return absolute_form(
            values, pictures, **side, floor=floor, planned_effect=condition.planned_effect, unit=rule.unit
        )
    others = metric_values(evidence, variant, seeds, bound)
    if isinstance(others, NotEvaluated):
        return others
    differences = [value - other for value, other in zip(values, others, strict=True)]
    floor = sd_floor(step=max(rule.step, METRICS[bound].step))
    if condition.within is not None:
        pictures = pictures_of(runs_of(evidence, variant, seeds)[0], evidence, condition.metric)
        return absolute_form(
            differences,
            None,
            lo=-condition.within,
            hi=condition.within,
            floor=floor,
            # Two answers that differ in a share d of the pictures differ in their errors with variance d / N at least.
            picture_variance=condition.within * (1 - condition.within) / pictures if pictures else None,
            unit=rule.unit,
        )
    side = {"lo": 0.0} if condition.above is not None else {"hi": 0.0}
    return absolute_form(
        differences, None, **side, floor=floor, planned_effect=condition.planned_effect, unit=rule.unit
    )


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
    return absolute_form(
        values,
        pictures_of(runs_of(evidence, variant, seeds)[0], evidence, number.metric),
        lo=number.lower,
        hi=number.upper,
        printed=number.printed,
        unit=METRICS[number.metric].unit,
    )


def _averaged(evidence: Evidence, number: Number, variant: str, seeds: Sequence[int], members: int) -> Part:
    pictures = pictures_of(runs_of(evidence, variant, seeds)[0], evidence, number.metric)
    alone = metric_values(evidence, variant, seeds, "held_out_error")
    if isinstance(alone, NotEvaluated):
        return alone
    assert pictures is not None
    groups = ensembles_within(evidence, variant, seeds, members)
    if not groups:
        return NotEvaluated("missing_runs", f"the mean of {members} nets of {variant} was not measured")
    stored = [ensemble_right(evidence, variant, group, pictures) for group in groups]
    errors = [1.0 - float(outcomes.mean()) for outcomes in stored if outcomes is not None]
    return averaged_nets(errors, alone, members, pictures, lo=number.lower, hi=number.upper, printed=number.printed)


# ---- two ways of answering -------------------------------------------------------------------------


def per_image(evidence: Evidence, test: PerImageTest, samples: Runs, seeds: Sequence[int]) -> Part:
    """How much more often the first way errs, picture by picture; the paper's numbers at its scale."""
    gains = _gains(evidence, test, samples.variant, seeds)
    if isinstance(gains, NotEvaluated):
        return gains
    scale: PaperScale | None = test.at_paper_scale if at_paper_scale(evidence) else None
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
    evidence: Evidence, test: PerImageTest, variant: str, seeds: Sequence[int]
) -> npt.NDArray[np.float64] | NotEvaluated:
    """1 where only the second way is right, -1 where only the first is; shape (seeds, pictures)."""
    run = runs_of(evidence, variant, seeds)[0]
    if test.second == "ten_views":
        pictures = pictures_of(run, evidence, "ten_view_error")
        assert pictures is not None
        first = right(evidence, variant, seeds, "ten_view_centre_correct", pictures)
        second = right(evidence, variant, seeds, "ten_view_correct", pictures)
    else:
        pictures = pictures_of(run, evidence, "held_out_error")
        assert pictures is not None
        first = right(evidence, variant, seeds, "held_out_correct", pictures)
        second = ensemble_right(evidence, variant, seeds, pictures)
    if first is None or second is None:
        what = "outcomes of ten views" if test.second == "ten_views" else "average of these nets"
        return NotEvaluated("not_a_number", f"the evidence of {variant} holds no {what}; `repro evaluate` measures it")
    return np.asarray(second, dtype=np.float64) - first

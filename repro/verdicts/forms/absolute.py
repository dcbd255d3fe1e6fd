"""The form of absolute numbers: do means over runs lie in the margins around what the paper prints?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from repro.evidence.directory import Evidence
from repro.verdicts.authoring.samples import Runs
from repro.verdicts.authoring.scale import contest_year, paper_scale_only
from repro.verdicts.finding import Finding, NotEvaluated
from repro.verdicts.forms import two_arms
from repro.verdicts.forms.form import Form, Part, all_parts
from repro.verdicts.forms.one_arm import absolute, within
from repro.verdicts.forms.planning import Plan, Prospect, with_majority, without_power
from repro.verdicts.readings.picture_outcomes import Averaged, ensemble_right, ensembles_within, pictures_of
from repro.verdicts.readings.readings import metric_values
from repro.verdicts.registry.metrics import METRICS, Metric
from repro.verdicts.registry.tests_of_runs import AbsoluteTest, Number
from repro.verdicts.statistics.estimates import Estimate, Values, error_rate, finite_values


def _judge(evidence: Evidence, test: AbsoluteTest, samples: Runs, seeds: Sequence[int]) -> Part:
    """Whether the means over runs lie in the margins around the printed numbers, noise of runs and pictures added."""
    if reduced := paper_scale_only(evidence, test.classes):
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
            return number_of_paper(evidence, by_metric[name], variant, seeds)
        return _averaged(evidence, by_metric[name], variant, seeds, members)

    parts = all_parts(by_metric, part)
    return parts if isinstance(parts, NotEvaluated) else two_arms.every_part(parts)


def number_of_paper(evidence: Evidence, number: Number, variant: str, seeds: Sequence[int]) -> Part:
    """Whether the mean over runs lies in the margin around one printed number."""
    values = metric_values(evidence, variant, seeds, number.metric)
    if isinstance(values, NotEvaluated):
        return values
    pictures = pictures_of(evidence, variant, seeds, number.metric)
    if isinstance(pictures, NotEvaluated):
        return pictures
    return absolute(
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
    pictures = pictures_of(evidence, variant, seeds, number.metric)
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
        return not_measured(variant, "average of these nets over ten views", pictures)
    return averaged_nets(errors, alone, members, pictures, lo=number.lower, hi=number.upper, printed=number.printed)


def not_measured(variant: str, what: str, pictures: int) -> NotEvaluated:
    """NotEvaluated: the outcomes of so many pictures that are needed were not stored."""
    return NotEvaluated(
        "not_a_number",
        f"the evidence of {variant} holds no {what} of {pictures} pictures; `repro evaluate` measures it",
    )


def averaged_nets(
    errors: Values, of_members: Values, members: int, pictures: int, *, lo: float, hi: float, printed: float
) -> Finding:
    """The error of `members` nets averaged lies in [lo, hi].

    errors      of one or more such ensembles, which may share nets
    of_members  of each net alone

    Ensembles that share nets say little about how much one differs from the next. Averages vary less from draw
    to draw than single nets do, by somewhere between the fourth and the square root of `members`; the sd of
    single nets stands in for theirs. It does not shrink with more such ensembles of the same few nets. The
    pictures' noise is added.
    """
    alone = error_rate(of_members, None)
    mean = float(finite_values(errors).mean())
    variance = alone.sd**2 + mean * (1 - mean) / pictures
    df = math.inf if alone.sd == 0.0 else alone.df * (variance / alone.sd**2) ** 2
    se = math.sqrt(variance)
    estimate = Estimate(mean, se, df, alone.n, alone.sd, se, alone.no_spread)
    finding = within(estimate, lo, hi, None, "points")
    details = {"first": finite_values(errors).tolist(), "of_members": finite_values(of_members).tolist()}
    return finding.remarked(**details, members=members, pictures=pictures, printed=printed)


def _prospect(test: AbsoluteTest, plan: Plan) -> Prospect:
    """Averages of nets are too few to be counted: no majority of them is asked for."""
    return with_majority(test, plan) if test.members is None else without_power(test, plan)


ABSOLUTE = Form(AbsoluteTest, (Runs,), _judge, _prospect)

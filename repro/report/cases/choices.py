"""What a verdict would have been under other defensible choices: another reading, pairs of seeds, a seed left out.

The registered choice alone decides. Everything here is computed from the evidence by the functions that judged it
(`repro.verdicts.forms.two_arms`, `repro.verdicts.judging.decision`): one statement's finding is replaced and its family
decided anew.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

from repro.errors import UserError
from repro.evidence.directory import Evidence
from repro.report.cases.case import Case
from repro.report.cases.rows import Row
from repro.report.drawing.words import finite
from repro.verdicts.authoring.samples import Arms, EachAgainst, Ordered, Samples, Towers
from repro.verdicts.finding import Finding, Interval, NotEvaluated, Reach
from repro.verdicts.forms import two_arms as forms
from repro.verdicts.judging.decision import LOOKS, FindingFor, counted, decide
from repro.verdicts.judging.judge import finding_on
from repro.verdicts.judging.verdict import Verdict
from repro.verdicts.readings.picture_outcomes import difference_floor
from repro.verdicts.readings.readings import divisions_of, metric_values
from repro.verdicts.registry.metrics import METRICS
from repro.verdicts.registry.registry import Registry
from repro.verdicts.registry.test_types import StatisticalTest
from repro.verdicts.registry.tests_of_arms import AnyOfTest, DescendingTest, DirectionTest
from repro.verdicts.registry.tests_of_towers import TowerContrastTest
from repro.verdicts.statistics.reach import TReach

_NOT_ASKED = NotEvaluated("gate", "not asked for")


@dataclass(frozen=True)
class Choice:
    """A verdict under one choice.

    said  the test that gave it
    sd    that of a run, or of a pair of runs, where a t test gave it
    seed  the one that was left out
    """

    name: str
    said: str
    verdict: Verdict
    unit: str
    sd: float | None = None
    seed: int | None = None


@dataclass(frozen=True)
class _IntervalOnly:
    """A reach with the interval alone: detectable effects and seeds take time to compute and are not shown here."""

    reach: Reach

    def interval(self, alpha: float) -> Interval:
        return self.reach.interval(alpha)

    def detectable(self, alpha: float) -> float | None:
        return None

    def seeds_needed(self, alpha: float) -> int | None:
        return None


class Rules:
    """How one study was judged: its family and its looks, with the rows that say what was not evaluated."""

    def __init__(self, evidence: Evidence, registry: Registry, rows: Mapping[str, Row]) -> None:
        self._evidence, self._registry, self._rows = evidence, registry, rows
        family = [registry[name].id for name in evidence.study.family if name in registry.statements]
        self._family = counted(family, repeats=registry.repeats, definitions=registry.definitions)

    def verdict(self, statement: str, finding_for: FindingFor) -> Verdict:
        """The verdict on a statement if its finding were this one and all else in the family as it is."""
        cases = {**self._others, statement: self._asked(finding_for, _with_interval)}
        study = self._evidence.study
        decided = decide(
            cases,
            self._family,
            study.seeds,
            looks=study.looks,
            after=self._registry.after,
            asked=len(self._registry.hypotheses),
        )
        return decided[statement]

    @cached_property
    def _others(self) -> dict[str, FindingFor]:
        return {name: self._asked(self._registered(name), _bare) for name in self._family}

    def _registered(self, statement: str) -> FindingFor:
        """What the judge said of a member of the family; nothing where its row was not evaluated."""
        entry = self._registry[statement]
        row = self._rows.get(statement)
        if row is None or row["verdict"] in (None, "not_evaluated") or not isinstance(entry.test, StatisticalTest):
            return lambda seeds: NotEvaluated("gate", "not evaluated")
        case = Case.as_judged(self._evidence, entry, self._registry.gates, row)
        samples = case.samples
        return lambda seeds: _NOT_ASKED if samples is None else _registered_finding(case, samples, seeds)

    def _asked(self, finding_for: FindingFor, made: Callable[[Finding], Finding]) -> FindingFor:
        """The findings on the seeds of each look, computed once; none on fewer seeds, which only flags would need."""
        findings: dict[tuple[int, ...], Finding | NotEvaluated] = {}
        looks = (self._evidence.study.seeds, self._evidence.study.seeds[: LOOKS[0][0]])

        def asked(seeds: Sequence[int]) -> Finding | NotEvaluated:
            key = tuple(seeds)
            if key not in looks:
                return _NOT_ASKED
            if key not in findings:
                finding = finding_for(seeds)
                findings[key] = made(finding) if isinstance(finding, Finding) else finding
            return findings[key]

        return asked


def choices(case: Case, rules: Rules) -> tuple[Choice, ...]:
    """The registered choice first, then others; none where the verdict does not rest on runs, or cannot be reproduced.

    A verdict that these functions do not reproduce (made by another registry, or of a form not known here) has none.
    """
    samples = case.samples
    if samples is None or not isinstance(case.test, StatisticalTest):
        return ()
    try:
        return _choices(case, rules, samples)
    except (UserError, ValueError, LookupError):  # what the pipeline judged may be asked in a way that this cannot
        return ()


def _choices(case: Case, rules: Rules, samples: Samples) -> tuple[Choice, ...]:
    def judged(name: str, finding_for: FindingFor, *, seed: int | None = None) -> Choice:
        verdict = rules.verdict(case.statement.id, finding_for)
        finding = verdict.finding
        reach = finding.reach.reach if finding and isinstance(finding.reach, _IntervalOnly) else None
        sd = finite(reach.estimate.sd) if isinstance(reach, TReach) else None
        said = str(finding.details.get("method", "")) if finding else ""
        return Choice(name, said, verdict, finding.unit if finding else "", sd, seed)

    def registered(seeds: Sequence[int]) -> Finding | NotEvaluated:
        return _registered_finding(case, samples, seeds)

    first = judged("As registered", registered)
    if not _again(first.verdict, case.row):
        return ()
    own = METRICS.get(case.setting("metric"))
    made = [first if own is None else replace(first, said=", ".join(filter(None, (own.title, first.said))))]
    for metric in case.names("beside") if isinstance(case.test, DirectionTest) else ():
        made.append(judged(METRICS[metric].title, _in_metric(case, samples, metric)))
    if _paired(case, samples, case.seeds) is not None:
        made.append(judged("Paired by seed", lambda seeds: _paired(case, samples, seeds) or _NOT_ASKED))
    if len(case.seeds) > 1:
        for seed in case.seeds:
            made.append(judged(f"without seed {seed}", _without(registered, seed), seed=seed))
    return tuple(choice for choice in made if choice.verdict.estimate is not None or choice.seed is not None)


def _again(verdict: Verdict, row: Row) -> bool:
    """Whether this is the verdict of the row."""
    recorded, estimate = finite(row["estimate"]), finite(verdict.estimate)
    if verdict.outcome != row["verdict"] or recorded is None or estimate is None:
        return False
    return math.isclose(recorded, estimate, rel_tol=1e-6, abs_tol=1e-12)


def _registered_finding(case: Case, samples: Samples, seeds: Sequence[int]) -> Finding | NotEvaluated:
    return finding_on(case.evidence, case.test, case.gates, samples, seeds)


def _without(finding_for: FindingFor, seed: int) -> FindingFor:
    return lambda seeds: finding_for([other for other in seeds if other != seed])


def _in_metric(case: Case, samples: Samples, metric: str) -> FindingFor:
    """The same comparison in another metric; a smallest effect in another unit means nothing there."""
    unit = METRICS[metric].unit
    changes: dict[str, Any] = {"metric": metric, "unit": unit, "beside": ()}
    if unit != case.test.unit:
        changes |= {"smallest_effect": 0.0, "planned_effect": None}
    test = case.test.model_copy(update=changes)
    return lambda seeds: finding_on(case.evidence, test, case.gates, samples, seeds)


# ---- pairs of seeds --------------------------------------------------------------------------------


def _paired(case: Case, samples: Samples, seeds: Sequence[int]) -> Finding | NotEvaluated | None:
    """The same comparison with the runs of a seed as a pair; None for forms that do not compare two arms' means."""
    registered = _registered_finding(case, samples, seeds)
    if isinstance(registered, NotEvaluated):
        return registered
    if registered.form not in ("direction", "any_of"):  # margins at the paper's own scale are left as they are
        return None
    arms = _compared(case, samples, seeds)
    if not arms:
        return None
    parts = {
        name: forms.direction(
            first,
            second,
            larger=getattr(case.test, "larger", "first"),
            paired=True,
            smallest_effect=registered.smallest_effect,
            floor=floor,
            unit=registered.unit,
        )
        for name, (first, second, floor) in arms.items()
    }
    paired = forms.any_of(parts) if registered.form == "any_of" else next(iter(parts.values()))
    return replace(paired, minimum_n=max(paired.minimum_n, case.test.minimum_n))


def _compared(
    case: Case, samples: Samples, seeds: Sequence[int]
) -> dict[str, tuple[list[float], list[float], float]] | None:
    """Both arms' values of each part of the test, with the smallest sd that a difference can have."""
    evidence, test = case.evidence, case.test
    if isinstance(test, TowerContrastTest) and isinstance(samples, Towers) and samples.control is not None:
        nets = [divisions_of(evidence, name, seeds, test.specific_above) for name in (samples.split, samples.control)]
        values = [[net.j for net in arm] for arm in nets if not isinstance(arm, NotEvaluated)]
        return {"J": (values[0], values[1], 0.0)} if len(values) == 2 else None
    pairs: list[tuple[str, str]] = []
    if isinstance(test, DirectionTest) and isinstance(samples, Arms):
        pairs = [(samples.first, samples.second)]
    elif isinstance(test, AnyOfTest) and isinstance(samples, EachAgainst):
        pairs = [(first, samples.second) for first in samples.firsts]
    elif isinstance(test, DescendingTest) and isinstance(samples, Ordered):
        pairs = list(pairwise(samples.names))
    compared = {}
    for first, second in pairs:
        for metric in (test.metric, *getattr(test, "also", ())):
            a, b = (metric_values(evidence, name, seeds, metric) for name in (first, second))
            if isinstance(a, NotEvaluated) or isinstance(b, NotEvaluated):
                return None
            compared[f"{first}, {second}, {metric}"] = a, b, difference_floor(evidence, first, second, seeds, metric)
    return compared


def _with_interval(finding: Finding) -> Finding:
    reach = None if finding.reach is None else _IntervalOnly(finding.reach)
    return replace(finding, reach=reach, second_opinion=None)


def _bare(finding: Finding) -> Finding:
    return replace(finding, reach=None, second_opinion=None)

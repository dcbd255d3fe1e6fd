"""What a number of seeds can decide about one statement, before anything is trained."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from repro.verdicts.finding import amount, number
from repro.verdicts.registry.test_types import StatisticalTest
from repro.verdicts.registry.tests_of_arms import AnyOfTest, DescendingTest, DirectionTest, EquivalentTest
from repro.verdicts.registry.tests_of_towers import TowerContrastTest
from repro.verdicts.statistics.estimates import T_CAUTION
from repro.verdicts.statistics.power import POWER, minimum_detectable_effect, welch_power

DifferenceTest = DirectionTest | AnyOfTest | DescendingTest | EquivalentTest | TowerContrastTest


@dataclass(frozen=True)
class Prospect:
    """What one statement's test can come to at one look.

    level         at which its two-sided p is tested
    supported     whether any evidence of so many seeds could support it; contradicted likewise
    sd            of a run, in the metric's unit; None: not given
    detectable    effect that is found with 80 % power; None where no sd is given, or effects have no unit
    sentence      the prospect in words, for readers
    """

    statement: str
    seeds: int
    level: float
    supported: bool
    contradicted: bool
    sentence: str
    sd: float | None = None
    detectable: float | None = None


@dataclass(frozen=True)
class Plan:
    """One look at one statement: how many seeds, the level of its test, and the sd of a run by metric (`J`: division).

    The methods make the statement's prospect.
    """

    statement: str
    seeds: int
    level: float
    spread: Mapping[str, float]

    def either(self, sentence: str) -> Prospect:
        """The prospect in which both verdicts are possible."""
        return self.prospect(True, True, sentence)

    def neither(self, sentence: str) -> Prospect:
        """The prospect in which no evidence of so many seeds decides."""
        return self.prospect(False, False, sentence)

    def prospect(self, supported: bool, contradicted: bool, sentence: str) -> Prospect:
        """The prospect with these possible verdicts, in the words of the form."""
        return Prospect(self.statement, self.seeds, self.level, supported, contradicted, sentence)


def too_few(test: StatisticalTest, plan: Plan) -> Prospect | None:
    """The prospect where there are fewer seeds than the statement's registered minimum; None where there are enough."""
    return plan.neither(f"at least {test.minimum_n} seeds are needed") if plan.seeds < test.minimum_n else None


def without_power(test: StatisticalTest, plan: Plan) -> Prospect:
    """The prospect of forms whose power does not follow from the sd of a metric."""
    return too_few(test, plan) or plan.either("no spread of its form's numbers is given: nothing is said of its power")


def with_majority(test: StatisticalTest, plan: Plan) -> Prospect:
    """The same for limits that one group of runs must pass by t and by an exact majority, which few seeds cannot be."""
    n = plan.seeds
    if 2 * 0.5**n > plan.level:
        return plan.neither(f"{n} of {n} runs on one side of a limit are no majority beyond chance")
    return without_power(test, plan)


def of_differences(
    test: DifferenceTest, plan: Plan, metrics: Sequence[str], *, comparisons: int = 1, margin: float | None = None
) -> Prospect:
    """The prospect of Welch tests: the effect that they find with 80 % power, and the power for registered effects.

    comparisons  pairs of arms, all of which must differ, in each of the metrics
    margin       inside which a difference must be shown to lie
    """
    if refused := too_few(test, plan):
        return refused
    n, level, missing = plan.seeds, plan.level, [metric for metric in metrics if metric not in plan.spread]
    if missing:
        return plan.either(f"no spread of {', '.join(missing)} is given: nothing is said of its power")
    sd, unit = max(plan.spread[metric] for metric in metrics), test.unit
    parts = comparisons * len(metrics)
    cautious, power = level / T_CAUTION, 1 - (1 - POWER) / parts
    detectable = minimum_detectable_effect(sd, n, cautious, power)
    sentence = f"finds {amount(detectable, unit)} with 80 % power at sd {number(sd, unit)}"
    each = " each" if parts > 1 else ""
    for label, effect in (
        ("smallest effect", getattr(test, "smallest_effect", 0.0)),
        ("planned effect", getattr(test, "planned_effect", None)),
    ):
        if effect:
            share = welch_power(effect / (sd * math.sqrt(2 / n)), n, cautious) ** parts
            sentence += f"; the {label}, {number(effect, unit)}{each}, with {100 * share:.0f} %"
    supported = margin is None or minimum_detectable_effect(sd, n, cautious, 0.5) < margin
    if not supported:
        sentence += f"; never supported: the margin of {number(margin, unit)} is narrower than its interval"
    return Prospect(plan.statement, n, level, supported, True, sentence, sd, detectable)

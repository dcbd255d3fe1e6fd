"""What a study's seeds can decide, before it is trained: `repro plan STUDY --decide`.

For each statement of the family and each look: whether it can come out supported and contradicted at all, the
effect that is found with 80 % power, and the power for the effects that are registered. The level is the one at which
the statement is tested first: its chain's share of the family's level, shared with the other followers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from repro.verdicts.judging.decision import LOOKS, Looks, counted
from repro.verdicts.judging.reasons import number
from repro.verdicts.registry.registry import Registry
from repro.verdicts.registry.test_types import (
    AnyOfTest,
    DescendingTest,
    DirectionTest,
    EquivalentTest,
    EveryRunTest,
    FairCoinTest,
    MeasuresTest,
    MostRunsTest,
    StatisticalTest,
    TowerContrastTest,
)
from repro.verdicts.statistics.estimates import T_CAUTION
from repro.verdicts.statistics.exact import at_least, at_most
from repro.verdicts.statistics.multiplicity import places
from repro.verdicts.statistics.power import POWER, mde, welch_power


@dataclass(frozen=True)
class Prospect:
    """One statement at one look.

    level         at which its two-sided p is tested
    supported     whether any evidence of so many seeds could support it; contradicted likewise
    sd            of a run, in the metric's unit; None: not given
    detectable    effect found with 80 % power; None where no sd is known, or it is no effect in a unit
    told          the same and more in words
    """

    statement: str
    seeds: int
    level: float
    supported: bool
    contradicted: bool
    told: str
    sd: float | None = None
    detectable: float | None = None


def prospects(
    registry: Registry,
    family: Sequence[str],
    seeds: int,
    looks: Looks,
    spread: Mapping[str, float],
    smallest_effects: Mapping[str, float] | None = None,
) -> list[Prospect]:
    """Every statement of a study's family at every look, in the family's order.

    spread: sd of a run by metric (`J` for the division of towers), errors as fractions.
    """
    members = counted(family, repeats=registry.repeats, definitions=registry.definitions)
    found = []
    for n, alpha in LOOKS if looks == "two" else ((seeds, 0.05),):
        steps = {name: place.step for name, place in places({}, members, registry.after, alpha).items()}
        for name in members:
            test = registry[name].test
            assert isinstance(test, StatisticalTest)
            effect = (smallest_effects or {}).get(name)
            if effect is not None and hasattr(test, "smallest_effect"):
                test = test.model_copy(update={"smallest_effect": effect})
            found.append(_prospect(name, test, n, alpha / steps[name], spread))
    return found


def _prospect(name: str, test: StatisticalTest, n: int, level: float, spread: Mapping[str, float]) -> Prospect:
    able = n >= test.minimum_n
    if isinstance(test, MostRunsTest):
        up = next((k for k in range(n + 1) if 2 * at_least(k, n, 0.5) <= level), None)
        if up is None or not able:
            return Prospect(name, n, level, False, False, f"{n} of {n} runs are no majority beyond chance")
        return Prospect(name, n, level, True, True, f"supported by {up} of {n} runs, contradicted by {n - up}")
    if isinstance(test, EveryRunTest):
        few = max((k for k in range(n) if 2 * at_most(k, n, test.contradicted_below) <= level), default=None)
        all_of_them = 2 * test.recurrence**n <= level
        told = f"supported by {n} of {n} runs" if all_of_them and able else f"{n} of {n} runs are too few to support"
        told += f", contradicted by at most {few}" if few is not None else ", never contradicted"
        return Prospect(name, n, level, all_of_them and able, few is not None and able, told)
    if isinstance(test, FairCoinTest):
        low, high = test.margin
        inside = [k for k in range(n + 1) if 2 * max(at_least(k, n, low), at_most(k, n, high)) <= level]
        outside = 2 * at_most(0, n, low) <= level
        told = f"supported by {inside[0]} to {inside[-1]} of {n} runs" if inside else "never supported"
        return Prospect(name, n, level, bool(inside) and able, outside and able, told)
    if isinstance(test, MeasuresTest):
        able = able and 2 * 0.5**n <= level
    told = f"at least {test.minimum_n} seeds are needed" if n < test.minimum_n else ""
    if isinstance(test, MeasuresTest) and not able:
        told = f"{n} of {n} runs on one side of a limit are no majority beyond chance"
    return _in_a_unit(name, test, n, level, spread, able, told)


def _in_a_unit(
    name: str, test: StatisticalTest, n: int, level: float, spread: Mapping[str, float], able: bool, told: str
) -> Prospect:
    metrics = _metrics(test)
    sds = [spread[metric] for metric in metrics if metric in spread]
    if not able:
        return Prospect(name, n, level, False, False, told)
    if not sds or len(sds) < len(metrics) or n < 2:
        missing = ", ".join(metric for metric in metrics if metric not in spread) or "its form's numbers"
        return Prospect(name, n, level, True, True, f"no spread of {missing} is given: nothing is said of its power")
    sd, unit = max(sds), getattr(test, "unit", "")
    parts = len(test.variants) - 1 if isinstance(test, AnyOfTest | DescendingTest) else 1
    parts *= len(metrics)
    cautious, power = level / T_CAUTION, 1 - (1 - POWER) / parts
    detectable = mde(sd, n, cautious, power)
    told = f"finds {number(detectable, unit)} {unit} with 80 % power at sd {number(sd, unit)}"
    each = " each" if parts > 1 else ""
    for label, effect in (
        ("smallest effect", getattr(test, "smallest_effect", 0.0)),
        ("planned effect", getattr(test, "planned_effect", None)),
    ):
        if effect:
            share = welch_power(effect / (sd * math.sqrt(2 / n)), n, cautious) ** (parts if each else 1)
            told += f"; the {label}, {number(effect, unit)}{each}, with {100 * share:.0f} %"
    margin = getattr(test, "margin", None) if isinstance(test, EquivalentTest) else None
    supported = margin is None or mde(sd, n, cautious, 0.5) < margin
    if not supported:
        told += f"; never supported: the margin of {number(margin, unit)} is narrower than its interval"
    return Prospect(name, n, level, supported, True, told, sd, detectable)


def _metrics(test: StatisticalTest) -> tuple[str, ...]:
    if isinstance(test, TowerContrastTest):
        return ("J",)
    if isinstance(test, DirectionTest | AnyOfTest | DescendingTest | EquivalentTest):
        return (test.metric, *getattr(test, "also", ()))
    return ()


def one_way(found: Sequence[Prospect]) -> list[str]:
    """What must be said before hours are spent: statements that no look could decide, or only one way."""
    said = []
    for name in dict.fromkeys(prospect.statement for prospect in found):
        looks = [prospect for prospect in found if prospect.statement == name]
        up, down = any(p.supported for p in looks), any(p.contradicted for p in looks)
        if not up and not down:
            said.append(f"{name} can only come out inconclusive: {looks[-1].told}.")
        elif not (up and down):
            said.append(f"{name} can come out {'supported' if up else 'contradicted'} or inconclusive, nothing else.")
    return said

"""What a study's seeds can decide, before it is trained: `repro plan STUDY --decide`.

For each statement of the family and each look: whether it can come out supported and contradicted at all, the
effect that is found with 80 % power, and the power for the effects that are registered. The level is the one at which
the statement is tested first: its chain's share of the family's level, shared with the other followers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from repro.verdicts.forms.planning import Plan, Prospect
from repro.verdicts.forms.table import form_of
from repro.verdicts.judging.decision import LOOKS, Looks, counted
from repro.verdicts.registry.registry import Registry
from repro.verdicts.registry.test_types import StatisticalTest
from repro.verdicts.statistics.multiplicity import corrected


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
    planned = []
    for n, alpha in LOOKS if looks == "two" else ((seeds, 0.05),):
        steps = {name: own.step for name, own in corrected({}, members, registry.after, alpha).items()}
        for name in members:
            test = registry[name].test
            assert isinstance(test, StatisticalTest)
            effect = (smallest_effects or {}).get(name)
            if effect is not None and hasattr(test, "smallest_effect"):
                test = test.model_copy(update={"smallest_effect": effect})
            planned.append(form_of(test).prospect(test, Plan(name, n, alpha / steps[name], spread)))
    return planned


def one_way(expected: Sequence[Prospect]) -> list[str]:
    """Warnings before hours are spent: a sentence for each statement that no look can decide, or only one way."""
    said = []
    for name in dict.fromkeys(prospect.statement for prospect in expected):
        looks = [prospect for prospect in expected if prospect.statement == name]
        up, down = any(p.supported for p in looks), any(p.contradicted for p in looks)
        if not up and not down:
            said.append(f"{name} can only come out inconclusive: {looks[-1].sentence}.")
        elif not (up and down):
            said.append(f"{name} can come out {'supported' if up else 'contradicted'} or inconclusive, nothing else.")
    return said

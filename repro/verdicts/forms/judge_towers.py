"""Findings on the two towers' first-layer kernels."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from repro.evidence.directory import Evidence
from repro.verdicts.authoring.samples import Towers
from repro.verdicts.finding import Finding, NotEvaluated
from repro.verdicts.forms import counts as count_forms
from repro.verdicts.forms import two_arms as forms
from repro.verdicts.readings.readings import divisions_of, missing_runs
from repro.verdicts.registry.test_types import EveryRunTest, FairCoinTest, MostRunsTest, TowerContrastTest
from repro.verdicts.statistics.exact import mann_whitney_exact
from repro.verdicts.statistics.specialisation import rematch_p


def tower_contrast(
    evidence: Evidence, test: TowerContrastTest, samples: Towers, seeds: Sequence[int]
) -> Finding | NotEvaluated:
    split = divisions_of(evidence, samples.split, seeds, test.specific_above)
    assert samples.control is not None  # the registry lets no such test name fewer variants
    control = divisions_of(evidence, samples.control, seeds, test.specific_above)
    if isinstance(split, NotEvaluated):
        return split
    if isinstance(control, NotEvaluated):
        return control
    finding = forms.direction(
        [net.j for net in split],
        [net.j for net in control],
        larger="first",
        smallest_effect=test.smallest_effect,
        unit=test.unit,
    )
    # Towers that merely differ, each by its own luck, exceed dense halves too; division of labour pairs a colour
    # tower with a grey one in each net.
    return finding.remarked(
        rematch_p=rematch_p([net.shares for net in split]), beside=_beside(evidence, test, samples, seeds)
    )


def _beside(
    evidence: Evidence, test: TowerContrastTest, samples: Towers, seeds: Sequence[int]
) -> dict[str, list[float]]:
    """J of further variants and of untrained nets, for readers; only what is there."""
    shown: dict[str, list[float]] = {}
    for variant in test.beside:
        if variant in evidence.study.variants and missing_runs(evidence, [variant], seeds) is None:
            found = divisions_of(evidence, variant, seeds, test.specific_above)
            if not isinstance(found, NotEvaluated):
                shown[variant] = [net.j for net in found]
    untrained = divisions_of(evidence, samples.split, seeds, test.specific_above, initial=True)
    if not isinstance(untrained, NotEvaluated):
        shown[f"{samples.split}, untrained"] = [net.j for net in untrained]
    return shown


def every_run(evidence: Evidence, test: EveryRunTest, samples: Towers, seeds: Sequence[int]) -> Finding | NotEvaluated:
    split = divisions_of(evidence, samples.split, seeds, test.specific_above)
    assert samples.control is not None  # the registry lets no such test name fewer variants
    control = divisions_of(evidence, samples.control, seeds, test.specific_above)
    if isinstance(split, NotEvaluated):
        return split
    if isinstance(control, NotEvaluated):
        return control
    exceeds, _ = mann_whitney_exact([net.j for net in split], [net.j for net in control])
    finding = count_forms.every_run(
        [net.j >= test.least_division and net.p <= test.level for net in split],
        recurrence=test.recurrence,
        contradicted_below=test.contradicted_below,
        p_shown=[net.p for net in split],
        p_control=exceeds,
    )
    return finding.remarked(division=[net.j for net in split], colour_tower=[net.colour_tower for net in split])


def most_runs(evidence: Evidence, test: MostRunsTest, samples: Towers, seeds: Sequence[int]) -> Finding | NotEvaluated:
    split = divisions_of(evidence, samples.split, seeds, test.specific_above)
    if isinstance(split, NotEvaluated):
        return split
    finding = count_forms.most_runs([net.largely(test.majority) for net in split])
    return finding.remarked(
        agnostic_of_grey_tower=[1 - min(net.shares) for net in split],
        specific_of_colour_tower=[max(net.shares) for net in split],
        mean_division=fmean(net.j for net in split),
    )


def fair_coin(evidence: Evidence, test: FairCoinTest, samples: Towers, seeds: Sequence[int]) -> Finding | NotEvaluated:
    nets = divisions_of(evidence, samples.split, seeds, test.specific_above)
    if isinstance(nets, NotEvaluated):
        return nets
    sides = [net.colour_tower for net in nets if net.p <= test.level]
    if not sides:
        return NotEvaluated("kernels", "in no run do the towers differ, so neither is the coloured one")
    low, high = test.margin
    finding = count_forms.fair_coin(sides, lo=low, hi=high).remarked(without_difference=len(nets) - len(sides))
    return finding.remarked("exploratory") if len(nets) < test.exploratory_below else finding

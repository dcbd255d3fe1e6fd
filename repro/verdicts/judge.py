"""From a claim's samples and its registry entry to a finding: preconditions, gates, numbers, form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import median

from repro.evidence.directory import Evidence
from repro.verdicts import count_forms, forms
from repro.verdicts.exact import mann_whitney_exact
from repro.verdicts.finding import Finding, NotEvaluated
from repro.verdicts.gates import BASE, shut_gate, unstable_baseline
from repro.verdicts.readings import chroma_threshold, halves, metric_values, missing_runs, runs_of, splits_of
from repro.verdicts.samples import Arms, EachAgainst, Samples, Towers
from repro.verdicts.specialisation import TowerSplit, largely_split
from repro.verdicts.statement import (
    AnyOfTest,
    DirectionTest,
    EveryRunTest,
    FairCoinTest,
    Gates,
    MostRunsTest,
    PaperScale,
    StatisticalTest,
    TowerContrastTest,
)

BELOW_THRESHOLD = "below_threshold"


def at_paper_scale(evidence: Evidence) -> bool:
    """Whether this study can speak about the paper's magnitudes: its net and recipe, on all of LSVRC."""
    study = evidence.study
    pictures = study.data.get("counts", {}).get("train", 0)
    return (
        study.scaling == "none"
        and study.fidelity in ("paper", "authors")
        and study.classes == 1000
        and pictures >= 1_000_000
    )


def finding_on(
    evidence: Evidence, test: StatisticalTest, gates: Gates, samples: Samples, seeds: Sequence[int]
) -> Finding | NotEvaluated:
    """What the test says on these seeds; not evaluated when runs are missing or a gate is shut.

    Raises ValueError when the claim picked other variants than its registry entry names.
    """
    if samples.variants != test.variants:
        raise ValueError(
            f"the claim reads {', '.join(samples.variants)}, its registry entry {', '.join(test.variants)}"
        )
    if missing := missing_runs(evidence, [*dict.fromkeys((*samples.variants, BASE))], seeds):
        return missing
    closed = unstable_baseline(evidence, seeds) or shut_gate(
        evidence, gates, test.gates, test.variants, seeds
    )
    if closed:
        return closed
    finding = _by_form(evidence, test, samples, seeds)
    if isinstance(finding, NotEvaluated):
        return finding
    collapsed = {
        variant: gone
        for variant in samples.variants
        if (gone := sum(run.status != "finished" for run in runs_of(evidence, variant, seeds)))
    }
    finding = replace(finding, minimum_n=test.minimum_n)
    return finding.remarked("collapsed_runs", collapsed=collapsed) if collapsed else finding


def _by_form(
    evidence: Evidence, test: StatisticalTest, samples: Samples, seeds: Sequence[int]
) -> Finding | NotEvaluated:
    if isinstance(test, DirectionTest) and isinstance(samples, Arms):
        return _difference(evidence, test, samples.first, samples.second, seeds)
    if isinstance(test, AnyOfTest) and isinstance(samples, EachAgainst):
        parts = {}
        for first in samples.firsts:
            part = _difference(evidence, test, first, samples.second, seeds)
            if isinstance(part, NotEvaluated):
                return part
            parts[first] = part
        return forms.any_of(parts)
    if isinstance(samples, Towers):
        if isinstance(test, FairCoinTest):
            return _fair_coin(evidence, test, samples, seeds)
        if isinstance(test, TowerContrastTest):
            return _tower_contrast(evidence, test, samples, seeds)
        if isinstance(test, EveryRunTest):
            return _every_run(evidence, test, samples, seeds)
        if isinstance(test, MostRunsTest):
            return _most_runs(evidence, test, samples, seeds)
    raise ValueError(f"form {test.form} does not take {type(samples).__name__}")


def _difference(
    evidence: Evidence, test: DirectionTest | AnyOfTest, first: str, second: str, seeds: Sequence[int]
) -> Finding | NotEvaluated:
    a = metric_values(evidence, first, seeds, test.metric)
    b = metric_values(evidence, second, seeds, test.metric)
    if isinstance(a, NotEvaluated):
        return a
    if isinstance(b, NotEvaluated):
        return b
    scale: PaperScale | None = test.at_paper_scale
    if scale is not None and at_paper_scale(evidence):
        return forms.about(a, b, lo=scale.lower, hi=scale.upper, larger=test.larger, unit=test.unit)
    return forms.direction(a, b, larger=test.larger, smallest_effect=test.smallest_effect, unit=test.unit)


def _control(evidence: Evidence, samples: Towers, seeds: Sequence[int]) -> list[TowerSplit] | NotEvaluated:
    if samples.control is None:
        raise ValueError("this form needs a control: evidence.towers(..., control=...)")
    return splits_of(evidence, samples.control, seeds)


def _tower_contrast(
    evidence: Evidence, test: TowerContrastTest, samples: Towers, seeds: Sequence[int]
) -> Finding | NotEvaluated:
    splits, control = splits_of(evidence, samples.split, seeds), _control(evidence, samples, seeds)
    if isinstance(splits, NotEvaluated):
        return splits
    if isinstance(control, NotEvaluated):
        return control
    folded = [split.folded for split in splits]
    finding = forms.more_than_control(folded, [split.folded for split in control], unit=test.unit)
    middle = median(folded)
    finding = finding.remarked(median=middle, threshold=test.threshold)
    if middle >= test.threshold:
        return finding
    # A mere random difference between towers also beats dense nets; specialising takes this effect size.
    return replace(finding, p_sup=1.0).remarked(BELOW_THRESHOLD, p_control=finding.p_sup)


def _every_run(
    evidence: Evidence, test: EveryRunTest, samples: Towers, seeds: Sequence[int]
) -> Finding | NotEvaluated:
    splits, control = splits_of(evidence, samples.split, seeds), _control(evidence, samples, seeds)
    if isinstance(splits, NotEvaluated):
        return splits
    if isinstance(control, NotEvaluated):
        return control
    exceeds, _ = mann_whitney_exact([s.folded for s in splits], [s.folded for s in control])
    return count_forms.split_in_every_run(splits, p0=test.recurrence, p_control=exceeds)


def _most_runs(
    evidence: Evidence, test: MostRunsTest, samples: Towers, seeds: Sequence[int]
) -> Finding | NotEvaluated:
    if samples.control is None:
        raise ValueError("this form needs a control: evidence.towers(..., control=...)")
    threshold = chroma_threshold(evidence, samples.control, seeds)
    splits = splits_of(evidence, samples.split, seeds)
    if isinstance(threshold, NotEvaluated):
        return threshold
    if isinstance(splits, NotEvaluated):
        return splits
    states: list[count_forms.RunState] = []
    shares: list[list[float]] = []
    for run, split in zip(runs_of(evidence, samples.split, seeds), splits, strict=True):
        chroma, live = halves(evidence, run, "conv1_chroma"), halves(evidence, run, "conv1_live")
        if isinstance(chroma, NotEvaluated):
            return chroma
        if isinstance(live, NotEvaluated):
            return live
        largely, below, above = largely_split(
            chroma, live, threshold=threshold, colour_tower=split.colour_tower
        )
        # Chance alone gives two majorities when the threshold lies in the middle: the towers must differ too.
        states.append("no" if not largely else "yes" if split.p <= test.level else "unclear")
        shares.append([below, above])
    finding = count_forms.most_runs(states)
    return finding.remarked(chroma_threshold=threshold, below_and_above=shares)


def _fair_coin(
    evidence: Evidence, test: FairCoinTest, samples: Towers, seeds: Sequence[int]
) -> Finding | NotEvaluated:
    splits = splits_of(evidence, samples.split, seeds)
    if isinstance(splits, NotEvaluated):
        return splits
    sides = [split.colour_tower for split in splits if split.p <= test.level]
    if not sides:
        return NotEvaluated("kernels", "in no run do the towers differ, so neither is the coloured one")
    low, high = test.margin
    return count_forms.fair_coin(sides, lo=low, hi=high).remarked(without_difference=len(splits) - len(sides))

"""Findings on the two towers' first-layer kernels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import median

from repro.evidence.directory import Evidence
from repro.verdicts import count_forms, forms
from repro.verdicts.exact import mann_whitney_exact
from repro.verdicts.finding import Finding, NotEvaluated
from repro.verdicts.forms_registered import EveryRunTest, FairCoinTest, MostRunsTest, TowerContrastTest, TowersTest
from repro.verdicts.readings import chroma_threshold, halves, runs_of, splits_of
from repro.verdicts.samples import Towers
from repro.verdicts.specialisation import TowerSplit, largely_split

BELOW_THRESHOLD = "below_threshold"


def towers(evidence: Evidence, test: TowersTest, samples: Towers, seeds: Sequence[int]) -> Finding | NotEvaluated:
    """By the form of the test."""
    if isinstance(test, FairCoinTest):
        return _fair_coin(evidence, test, samples, seeds)
    if isinstance(test, TowerContrastTest):
        return _tower_contrast(evidence, test, samples, seeds)
    if isinstance(test, EveryRunTest):
        return _every_run(evidence, test, samples, seeds)
    return _most_runs(evidence, test, samples, seeds)


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


def _every_run(evidence: Evidence, test: EveryRunTest, samples: Towers, seeds: Sequence[int]) -> Finding | NotEvaluated:
    splits, control = splits_of(evidence, samples.split, seeds), _control(evidence, samples, seeds)
    if isinstance(splits, NotEvaluated):
        return splits
    if isinstance(control, NotEvaluated):
        return control
    exceeds, _ = mann_whitney_exact([s.folded for s in splits], [s.folded for s in control])
    return count_forms.split_in_every_run(splits, p0=test.recurrence, p_control=exceeds)


def _most_runs(evidence: Evidence, test: MostRunsTest, samples: Towers, seeds: Sequence[int]) -> Finding | NotEvaluated:
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
        largely, below, above = largely_split(chroma, live, threshold=threshold, colour_tower=split.colour_tower)
        # Chance alone gives two majorities when the threshold lies in the middle: the towers must differ too.
        states.append("no" if not largely else "yes" if split.p <= test.level else "unclear")
        shares.append([below, above])
    finding = count_forms.most_runs(states)
    return finding.remarked(chroma_threshold=threshold, below_and_above=shares)


def _fair_coin(evidence: Evidence, test: FairCoinTest, samples: Towers, seeds: Sequence[int]) -> Finding | NotEvaluated:
    splits = splits_of(evidence, samples.split, seeds)
    if isinstance(splits, NotEvaluated):
        return splits
    sides = [split.colour_tower for split in splits if split.p <= test.level]
    if not sides:
        return NotEvaluated("kernels", "in no run do the towers differ, so neither is the coloured one")
    low, high = test.margin
    return count_forms.fair_coin(sides, lo=low, hi=high).remarked(without_difference=len(splits) - len(sides))

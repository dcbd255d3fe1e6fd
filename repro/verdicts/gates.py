"""Preconditions and gates: what must be open before any number of a claim is read.

A shut gate means that this evidence cannot speak (not evaluated), never that the statement is wrong.
Thresholds stand in the registry; gates read the runs of the seeds that are judged and no others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any
from weakref import WeakKeyDictionary

from repro.evidence.directory import Evidence
from repro.verdicts.exact import at_least
from repro.verdicts.finding import NotEvaluated
from repro.verdicts.gate_rules import GateName, Gates
from repro.verdicts.readings import collapsed_runs, metric_values, runs_of, splits_of

BASE = "base"
MOST_COLLAPSED = 0.2
"""Share of the base's runs that may collapse before nothing can be compared with it."""


@dataclass(frozen=True)
class GateReading:
    """What a gate found, in words with its numbers, and whether that opens it."""

    open: bool
    found: str


def shut_gate(
    evidence: Evidence, gates: Gates, names: Sequence[GateName], variants: Sequence[str], seeds: Sequence[int]
) -> NotEvaluated | None:
    """The first gate that is shut, or None. `variants`: those that the claim reads, with all their runs."""
    for name in names:
        reading = read_gate(evidence, gates, name, variants, seeds)
        if isinstance(reading, NotEvaluated):
            return reading
        if not reading.open:
            return NotEvaluated("gate", f"gate {name}: {reading.found}")
    return None


def read_gate(
    evidence: Evidence, gates: Gates, name: GateName, variants: Sequence[str], seeds: Sequence[int]
) -> GateReading | NotEvaluated:
    """One gate's reading; NotEvaluated where the runs lack what it reads."""
    known = _READ.setdefault(evidence, {})
    key = (name, getattr(gates, name), tuple(variants) if name in _OF_VARIANTS else (), tuple(seeds))
    if key not in known:
        known[key] = _GATES[name](evidence, gates, variants, seeds)
    return known[key]


def unstable_baseline(evidence: Evidence, seeds: Sequence[int]) -> NotEvaluated | None:
    """Not evaluated when more than a fifth of the base's runs collapsed: what would a difference mean?"""
    gone = collapsed_runs(evidence, BASE, seeds)
    if gone > MOST_COLLAPSED * len(seeds):
        return NotEvaluated("unstable_baseline", f"{gone} of {len(seeds)} runs of the base collapsed")
    return None


def _trained(
    evidence: Evidence, gates: Gates, variants: Sequence[str], seeds: Sequence[int]
) -> GateReading | NotEvaluated:
    runs = runs_of(evidence, BASE, seeds)
    if stuck := [str(run.seed) for run in runs if run.status != "finished"]:
        return GateReading(False, f"base seed {', '.join(stuck)} stayed at chance or diverged")
    errors = metric_values(evidence, BASE, seeds, "train_error")
    if isinstance(errors, NotEvaluated):
        return errors
    bound = gates.trained.training_error_below_share_of_chance * evidence.study.chance_error
    below = fmean(errors) < bound
    return GateReading(
        below,
        f"the base's training error {_percent(fmean(errors))} is {_word(below, 'below')} {_percent(bound)}",
    )


def _fitted(
    evidence: Evidence, gates: Gates, variants: Sequence[str], seeds: Sequence[int]
) -> GateReading | NotEvaluated:
    train = metric_values(evidence, BASE, seeds, "train_error")
    held_out = metric_values(evidence, BASE, seeds, "held_out_error")
    if isinstance(train, NotEvaluated):
        return train
    if isinstance(held_out, NotEvaluated):
        return held_out
    share = gates.fitted.training_error_at_most_share_of_held_out_error
    fits = fmean(train) <= share * fmean(held_out)
    return GateReading(
        fits,
        f"the base's training error {_percent(fmean(train))} is {'at most' if fits else 'above'} {share:g} "
        f"of its held-out error {_percent(fmean(held_out))}",
    )


def _normalisation_alive(
    evidence: Evidence, gates: Gates, variants: Sequence[str], seeds: Sequence[int]
) -> GateReading | NotEvaluated:
    bound = gates.normalisation_alive.mean_scale_over_constant_above
    for variant in dict.fromkeys((BASE, *variants)):  # the base, or the arm that has it where the base has none
        scales = [
            value
            for run in runs_of(evidence, variant, seeds)
            for name in ("normalisation_alive_conv1", "normalisation_alive_conv2")
            if (value := run.scalar(name)) is not None
        ]
        if scales:
            found = f"the mean of s/k is {fmean(scales):.3f}, it must exceed {bound:g}"
            return GateReading(fmean(scales) > bound, found)
    return GateReading(False, f"no layer is normalised, the mean of s/k must exceed {bound:g}")


def _kernels_moved(
    evidence: Evidence, gates: Gates, variants: Sequence[str], seeds: Sequence[int]
) -> GateReading | NotEvaluated:
    bound = gates.kernels_moved.mean_cosine_with_initial_below
    found = []
    for variant in variants:
        cosines = [run.scalar("kernel_cosine") for run in runs_of(evidence, variant, seeds)]
        known = [value for value in cosines if value is not None]
        if len(known) < len(cosines):
            return GateReading(False, f"{variant} has runs without kernel_cosine")
        moved = fmean(known) < bound
        found.append(
            f"mean cosine of {variant}'s kernels with their initial values is {fmean(known):.2f}, "
            f"{_word(moved, 'below')} {bound:g}"
        )
        if not moved:
            return GateReading(False, found[-1])
        splits = splits_of(evidence, variant, seeds)
        if isinstance(splits, NotEvaluated):
            return splits
    return GateReading(True, "; ".join(found))


def _dose(
    evidence: Evidence, gates: Gates, variants: Sequence[str], seeds: Sequence[int]
) -> GateReading | NotEvaluated:
    doses = [run.scalar("decay_dose") or 0.0 for run in runs_of(evidence, BASE, seeds)]
    bound = gates.dose.decay_dose_at_least
    enough = fmean(doses) >= bound
    return GateReading(
        enough,
        f"rate x decay x steps / (1 - momentum) is {fmean(doses):.2g}, {'at least' if enough else 'below'} {bound:g}",
    )


def _untrained_control(
    evidence: Evidence, gates: Gates, variants: Sequence[str], seeds: Sequence[int]
) -> GateReading | NotEvaluated:
    rule = gates.untrained_control
    splits = splits_of(evidence, BASE, seeds, initial=True)
    if isinstance(splits, NotEvaluated):
        return splits
    passing = sum(split.p <= rule.level for split in splits)
    luck = at_least(passing, len(splits), rule.level)
    found = f"{passing} of {len(splits)} untrained nets look specialised (p {luck:.2g})"
    if luck >= rule.luck_at_least:
        return GateReading(True, found)
    return GateReading(False, f"{found}, so the measure is not to be trusted here")


def _tuned(
    evidence: Evidence, gates: Gates, variants: Sequence[str], seeds: Sequence[int]
) -> GateReading | NotEvaluated:
    found = evidence.study.tuned
    if without := [name for name in variants if name not in found]:
        return GateReading(False, f"no learning rate was searched for {', '.join(without)}")
    inside = gates.tuned.best_rate_inside_the_grid
    if edge := [name for name in variants if inside and not found[name]["interior"]]:
        return GateReading(False, f"the best rate of {', '.join(edge)} lies at the edge of those tried")
    return GateReading(True, "; ".join(f"{name} at rate {found[name]['rate']:g}" for name in variants))


def _word(holds: bool, comparison: str) -> str:
    return comparison if holds else f"not {comparison}"


def _percent(error: float) -> str:
    return f"{100 * error:.1f} %"


Gate = Callable[[Evidence, Gates, Sequence[str], Sequence[int]], GateReading | NotEvaluated]
_GATES: dict[GateName, Gate] = {
    "trained": _trained,
    "fitted": _fitted,
    "normalisation_alive": _normalisation_alive,
    "kernels_moved": _kernels_moved,
    "dose": _dose,
    "untrained_control": _untrained_control,
    "tuned": _tuned,
}
_OF_VARIANTS: frozenset[GateName] = frozenset({"normalisation_alive", "kernels_moved", "tuned"})
"""Gates that read the claim's own variants; the others read the base alone."""
_READ: WeakKeyDictionary[Evidence, dict[tuple[Any, ...], GateReading | NotEvaluated]] = WeakKeyDictionary()
"""Readings by gate, threshold and runs: nearly every claim asks for the same ones, with each seed left out."""

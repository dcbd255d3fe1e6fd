"""Gates: what must be open before any number of a claim is read.

A shut gate means that this evidence cannot speak (not evaluated), never that the statement is wrong. Thresholds
stand in the registry. A gate reads the runs of the seeds that are judged, of the variants that the claim compares
or has as control, and no others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from repro.evidence.directory import Evidence
from repro.settings import Settings
from repro.verdicts.finding import NotEvaluated
from repro.verdicts.readings.kept import kept
from repro.verdicts.readings.learning_curves import fall_from_guessing
from repro.verdicts.readings.readings import divisions_of, metric_values, runs_of, untrained_runs
from repro.verdicts.registry.gate_rules import (
    BothKinds,
    Dose,
    EnoughKernels,
    ErrorsLeft,
    GateName,
    Gates,
    KernelsMoved,
    NormalisationAlive,
    Settled,
    TrainingReached,
    Tuned,
)
from repro.verdicts.registry.test_types import StatisticalTest, TowersTest


@dataclass(frozen=True)
class GateReading:
    """Whether a gate is open, and its numbers in words."""

    open: bool
    sentence: str


@dataclass(frozen=True)
class Asked:
    """The runs that a gate is asked about.

    variants        of the claim; the last is the reference or the control
    seeds           that are judged
    specific_above  registered threshold of claims on towers; None for other claims
    """

    evidence: Evidence
    variants: tuple[str, ...]
    seeds: tuple[int, ...]
    specific_above: float | None


def shut_gate(
    evidence: Evidence, gates: Gates, test: StatisticalTest, variants: Sequence[str], seeds: Sequence[int]
) -> NotEvaluated | None:
    """NotEvaluated for the first of the test's gates that is shut; None where all are open."""
    for name in test.gates:
        reading = read_gate(evidence, gates, name, test, variants, seeds)
        if isinstance(reading, NotEvaluated):
            return reading
        if not reading.open:
            return NotEvaluated("gate", f"gate {name}: {reading.sentence}")
    return None


def read_gate(
    evidence: Evidence,
    gates: Gates,
    name: GateName,
    test: StatisticalTest,
    variants: Sequence[str],
    seeds: Sequence[int],
) -> GateReading | NotEvaluated:
    """Whether one gate is open; NotEvaluated where the runs lack the numbers that it needs."""
    above = test.specific_above if isinstance(test, TowersTest) else None
    return _reading(evidence, name, getattr(gates, name), tuple(variants), tuple(seeds), above)


@kept
def _reading(
    evidence: Evidence,
    name: GateName,
    rule: Settings,
    variants: tuple[str, ...],
    seeds: tuple[int, ...],
    above: float | None,
) -> GateReading | NotEvaluated:
    return _GATES[name](Asked(evidence, variants, seeds, above), rule)


# ---- training --------------------------------------------------------------------------------------


def _training_reached(asked: Asked, rule: TrainingReached) -> GateReading | NotEvaluated:
    bound = rule.training_error_below_share_of_chance * asked.evidence.study.chance_error
    words = []
    for variant in asked.variants:
        untrained = untrained_runs(asked.evidence, variant, asked.seeds, bound)
        if isinstance(untrained, NotEvaluated):
            return untrained
        if untrained:
            words.append(
                f"{len(untrained)} of {len(asked.seeds)} runs of {variant} are untrained (training error not below "
                f"{_percent(bound)}, or collapsed): seed {', '.join(map(str, untrained))}"
            )
        if len(untrained) > rule.untrained_share_at_most * len(asked.seeds):
            return GateReading(False, words[-1])
    return GateReading(True, "; ".join(words) or f"every run's training error is below {_percent(bound)}")


def _settled(asked: Asked, rule: Settled) -> GateReading | NotEvaluated:
    runs = [run for variant in asked.variants for run in runs_of(asked.evidence, variant, asked.seeds)]
    fall = fall_from_guessing(asked.evidence, runs, rule.points_at_least)
    if isinstance(fall, NotEvaluated):
        return fall
    if fall is None:
        return GateReading(True, "its plateau schedule ended every run by itself")
    sentence = (
        f"in the last quarter of the steps at the first learning rate the held-out error fell by {100 * fall:.2f} % "
        f"of its whole fall from guessing, {_word(fall <= rule.fall_at_most, 'at most', 'more than')} "
        f"{100 * rule.fall_at_most:g} %"
    )
    return GateReading(fall <= rule.fall_at_most, sentence)


def _errors_left(asked: Asked, rule: ErrorsLeft) -> GateReading | NotEvaluated:
    errors = []
    for variant in asked.variants:
        values = metric_values(asked.evidence, variant, asked.seeds, "train_error_as_trained")
        if isinstance(values, NotEvaluated):
            return values
        errors += values
    bound = rule.training_error_at_least
    return GateReading(
        fmean(errors) >= bound,
        f"the mean training error of all arms, {100 * fmean(errors):.2f} %, is "
        f"{_word(fmean(errors) >= bound, 'at least', 'below')} {100 * bound:g} %",
    )


def _dose(asked: Asked, rule: Dose) -> GateReading | NotEvaluated:
    doses = [run.scalar("decay_dose") or 0.0 for run in runs_of(asked.evidence, asked.variants[-1], asked.seeds)]
    bound = rule.decay_dose_at_least
    enough = fmean(doses) >= bound
    return GateReading(
        enough,
        f"rate x decay x steps / (1 - momentum) of {asked.variants[-1]} is {fmean(doses):.2g}, "
        f"{_word(enough, 'at least', 'below')} {bound:g}",
    )


def _normalisation_alive(asked: Asked, rule: NormalisationAlive) -> GateReading | NotEvaluated:
    bound = rule.mean_scale_over_constant_above
    scales = [
        value
        for variant in asked.variants
        for run in runs_of(asked.evidence, variant, asked.seeds)
        for name in ("normalisation_alive_conv1", "normalisation_alive_conv2")
        if (value := run.scalar(name)) is not None
    ]
    if not scales:
        return GateReading(False, f"no layer is normalised, the mean of s/k must exceed {bound:g}")
    return GateReading(fmean(scales) > bound, f"the mean of s/k is {fmean(scales):.3f}, it must exceed {bound:g}")


def _tuned(asked: Asked, rule: Tuned) -> GateReading | NotEvaluated:
    tuned = asked.evidence.study.tuned
    if without := [name for name in asked.variants if name not in tuned]:
        return GateReading(False, f"no learning rate was searched for {', '.join(without)}")
    if edge := [name for name in asked.variants if not tuned[name]["interior"]]:
        return GateReading(False, f"the best rate of {', '.join(edge)} lies at the edge of those tried")
    return GateReading(True, "; ".join(f"{name} at rate {tuned[name]['rate']:g}" for name in asked.variants))


# ---- first-layer kernels ---------------------------------------------------------------------------


def _kernels_moved(asked: Asked, rule: KernelsMoved) -> GateReading | NotEvaluated:
    sentences = []
    for variant in asked.variants:
        cosines = [run.scalar("kernel_cosine") for run in runs_of(asked.evidence, variant, asked.seeds)]
        measured = [value for value in cosines if value is not None]
        if len(measured) < len(cosines):
            return GateReading(False, f"{variant} has runs without kernel_cosine")
        moved = fmean(measured) < rule.mean_cosine_with_initial_below
        sentences.append(
            f"mean cosine of {variant}'s kernels with their initial values is {fmean(measured):.2f}, "
            f"{_word(moved, 'below', 'not below')} {rule.mean_cosine_with_initial_below:g}"
        )
        if not moved:
            return GateReading(False, sentences[-1])
        too_few = _too_few_live(asked, variant, rule.live_kernels_per_tower_at_least, rule.dead_share_per_tower_at_most)
        if too_few is not None:
            return too_few
    return GateReading(True, "; ".join(sentences))


def _enough_kernels(asked: Asked, rule: EnoughKernels) -> GateReading | NotEvaluated:
    fewest = rule.live_kernels_per_tower_at_least
    for variant in asked.variants:
        if (too_few := _too_few_live(asked, variant, fewest, 1.0)) is not None:
            return too_few
    return GateReading(True, f"every tower has at least {fewest} live kernels")


def _too_few_live(asked: Asked, variant: str, fewest: int, dead_share: float) -> GateReading | NotEvaluated | None:
    """A shut gate where a tower has too few live kernels: dead ones look coloured, and a verdict would be on noise."""
    nets = divisions_of(asked.evidence, variant, asked.seeds, asked.specific_above or 0.0)
    if isinstance(nets, NotEvaluated):
        return nets
    for seed, net in zip(asked.seeds, nets, strict=True):
        for tower, (live, kernels) in enumerate(zip(net.live, net.kernels, strict=True)):
            if live < fewest or kernels - live > dead_share * kernels:
                share = f" and at most {dead_share:.0%} dead" if dead_share < 1 else ""
                return GateReading(
                    False,
                    f"{variant} seed {seed}: tower {tower} has {live} live kernels of {kernels}; at least "
                    f"{fewest}{share} are needed",
                )
    return None


def _both_kinds(asked: Asked, rule: BothKinds) -> GateReading | NotEvaluated:
    control = asked.variants[-1]
    assert asked.specific_above is not None
    nets = divisions_of(asked.evidence, control, asked.seeds, asked.specific_above)
    if isinstance(nets, NotEvaluated):
        return nets
    share = sum(sum(net.specific) for net in nets) / sum(sum(net.live) for net in nets)
    holds = rule.specific_share_at_least <= share <= rule.specific_share_at_most
    return GateReading(
        holds,
        f"{share:.0%} of {control}'s live kernels are colour-specific, {_word(holds, 'inside', 'outside')} "
        f"{rule.specific_share_at_least:.0%} to {rule.specific_share_at_most:.0%}"
        + ("" if holds else ": there is nothing to divide"),
    )


def _word(holds: bool, yes: str, no: str) -> str:
    return yes if holds else no


def _percent(error: float) -> str:
    return f"{100 * error:.1f} %"


_GATES: dict[GateName, Callable[[Asked, Any], GateReading | NotEvaluated]] = {
    "trained": _training_reached,
    "learned": _training_reached,
    "settled": _settled,
    "errors_left": _errors_left,
    "dose": _dose,
    "normalisation_alive": _normalisation_alive,
    "kernels_moved": _kernels_moved,
    "both_kinds": _both_kinds,
    "enough_kernels": _enough_kernels,
    "tuned": _tuned,
}

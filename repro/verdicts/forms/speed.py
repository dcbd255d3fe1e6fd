"""The form of speed: by what factor two variants differ in the iterations that they take to the same point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from repro.evidence.directory import Evidence
from repro.evidence.record import RunRecord
from repro.study.tuning import iterations_to
from repro.verdicts.authoring.samples import Pairs
from repro.verdicts.finding import Finding, NotEvaluated
from repro.verdicts.forms import two_arms
from repro.verdicts.forms.form import Form, Part, all_parts
from repro.verdicts.forms.planning import without_power
from repro.verdicts.readings.readings import runs_of
from repro.verdicts.registry.tests_of_arms import SpeedTest

CONVERGED_WITHIN = 0.01
"""Relative distance from a run's lowest smoothed held-out error at which it has converged."""
STILL_FALLING = 0.9
"""A run whose error comes that near only after this share of its points may still be on its way down."""
SMOOTHED_OVER = 3
"""Points of a curve whose mean stands for the middle one."""


Points = list[tuple[float, float]]


@dataclass(frozen=True)
class Arrival:
    """The iteration at which a run arrived; `censored`: the run ended there and had not arrived."""

    iterations: float
    censored: bool = False


def _judge(evidence: Evidence, test: SpeedTest, samples: Pairs, seeds: Sequence[int]) -> Part:
    """The ratio of iterations of each pair's slower variant to its faster one's (geometric means)."""
    if test.criterion == "converged" and (scheduled := _scheduled(evidence, samples.variants)):
        return scheduled
    pairs = {f"{slower} against {faster}": (slower, faster) for slower, faster in samples.pairs}
    parts = all_parts(pairs, lambda name: _ratio(evidence, test, *pairs[name], seeds))
    return parts if isinstance(parts, NotEvaluated) else two_arms.every_part(parts)


def _scheduled(evidence: Evidence, variants: Sequence[str]) -> NotEvaluated | None:
    """NotEvaluated where a variant's learning rate falls at a fixed share of its steps.

    Every net comes to its lowest error just after such a fall, so the iterations to it are alike whatever a net takes
    at one rate. A rate that never falls, or falls when the error has stalled, as the paper's did (section 5), leaves
    that to the net.
    """
    training = {name: evidence.study.settings.get(name, {}).get("training", {}) for name in variants}
    if fixed := [name for name in dict.fromkeys(variants) if training[name].get("schedule", {}).get("at")]:
        return NotEvaluated(
            "scale",
            f"the rate of {' and '.join(fixed)} falls at a fixed step, so the schedule says when the nets come to "
            "their lowest error, not how fast they learn; a schedule that waits for a plateau would leave it to them",
        )
    return None


def _ratio(evidence: Evidence, test: SpeedTest, slower: str, faster: str, seeds: Sequence[int]) -> Part:
    curves: list[list[Points]] = []
    for runs in (runs_of(evidence, name, seeds) for name in (slower, faster)):
        curves.append([_points(run, _CURVES[test.criterion]) for run in runs])
        for run, points in zip(runs, curves[-1], strict=True):
            if not points:
                return NotEvaluated(
                    "not_a_number",
                    f"the evidence of {run.variant} seed {run.seed} holds no curve of {_CURVES[test.criterion]} by "
                    "step; `repro evaluate` adds it",
                )
    target = test.target
    arrivals = [
        [_converged(points) if target is None else _arrival(points, target) for points in arm] for arm in curves
    ]
    if late := [str(seed) for seed, arrival in zip(seeds, arrivals[1], strict=True) if arrival.censored]:
        goal = "converged" if target is None else f"came down to a training error of {100 * target:.0f} %"
        return NotEvaluated("scale", f"{faster} seed {', '.join(late)} never {goal}, so there is nothing to compare")
    finding = _compared(test, arrivals)
    censored = sum(arrival.censored for arrival in arrivals[0])
    return finding.remarked(*(["never_arrived"] if censored else []), target=target, never_arrived=censored)


def _compared(test: SpeedTest, arrivals: Sequence[Sequence[Arrival]]) -> Finding:
    """The registered test of the ratio. Runs that never arrived count with their end: a bound from below."""
    a, b = ([arrival.iterations for arrival in arm] for arm in arrivals)
    if test.upper is not None:
        finding = two_arms.about(a, b, lo=test.lower, hi=test.upper, larger="first", ratio=True)
    else:
        finding = two_arms.direction(
            a, b, larger="first", ratio=True, shift=test.lower, planned_effect=test.planned_effect
        )
    if not any(arrival.censored for arrival in arrivals[0]):
        return finding
    # The true ratio is larger: what is above a limit stays above it, what is below it may not be.
    beyond = None if test.upper is None else two_arms.direction(a, b, larger="first", ratio=True, shift=test.upper)
    return replace(
        finding,
        p_sup=finding.p_sup if beyond is None else 1.0,
        p_con=1.0 if beyond is None else beyond.p_sup,
        second_opinion=None,
    )


def arrival_at(run: RunRecord, target: float) -> Arrival:
    """The iteration at which a run's training error first reached the target, by straight lines between points."""
    return _arrival(_points(run, "train_error"), target)


def convergence(run: RunRecord) -> Arrival:
    """The first iteration whose smoothed held-out error is within 1 % of the lowest; censored among the last points."""
    return _converged(_points(run, "held_out_error"))


def _arrival(points: Points, target: float) -> Arrival:
    reached = iterations_to(target, [step for step, _ in points], [error for _, error in points])
    return Arrival(points[-1][0], censored=True) if reached is None else Arrival(reached)


def _converged(points: Points) -> Arrival:
    errors = [error for _, error in points]
    around = SMOOTHED_OVER // 2
    smoothed = [fmean(errors[max(0, index - around) : index + around + 1]) for index in range(len(errors))]
    enough = min(smoothed) * (1 + CONVERGED_WITHIN)
    first = next(index for index, error in enumerate(smoothed) if error <= enough)
    return Arrival(points[first][0], censored=first >= STILL_FALLING * len(points))


def _points(run: RunRecord, curve: str) -> Points:
    """Steps and values of a curve where it has both."""
    pairs = zip(run.curves.get("step", ()), run.curves.get(curve, ()), strict=False)
    return [(float(step), float(value)) for step, value in pairs if step is not None and value is not None]


_CURVES = {"training_error": "train_error", "converged": "held_out_error"}


SPEED = Form(SpeedTest, (Pairs,), _judge, without_power)

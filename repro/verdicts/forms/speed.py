"""The form of speed: by what factor two variants differ in the iterations that they take to the same point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from repro.evidence.directory import Evidence
from repro.verdicts.authoring.samples import Pairs
from repro.verdicts.finding import Finding, NotEvaluated
from repro.verdicts.forms import two_arms
from repro.verdicts.forms.form import Form, Part, all_parts
from repro.verdicts.forms.planning import without_power
from repro.verdicts.readings.arrivals import Arrival, arrival_at, convergence, points_of
from repro.verdicts.readings.readings import runs_of
from repro.verdicts.registry.tests_of_arms import SpeedTest


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
    arms = [runs_of(evidence, name, seeds) for name in (slower, faster)]
    curve = _CURVES[test.criterion]
    for run in (run for runs in arms for run in runs):
        if not points_of(run, curve):
            return NotEvaluated(
                "not_a_number",
                f"the evidence of {run.variant} seed {run.seed} holds no curve of {curve} by step; `repro evaluate` "
                "adds it",
            )
    target = test.target
    arrivals = [[convergence(run) if target is None else arrival_at(run, target) for run in runs] for runs in arms]
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


_CURVES = {"training_error": "train_error", "converged": "held_out_error"}


SPEED = Form(SpeedTest, (Pairs,), _judge, without_power)

"""The gates as a table: what each asks, what this evidence reads, whether it is open."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import fmean
from typing import Literal

from repro.evidence.directory import Evidence
from repro.report.towers import tower_kernels
from repro.report.words import DASH, decimal, finite, percent
from repro.verdicts.finding import NotEvaluated
from repro.verdicts.gates import BASE, MOST_COLLAPSED, shut_gate, unstable_baseline
from repro.verdicts.readings import missing_runs, splits_of
from repro.verdicts.gate_rules import GateName, Gates

State = Literal["open", "shut", "unread"]
Read = Callable[[Sequence[int]], NotEvaluated | None]


@dataclass(frozen=True)
class Reading:
    """A number that a gate looks at."""

    name: str
    value: str


@dataclass(frozen=True)
class GateRow:
    """One gate. `why` says in a sentence why it is shut or could not be read."""

    name: str
    asks: str
    readings: tuple[Reading, ...]
    wants: str
    state: State
    why: str | None


def gate_rows(evidence: Evidence, gates: Gates) -> tuple[GateRow, ...]:
    """Every gate of the registry, read on all registered runs, after a stable baseline."""
    moved, control = gates.kernels_moved, gates.untrained_control
    train, held_out = (_mean(evidence, f"{split}_error") for split in ("train", "held_out"))
    chance = evidence.study.chance_error
    half = gates.trained.training_error_below_share_of_chance
    fit = gates.fitted.training_error_at_most_share_of_held_out_error
    runs = evidence.of(BASE)
    gone = sum(run.status != "finished" for run in runs)
    tower_variants = [name for name in (BASE, "dense") if evidence.of(name)]
    texts: dict[GateName, tuple[str, list[Reading], str]] = {
        "trained": (
            "Did the base learn at all?",
            [Reading("training error", percent(train)), Reading("guessing", percent(chance))],
            f"no run of the base stuck, mean training error below {percent(half * chance)} "
            f"({half:g} of guessing)",
        ),
        "fitted": (
            "Did it go on until it fits what it trains on?",
            [Reading("training error", percent(train)), Reading("held-out error", percent(held_out))],
            f"training error at most {fit:g} of the held-out error",
        ),
        "normalisation_alive": (
            "Does response normalisation do anything?",
            [
                Reading(f"s/k after {layer}", decimal(_mean(evidence, f"normalisation_alive_{layer}"), 3))
                for layer in ("conv1", "conv2")
            ],
            f"mean of s/k above {gates.normalisation_alive.mean_scale_over_constant_above:g} (1 is inert)",
        ),
        "kernels_moved": (
            "Did the first layer's kernels become something?",
            [reading for name in tower_variants for reading in _kernels(evidence, name)],
            f"mean cosine with their initial values below {moved.mean_cosine_with_initial_below:g}; "
            f"in each tower at least {moved.live_kernels_per_tower_at_least} live kernels and at most "
            f"{percent(moved.dead_share_per_tower_at_most, 0)} dead",
        ),
        "dose": (
            "Was there enough weight decay to act?",
            [Reading("dose of the base", decimal(_mean(evidence, "decay_dose"), 3))],
            f"learning rate × decay × steps / (1 − momentum) at least {gates.dose.decay_dose_at_least:g}",
        ),
        "untrained_control": (
            "Do untrained nets look unspecialised, as they must?",
            _untrained(evidence, control.level),
            f"as many untrained nets with p ≤ {control.level:g} as luck gives with a probability of at least "
            f"{control.luck_at_least:g}",
        ),
    }
    rows = [
        GateRow(
            "stable baseline",
            "Did the base's runs survive?",
            (Reading("collapsed or diverged", f"{gone} of {len(runs)}"),),
            f"at most {percent(MOST_COLLAPSED, 0)} of its runs",
            *_state(evidence, [BASE], partial(unstable_baseline, evidence)),
        )
    ]
    for name, (asks, readings, wants) in texts.items():
        variants = tower_variants if name == "kernels_moved" else [BASE]
        state = _state(evidence, variants, partial(shut_gate, evidence, gates, [name], variants))
        rows.append(GateRow(name.replace("_", " "), asks, tuple(readings), wants, *state))
    return tuple(rows)


def _state(evidence: Evidence, variants: Sequence[str], read: Read) -> tuple[State, str | None]:
    """Open, shut or unread, on all registered seeds: a gate is not read on part of the runs."""
    seeds = evidence.study.seeds
    if gaps := missing_runs(evidence, variants or [BASE], seeds):
        return "unread", gaps.reason
    shut = read(seeds)
    if shut is None:
        return "open", None
    state: State = "shut" if shut.code in ("gate", "unstable_baseline", "kernels") else "unread"
    return state, shut.reason


def _mean(evidence: Evidence, name: str) -> float | None:
    known = [value for run in evidence.of(BASE) if (value := finite(run.scalar(name))) is not None]
    return fmean(known) if known else None


def _kernels(evidence: Evidence, variant: str) -> list[Reading]:
    """Mean cosine, and live kernels per tower over the runs (fewest to most)."""
    runs = evidence.of(variant)
    cosines = [value for run in runs if (value := finite(run.scalar("kernel_cosine"))) is not None]
    readings = [Reading(f"cosine, {variant}", decimal(fmean(cosines)) if cosines else DASH)]
    found = [kernels for run in runs if (kernels := tower_kernels(evidence, run))]
    for number in (0, 1):
        live = [len(kernels.towers[number].live) for kernels in found]
        if live:
            some = str(live[0]) if min(live) == max(live) else f"{min(live)}–{max(live)}"
            text = f"{some} of {len(found[0].towers[number].kernels)}"
            readings.append(Reading(f"live in tower {number}, {variant}", text))
    return readings


def _untrained(evidence: Evidence, level: float) -> list[Reading]:
    splits = splits_of(evidence, BASE, [run.seed for run in evidence.of(BASE)], initial=True)
    if isinstance(splits, NotEvaluated) or not splits:
        return [Reading(f"untrained nets with p ≤ {level:g}", DASH)]
    passing = sum(split.p <= level for split in splits)
    return [Reading(f"untrained nets with p ≤ {level:g}", f"{passing} of {len(splits)}")]

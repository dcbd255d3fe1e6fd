"""The gates as a list: what each asks, what this evidence reads, whether it is open."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from repro.evidence.directory import Evidence
from repro.verdicts.finding import NotEvaluated
from repro.verdicts.gate_rules import GateName, Gates
from repro.verdicts.gates import BASE, read_gate, unstable_baseline
from repro.verdicts.readings import missing_runs

State = Literal["open", "shut", "unread"]
_SHUT = frozenset({"gate", "unstable_baseline", "kernels"})
"""Why a gate is shut, in the words of `NotEvaluated`; for any other it could not be read."""
_ASKS: Mapping[str, str] = {
    "trained": "Did the base learn at all?",
    "fitted": "Did it go on until it fits what it trains on?",
    "normalisation_alive": "Does response normalisation do anything?",
    "kernels_moved": "Did the first layer's kernels become something?",
    "dose": "Was there enough weight decay to act?",
    "untrained_control": "Do untrained nets look unspecialised, as they must?",
    "tuned": "Did each net that is compared for speed get a learning rate of its own?",
}


@dataclass(frozen=True)
class GateRow:
    """One gate; `found` says in a sentence what was read, or why nothing was."""

    name: str
    asks: str
    found: str
    state: State


def gate_rows(evidence: Evidence, gates: Gates) -> tuple[GateRow, ...]:
    """Every gate of the registry, read on all registered runs, after a stable baseline."""
    rows = [_stable(evidence)]
    names: list[GateName] = list(type(gates).model_fields)  # type: ignore[arg-type]
    for name in names:
        variants = _variants(evidence, name)
        if variants is not None:
            found, state = _read(evidence, gates, name, variants)
            rows.append(GateRow(name, _ASKS.get(name, name.replace("_", " ")), found, state))
    return tuple(rows)


def _variants(evidence: Evidence, name: GateName) -> list[str] | None:
    """What a gate is read on; None where it does not concern this study."""
    if name == "tuned":
        return list(getattr(evidence.study, "tuned", None) or {}) or None
    if name == "kernels_moved":
        return [variant for variant in (BASE, "dense") if evidence.of(variant)]
    return [BASE]


def _stable(evidence: Evidence) -> GateRow:
    runs = evidence.of(BASE)
    gone = sum(run.status != "finished" for run in runs)
    gaps, asks = missing_runs(evidence, [BASE], evidence.study.seeds), "Did the base's runs survive?"
    if gaps:
        return GateRow("stable baseline", asks, gaps.reason, "unread")
    shut = unstable_baseline(evidence, evidence.study.seeds)
    found = shut.reason if shut else f"{gone} of {len(runs)} runs of the base collapsed or diverged"
    return GateRow("stable baseline", asks, found, "shut" if shut else "open")


def _read(evidence: Evidence, gates: Gates, name: GateName, variants: Sequence[str]) -> tuple[str, State]:
    """On all registered seeds: a gate is not read on part of the runs."""
    seeds = evidence.study.seeds
    if gaps := missing_runs(evidence, [*dict.fromkeys((BASE, *variants))], seeds):
        return gaps.reason, "unread"
    reading = read_gate(evidence, gates, name, variants, seeds)
    if isinstance(reading, NotEvaluated):
        return reading.reason, "shut" if reading.code in _SHUT else "unread"
    if re.search(r"\b(nan|inf)\b", reading.found):
        return "what it reads is not a number", "unread"
    return reading.found, "open" if reading.open else "shut"

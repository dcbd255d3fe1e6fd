"""The gates as a list: what each asks, what this evidence reads, whether it is open, and for which statements."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from repro.report.cases.case import Case
from repro.verdicts.finding import NotEvaluated
from repro.verdicts.registry.gate_rules import GateName, Gates
from repro.verdicts.registry.test_types import StatisticalTest

State = Literal["open", "shut", "unread"]
_SHUT = frozenset({"gate", "kernels"})
"""Why a gate is shut, in the words of `NotEvaluated`; for any other it could not be read."""
_ASKS: Mapping[str, str] = {
    "trained": "Did nearly every run that is compared learn?",
    "learned": "Did the nets learn enough to form kernels?",
    "settled": "Had the error come to rest, or was learning cut short?",
    "errors_left": "Were errors left that could be lowered?",
    "dose": "Was there enough weight decay to act?",
    "normalisation_alive": "Does response normalisation do anything?",
    "kernels_moved": "Did the first layer's kernels become something?",
    "both_kinds": "Are there kernels of both kinds, coloured and grey, to divide?",
    "enough_kernels": "Are there enough live kernels in every tower?",
    "tuned": "Did each net that is compared for speed get a learning rate of its own?",
}


@dataclass(frozen=True)
class ListedReading:
    """One thing that a gate reads, in a sentence, or why nothing was read; and the statements that it opens or shuts,
    those of the study's family first."""

    sentence: str
    state: State
    family: tuple[str, ...]
    others: tuple[str, ...]


@dataclass(frozen=True)
class GateRow:
    """One gate with its distinct readings: statements that compare other variants may read it otherwise."""

    name: str
    asks: str
    readings: tuple[ListedReading, ...]


def gate_rows(cases: Iterable[Case]) -> tuple[GateRow, ...]:
    """Every gate of a statement that this study can judge, in the registry's order."""
    judged = [case for case in cases if isinstance(case.test, StatisticalTest) and case.concerned]
    names: list[GateName] = list(Gates.model_fields)  # type: ignore[arg-type]
    rows = []
    for name in names:
        asking = [case for case in judged if name in case.test.gates]
        if asking:
            rows.append(GateRow(name, _ASKS.get(name, name.replace("_", " ")), _readings(asking, name)))
    return tuple(rows)


def _readings(cases: Iterable[Case], name: GateName) -> tuple[ListedReading, ...]:
    """Each distinct reading once; those of the family first."""
    readings: dict[tuple[str, State], ListedReading] = {}
    for case in cases:
        sentence, state = _read(case, name)
        reading = readings.get((sentence, state)) or ListedReading(sentence, state, (), ())
        statement = case.statement.id
        if statement in case.evidence.study.family:
            reading = replace(reading, family=(*reading.family, statement))
        else:
            reading = replace(reading, others=(*reading.others, statement))
        readings[sentence, state] = reading
    return tuple(sorted(readings.values(), key=lambda reading: not reading.family))


def _read(case: Case, name: GateName) -> tuple[str, State]:
    reading = case.gate(name)
    if isinstance(reading, NotEvaluated):
        return reading.reason, "shut" if reading.code in _SHUT else "unread"
    if re.search(r"\b(nan|inf)\b", reading.sentence):
        return "what it reads is not a number", "unread"
    return reading.sentence, "open" if reading.open else "shut"

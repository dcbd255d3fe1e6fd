"""Readings are read once for each evidence and go with it."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from weakref import ref

from repro.evidence.directory import Evidence
from repro.verdicts.readings.kept import kept
from tests.made_up import MadeUp


def test_a_reading_is_read_once_for_the_same_evidence_and_arguments() -> None:
    first, second = (MadeUp(seeds=range(2)).evidence() for name in ("first", "second"))
    reads = []

    @kept
    def reading(evidence: Evidence, variant: str, seeds: Sequence[int], *, initial: bool = False) -> int | None:
        reads.append((evidence, variant, tuple(seeds), initial))
        return None if initial else len(seeds)

    asked = [reading(first, "base", seeds) for seeds in ([0, 1], (0, 1), range(2))]
    assert asked == [2, 2, 2]
    assert len(reads) == 1
    for _ in range(2):
        assert reading(first, "base", [0, 1], initial=True) is None
        assert reading(first, "base", [1]) == 1
        assert reading(first, "dense", [0, 1]) == 2
        assert reading(second, "base", [0, 1]) == 2
    assert len(reads) == 5


def test_readings_go_with_their_evidence() -> None:
    class Number:
        pass

    @kept
    def reading(evidence: Evidence) -> Number:
        return Number()

    evidence = MadeUp(seeds=range(2)).evidence()
    number = ref(reading(evidence))
    assert number() is reading(evidence)
    del evidence
    gc.collect()
    assert number() is None

"""In what two evidences differ, in a phrase."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from repro.evidence.difference import EvidenceDifference, Seeds


def difference_in_words(found: EvidenceDifference, variants: Collection[str] | None = None) -> str:
    """All differences but facts; with `variants` those of their runs and of the study's record; empty without any."""
    parts = []
    for said, seeds in (
        ("runs added", found.added),
        ("runs removed", found.removed),
        ("other runs under the same seeds", found.replaced),
        ("other numbers of the same runs", found.changed),
        ("more or less measured of the same runs", found.measured),
    ):
        if told := _runs(seeds, variants):
            parts.append(f"{said}: {told}")
    if found.study:
        parts.append(f"the study's record differs in {', '.join(key.replace('_', ' ') for key in found.study)}")
    if variants is None and found.averages:
        parts.append("other averages of nets")
    return "; ".join(parts)


def _runs(seeds: Seeds, variants: Collection[str] | None) -> str:
    of = {variant: found for variant, found in seeds.items() if variants is None or variant in variants}
    return ", ".join(f"{variant} {_ranges(found)}" for variant, found in of.items())


def _ranges(seeds: Iterable[int]) -> str:
    """Seeds as they follow each other, for instance 20-25 and 27."""
    runs: list[list[int]] = []
    for seed in seeds:
        if runs and seed == runs[-1][-1] + 1:
            runs[-1].append(seed)
        else:
            runs.append([seed])
    return " and ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)

"""Verdicts that nobody judged: a row of the verdicts' file for every statement of the registry."""

from __future__ import annotations

from typing import Any

from repro.verdicts.registry.registry import Registry
from repro.verdicts.registry.statement import Statement


def verdict_row(entry: Statement, **changes: Any) -> dict[str, Any]:
    """One object of the verdicts' file, not yet judged."""
    authors = None if entry.authors is None else {"number": entry.authors.number, "file": entry.authors.file}
    row: dict[str, Any] = dict.fromkeys(
        ("study", "verdict", "estimate", "interval", "p", "p_adjusted", "n", "detectable", "seeds_needed", "code")
    )
    row |= {"id": entry.id, "section": entry.section, "statement": entry.statement, "kind": entry.kind}
    row |= {"reason": "no_claim_yet", "paper": entry.paper, "authors": authors, "flags": []}
    return {**row, **changes}


def verdict_rows(registry: Registry, study: str = "smoke") -> list[dict[str, Any]]:
    """A verdict of every kind, statement by statement."""
    return [_made_up(registry, entry, study) for entry in registry]


def _made_up(registry: Registry, entry: Statement, study: str) -> dict[str, Any]:
    original = registry[registry.original(entry.id)]
    if entry.untestable is not None:
        return verdict_row(entry, verdict="untestable", reason=entry.untestable)
    if original.scope is None:
        return verdict_row(entry)
    if original.scope == "definition":
        if entry.known_erratum:
            return verdict_row(
                entry,
                verdict="contradicted",
                reason="conv3 share of parameters 1.45 %, printed 1",
                flags=["known_erratum"],
            )
        return verdict_row(
            entry, verdict="supported", reason="parameters 60,965,224, printed 60 million", estimate=6.1e7
        )
    if original.scope == "record":
        return verdict_row(entry, study=study, verdict="not_evaluated", reason="this study staged 12 of 1000 classes")
    return verdict_row(
        entry, study=study, **_STATISTICAL.get({"S90": "S12", "S61b": "S61c"}.get(original.id, original.id), _MISSING)
    )


_MISSING: dict[str, Any] = {"verdict": "not_evaluated", "reason": "smoke has not all of its variants"}
_STATISTICAL: dict[str, dict[str, Any]] = {
    "S12": {
        "verdict": "inconclusive",
        "reason": "1.02 points [-0.41, 2.45], 3 + 3 seeds; this form needs at least 5 seeds; "
        "detectable (80 % power): 2.10 points",
        "estimate": 0.0102,
        "interval": [-0.0041, 0.0245],
        "p": 0.041,
        "p_adjusted": 0.25,
        "n": [3, 3],
        "detectable": 0.021,
        "seeds_needed": 7,
        "flags": ["few_seeds", "reduced_scale"],
    },
    "S61c": {
        "verdict": "supported",
        "reason": "1.31 points [0.42, 2.20], 3 + 3 seeds; adjusted p 0.0093",
        "estimate": 0.0131,
        "interval": [0.0042, 0.0220],
        "p": 0.0013,
        "p_adjusted": 0.0093,
        "n": [3, 3],
        "detectable": 0.0098,
        "flags": ["few_seeds", "fragile", "reduced_scale"],
    },
    "S76": {
        "verdict": "inconclusive",
        "reason": "0.41 J [0.2, 0.62], 3 + 3 seeds; this form needs at least 4 seeds",
        "estimate": 0.41,
        "interval": [0.2, 0.62],
        "p": 0.1,
        "p_adjusted": 0.5,
        "n": [3, 3],
        "flags": ["reduced_scale"],
    },
    "S77": {
        "verdict": "not_evaluated",
        "code": "gate",
        "reason": "gate kernels_moved: mean cosine of dense's kernels is 0.84, not below 0.8",
    },
    "S78": {
        "verdict": "contradicted",
        "reason": "0 of 3 runs [0, 0.71], 3 seeds; adjusted p 0.012",
        "estimate": 0.0,
        "interval": [0.0, 0.71],
        "p": 0.0015,
        "p_adjusted": 0.012,
        "n": [3],
        "flags": ["reduced_scale", "exploratory"],
    },
    "S79": {
        "verdict": "inconclusive",
        "reason": "0.667 [0.05, 0.99], 3 seeds; this form needs at least 6 seeds",
        "estimate": 2 / 3,
        "interval": [0.05, 0.99],
        "p": 1.0,
        "p_adjusted": 1.0,
        "n": [3],
        "flags": ["reduced_scale"],
    },
}

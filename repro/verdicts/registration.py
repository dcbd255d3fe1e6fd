"""What was registered when a study's runs were created, against what is judged now.

A verdict keeps its promise only for what was fixed before the runs: the statement's entry, the study's family, its
seeds, its looks, its smallest effects of interest. Each run notes them when it is created (`repro/registered.py`);
whatever differs makes the verdict exploratory, and the verdict says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from repro.evidence.directory import Evidence

_OF_STUDY = {
    "family": "the family of statements",
    "seeds": "the list of seeds",
    "looks": "the number of looks",
    "smallest_effects": "the smallest effects of interest",
}


def departures(evidence: Evidence, statement: str, digest: str, variants: Sequence[str]) -> tuple[str, ...]:
    """In what the judging of a statement departs from what its runs were created for, one phrase each.

    digest    of the statement's entry in the registry as it stands now
    variants  whose runs the statement's claim reads
    """
    study = evidence.study
    now: dict[str, Any] = {
        "family": set(study.family),
        "seeds": list(study.seeds),
        "looks": study.looks,
        "smallest_effects": dict(study.smallest_effects),
    }
    found: dict[str, None] = {}
    for run in (run for name in variants for run in evidence.of(name)):
        noted = run.registered
        if not noted:
            found["nothing was registered when its runs were created"] = None
            continue
        for key, value in now.items():
            if _comparable(key, noted) != value:
                found[f"{_OF_STUDY[key]} was another when its runs were created"] = None
        if noted.get("registry", {}).get(statement) != digest:
            found["its entry in the registry was another, or none, when its runs were created"] = None
    return tuple(found)


def _comparable(key: str, noted: Mapping[str, Any]) -> Any:
    value = noted.get(key)
    return set(value) if key == "family" and isinstance(value, list) else value

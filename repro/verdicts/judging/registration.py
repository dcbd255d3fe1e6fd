"""What was registered when a study's runs were created, against what is judged now.

A verdict keeps its promise only for what was fixed before the runs: the statement's entry, the study's family, its
seeds, its looks, its smallest effects of interest, and how its runs are measured. Each run notes them when it is
created, by `repro/stages/registered.py`; whatever differs makes the verdict exploratory, and the verdict says so. So
does a run of an older version that does not say how it was made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from repro.evidence.directory import Evidence
from repro.evidence.record import RunRecord
from repro.study.settings import EvaluationSettings

_OF_STUDY = {
    "family": "the family of statements was another",
    "seeds": "the list of seeds was another",
    "looks": "the number of looks was another",
    "smallest_effects": "the smallest effects of interest were others",
}


def departures(
    evidence: Evidence, statement: str, digests: Mapping[str, str], variants: Sequence[str]
) -> tuple[str, ...]:
    """How the judging of a statement departs from what was registered when its runs were created, a phrase each.

    digests   of the statement's entry in the registry as it stands now, and of the entries that repeat it: a family may
              name any of them
    variants  whose runs the statement's claim reads
    """
    study = evidence.study
    now: dict[str, Any] = {
        "family": set(study.family),
        "seeds": list(study.seeds),
        "looks": study.looks,
        "smallest_effects": dict(study.smallest_effects),
    }
    in_family = any(name in study.family for name in (statement, *digests))
    runs = [run for name in variants for run in evidence.of(name)]
    phrases: dict[str, None] = {} if in_family else {"it is not in the study's family": None}
    for noted in (run.registered for run in runs):
        if not noted:
            phrases["nothing was registered when its runs were created"] = None
            continue
        for key, value in now.items():
            if _comparable(key, noted) != value:
                phrases[f"{_OF_STUDY[key]} when its runs were created"] = None
        phrases |= dict.fromkeys(_measured_otherwise(noted.get("evaluation"), study.evaluation))
        entries = noted.get("registry", {})
        if in_family and not any(entries.get(name) == digest for name, digest in digests.items()):
            phrases["its entry in the registry was another, or none, when its runs were created"] = None
    return (*phrases, *_unsaid(runs))


def _measured_otherwise(noted: Mapping[str, Any] | None, now: Mapping[str, Any]) -> list[str]:
    """A phrase for each setting of the measurements that was another; none for runs of earlier versions.

    A setting that is not named has its default; those that change no number may differ.
    """
    if noted is None:
        return []
    defaults = EvaluationSettings().deciding()
    before, after = ({name: said.get(name, value) for name, value in defaults.items()} for said in (noted, now))
    return [
        f"evaluation.{name} was {value} when its runs were created and is {after[name]} now"
        for name, value in before.items()
        if value != after[name]
    ]


_TRACES = {
    "training_version": "which training version made them",
    "tensors_digest": "the digest of their weights, by which copies would be found",
}


def _unsaid(runs: Sequence[RunRecord]) -> list[str]:
    """A phrase on what runs of older versions do not record, so that nobody can check where they come from; or none."""
    missing = {name: sum(run.provenance.get(name) is None for run in runs) for name in _TRACES}
    what = [said for name, said in _TRACES.items() if missing[name]]
    if not what:
        return []
    whose = "its runs" if max(missing.values()) == len(runs) else "some of its runs"
    return [f"{whose} do not say {', nor '.join(what)}"]


def _comparable(key: str, noted: Mapping[str, Any]) -> Any:
    value = noted.get(key)
    return set(value) if key == "family" and isinstance(value, list) else value

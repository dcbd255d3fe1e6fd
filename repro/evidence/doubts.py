"""What speaks against an evidence by itself: runs whose identity does not follow from what is recorded of them,
the same seed, run or weights twice, runs of different training versions.

An identity is a digest of what decides a run's numbers, so anyone can compute it again from `study.json` and the
run's line. No torch: whoever reads evidence can ask.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping
from typing import Any

from repro.errors import UserError
from repro.evidence.directory import Evidence
from repro.evidence.record import RunRecord
from repro.settings import validated
from repro.study.identity import run_identity
from repro.study.settings import RunSettings

_SHOWN = 4


def contradictions(evidence: Evidence) -> list[str]:
    """What cannot be true of a study's runs, a sentence each; none when each run is what it says it is."""
    return [
        *_seeds_twice(evidence),
        *_other_identities(evidence),
        *_twice(evidence),
        *_same_weights(evidence),
        *_versions(evidence),
    ]


def _seeds_twice(evidence: Evidence) -> list[str]:
    """Seeds that the study lists twice: each would count one run as two replicates."""
    counts = Counter(evidence.study.seeds)
    twice = [str(seed) for seed, count in counts.items() if count > 1]
    return [f"The study names seeds {', '.join(twice)} more than once."] if twice else []


def _other_identities(evidence: Evidence) -> list[str]:
    """Report runs whose identity is another than their recorded settings, seed, parent, pictures and version give."""
    sentences = []
    for variant, runs in _by(evidence.runs, lambda run: run.variant if run.role == "report" else None).items():
        checked = [run for run in runs if run.provenance.get("training_version") is not None]
        if not checked:
            continue
        try:
            settings = validated(RunSettings, evidence.study.settings.get(str(variant)), f"settings of {variant}")
        except UserError as error:
            sentences.append(f"The identities of {variant} cannot be checked: {error}.")
            continue
        for run in checked:
            version, data = run.provenance["training_version"], str(evidence.study.data.get("digest"))
            expected = run_identity(settings, run.seed, data, run.parent, version=version)
            if expected != run.identity:
                sentences.append(
                    f"The identity of {_called(run)} does not follow from its recorded settings, seed, parent, "
                    f"pictures and training version {version}: they give {expected}."
                )
    return sentences


def _twice(evidence: Evidence) -> list[str]:
    """Variants and seeds with two runs of one role; in a search for learning rates each rate has a run of its own."""

    def cell(run: RunRecord) -> Hashable:
        return (run.variant, run.seed, run.role, run.scalars.get("learning_rate") if run.role == "tuning" else None)

    return [
        f"{runs[0].variant} seed {runs[0].seed} (role {runs[0].role}) has {len(runs)} runs: "
        f"{_some([run.identity for run in runs])}."
        for runs in _by(evidence.runs, cell).values()
        if len(runs) > 1
    ]


def _same_weights(evidence: Evidence) -> list[str]:
    """Runs with equal weights; diverged ones are left out, since weights that are all NaN are equal by nature."""
    weights = _by(evidence.runs, lambda run: None if run.status == "diverged" else run.provenance.get("tensors_digest"))
    return [
        f"{_some([_called(run) for run in runs])} have the same weights under different identities."
        for runs in weights.values()
        if len(runs) > 1
    ]


def _versions(evidence: Evidence) -> list[str]:
    versions = _by(evidence.runs, lambda run: run.provenance.get("training_version"))
    if len(versions) < 2:
        return []
    parts = [f"{len(runs)} of version {version}" for version, runs in sorted(versions.items(), key=str)]
    return [f"The runs are of different training versions, {', '.join(parts)}: their numbers do not belong together."]


def _by(runs: Iterable[RunRecord], key: Any) -> Mapping[Hashable, list[RunRecord]]:
    """Runs by a key; those for which it is None are left out."""
    groups: dict[Hashable, list[RunRecord]] = defaultdict(list)
    for run in runs:
        if (value := key(run)) is not None:
            groups[value].append(run)
    return groups


def _called(run: RunRecord) -> str:
    return f"run {run.identity} ({run.variant} seed {run.seed})"


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more

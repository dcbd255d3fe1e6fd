"""What two evidences of one study differ in, and digests by which evidence is recognised. No torch."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from repro.evidence.directory import Evidence
from repro.evidence.record import RunRecord
from repro.files import digest_of

_INCIDENTAL = ("summary", "deviations", "versions", "machine", "device", "git_commit", "command", "created")
"""Of a study's record: how and where the evidence was made, which no verdict reads."""
Seeds = Mapping[str, tuple[int, ...]]
"""Seeds by variant."""


@dataclasses.dataclass(frozen=True)
class EvidenceDifference:
    """From one evidence to another of the same study.

    added, removed  seeds of runs that only the second has, or only the first
    replaced        seeds under which another run stands: of other settings, pictures or training version
    changed         seeds whose run is the same and has other numbers, arrays or notes under the same names
    measured        seeds whose run is the same with the same numbers, but one evidence has more of them
    study           keys of the study's record that differ
    averages        whether averages of nets differ
    facts           whether facts about the program's own nets differ
    """

    added: Seeds
    removed: Seeds
    replaced: Seeds
    changed: Seeds
    measured: Seeds
    study: tuple[str, ...]
    averages: bool
    facts: bool

    def __bool__(self) -> bool:
        return any(getattr(self, field.name) for field in dataclasses.fields(self))

    def as_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


def difference(before: Evidence, after: Evidence) -> EvidenceDifference:
    """What differs in what verdicts read."""
    old, new = _runs(before), _runs(after)
    common = [key for key in old if key in new]
    record_before, record_after = _record(before), _record(after)
    same = [key for key in common if old[key][0] == new[key][0] and old[key][1] != new[key][1]]
    changed = [key for key in same if any(new[key][1].get(name, value) != value for name, value in old[key][1].items())]
    return EvidenceDifference(
        added=_seeds(key for key in new if key not in old),
        removed=_seeds(key for key in old if key not in new),
        replaced=_seeds(key for key in common if old[key][0] != new[key][0]),
        changed=_seeds(changed),
        measured=_seeds(key for key in same if key not in changed),
        study=tuple(key for key, value in record_after.items() if value != record_before[key]),
        averages=_of_no_run(before) != _of_no_run(after),
        facts=facts_digest(before) != facts_digest(after),
    )


def evidence_digest(evidence: Evidence) -> str:
    """Digest of all that verdicts on the study's runs read: two evidences with the same one are judged alike."""
    runs = sorted(digest_of([identity, parts]) for identity, parts in _runs(evidence).values())
    return digest_of({"study": _record(evidence), "runs": runs, "averages": _of_no_run(evidence)})


def facts_digest(evidence: Evidence) -> str:
    """Digest of the facts about the program's own nets."""
    return digest_of(evidence.facts.get("fidelity", {}))


_Key = tuple[str, str, int]
"""Role, variant and seed of a run."""


def _runs(evidence: Evidence) -> dict[_Key, tuple[str, dict[str, Any]]]:
    """Identity of each run, and everything recorded of it by name, arrays by their digests."""
    arrays: dict[str, dict[str, str]] = {}
    for name, value in evidence.arrays.items():
        identity, _, own = name.partition("/")
        arrays.setdefault(identity, {})[f"array {own}"] = _array_digest(value)
    return {_key(run): (run.identity, {**_parts(run), **arrays.get(run.identity, {})}) for run in evidence.runs}


def _key(run: RunRecord) -> _Key:
    # Tuning runs of one variant and seed differ in their learning rates, and so in their identities.
    return (run.role if run.role == "report" else run.identity, run.variant, run.seed)


def _parts(run: RunRecord) -> dict[str, Any]:
    """What a run's line holds, its groups of numbers and notes taken apart."""
    parts: dict[str, Any] = {}
    for key, value in dataclasses.asdict(run).items():
        parts |= (
            {f"{key}: {name}": part for name, part in value.items()} if isinstance(value, Mapping) else {key: value}
        )
    return parts


def _array_digest(value: npt.NDArray[Any]) -> str:
    head = f"{value.dtype.str} {value.shape} ".encode()
    return hashlib.sha256(head + np.ascontiguousarray(value).tobytes()).hexdigest()


def _of_no_run(evidence: Evidence) -> dict[str, str]:
    prefix = "ensemble/"
    return {name: _array_digest(value) for name, value in evidence.arrays.items() if name.startswith(prefix)}


def _record(evidence: Evidence) -> dict[str, Any]:
    record = dataclasses.asdict(evidence.study)
    return {key: value for key, value in record.items() if key not in _INCIDENTAL}


def _seeds(keys: Iterable[_Key]) -> dict[str, tuple[int, ...]]:
    by_variant: dict[str, list[int]] = {}
    for _, variant, seed in keys:
        by_variant.setdefault(variant, []).append(seed)
    return {variant: tuple(sorted(seeds)) for variant, seeds in sorted(by_variant.items())}

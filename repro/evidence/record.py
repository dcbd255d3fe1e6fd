"""What evidence consists of, as types. The files are described in docs/evidence.md."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from pydantic import ConfigDict

SCHEMA = 1

Status = Literal["finished", "collapsed", "diverged"]

_AS_IN_THE_FILES = ConfigDict(extra="forbid", strict=True)
"""How files are checked when they are read (`repro.settings.validated_json`): every key, no silent conversion. Plain
dataclasses all the same, since simulated evidence makes them by the ten thousand."""


@dataclass(frozen=True)
class RunRecord:
    """One trained run and what was measured of it.

    status: `collapsed` by the training log alone (final loss at least 0.95 of ln(classes), or a constant
    prediction), `diverged` when the loss was not finite; both stay in the evidence with their real error.
    registered: what the study had registered when the run was created: `family`, `seeds`, `looks`,
    `smallest_effects`, `evaluation` (not in older runs), and `registry`, the digest of each statement of the family;
    empty when it was not noted.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _AS_IN_THE_FILES

    identity: str
    variant: str
    seed: int
    role: Literal["report", "tuning"]
    parent: str | None
    status: Status
    collapse_reason: str | None
    scalars: Mapping[str, Any]
    curves: Mapping[str, list[Any]]
    provenance: Mapping[str, Any]
    registered: Mapping[str, Any] = field(default_factory=dict)

    def scalar(self, name: str) -> float | None:
        """A measured number by name; None when this run has no such number."""
        value = self.scalars.get(name)
        return None if value is None else float(value)


@dataclass(frozen=True)
class StudyRecord:
    """The study that evidence belongs to, as it was resolved when its runs were made.

    `tuned` has, for each variant whose learning rate was searched, what won (`repro.study.tuning.TunedRate`);
    its runs are rows with the role `tuning`. Fields with a default are missing in evidence that is older.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _AS_IN_THE_FILES

    study: str
    summary: str
    fidelity: str
    scaling: str
    classes: int
    class_names: tuple[str, ...]
    data: Mapping[str, Any]
    settings: Mapping[str, Mapping[str, Any]]
    deviations: Mapping[str, list[str]]
    variants: tuple[str, ...]
    seeds: tuple[int, ...]
    looks: Literal["fixed", "two"]
    family: tuple[str, ...]
    versions: Mapping[str, str]
    machine: Mapping[str, Any]
    device: str
    git_commit: str | None
    command: str
    created: str
    tuned: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    smallest_effects: Mapping[str, float] = field(default_factory=dict)
    evaluation: Mapping[str, Any] = field(default_factory=dict)

    @property
    def chance_error(self) -> float:
        """Top-1 error of guessing, for equally frequent classes."""
        return 1 - 1 / self.classes

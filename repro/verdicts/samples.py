"""What statistical claims return: which runs speak, and as what. No numbers are read here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from repro.evidence.directory import Evidence
from repro.verdicts.claim import CannotSay
from repro.verdicts.statement import Statement


@dataclass(frozen=True)
class Arms:
    """Two variants to be compared; the registry says which should be larger, in which metric."""

    first: str
    second: str

    @property
    def variants(self) -> tuple[str, ...]:
        return (self.first, self.second)


@dataclass(frozen=True)
class EachAgainst:
    """Several variants, each to be compared with one reference."""

    firsts: tuple[str, ...]
    second: str

    @property
    def variants(self) -> tuple[str, ...]:
        return (*self.firsts, self.second)


@dataclass(frozen=True)
class Towers:
    """The two towers of each run of a variant, with dense nets as control where the form needs one."""

    split: str
    control: str | None = None

    @property
    def variants(self) -> tuple[str, ...]:
        return (self.split,) if self.control is None else (self.split, self.control)


Samples = Arms | EachAgainst | Towers


class StudyEvidence:
    """One study's evidence as a claim sees it: names to pick from, and the study's record."""

    def __init__(self, evidence: Evidence, statement: Statement, printed: Mapping[str, Any]) -> None:
        self._evidence = evidence
        self.statement = statement
        self.printed = printed

    @property
    def study(self) -> str:
        return self._evidence.study.study

    def arms(self, first: str, second: str) -> Arms:
        """Two variants' runs."""
        return Arms(self._known(first), self._known(second))

    def each(self, *firsts: str, against: str) -> EachAgainst:
        """Several variants' runs, each against those of one reference."""
        return EachAgainst(tuple(self._known(name) for name in firsts), self._known(against))

    def towers(self, split: str, control: str | None = None) -> Towers:
        """The first layer's kernels in both towers of a variant's runs.

        Raises CannotSay when that net has only one tower.
        """
        towers = self._evidence.study.settings.get(split, {}).get("net", {}).get("towers")
        if towers != 2:
            raise CannotSay("fidelity", f"the nets of {self.study} have {towers} tower; this needs two")
        return Towers(self._known(split), None if control is None else self._known(control))

    @property
    def classes(self) -> int:
        return self._evidence.study.classes

    @property
    def picture_counts(self) -> Mapping[str, int]:
        """Pictures of each split that the study staged: train, held_out, validation."""
        counts = self._evidence.study.data.get("counts", {})
        return {str(name): int(number) for name, number in counts.items()}

    @property
    def full_data(self) -> bool:
        """Whether the staged pictures can be all of LSVRC: its 1000 classes and about a million pictures."""
        return self.classes == self.printed["classes"] and self.training_pictures >= 1_000_000

    @property
    def training_pictures(self) -> int:
        """Those trained on and those taken off them for the schedule."""
        counts = self.picture_counts
        return counts.get("train", 0) + counts.get("validation", 0)

    def setting(self, variant: str, *path: str) -> Any:
        """A resolved setting of a variant, for instance ("training", "schedule", "kind")."""
        value: Any = self._evidence.study.settings[self._known(variant)]
        for key in path:
            value = value[key]
        return value

    def curves(self, variant: str, name: str) -> dict[int, list[Any]]:
        """A logged curve of every reported run of a variant, by seed."""
        return {run.seed: list(run.curves[name]) for run in self._runs(variant)}

    def parents(self, variant: str) -> dict[int, str | None]:
        """The run that each reported run started from, by seed; None for random weights."""
        return {run.seed: run.parent for run in self._runs(variant)}

    def _runs(self, variant: str) -> list[Any]:
        runs = self._evidence.of(self._known(variant))
        if not runs:
            raise CannotSay("missing_runs", f"{self.study} has no finished run of {variant}")
        return runs

    def _known(self, variant: str) -> str:
        if variant not in self._evidence.study.variants:
            raise CannotSay("missing_runs", f"{self.study} has no variant {variant}")
        return variant

"""All runs of a study: which there are, and which of them are missing.

Finished runs and recorded evidence are accepted by identity, so adding a seed or a variant trains only that. A run
that starts from another's weights (its parent) waits until those are in the store.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from repro.runs.store import Run, RunSpec
from repro.study.load import ResolvedStudy


@dataclass(frozen=True)
class PicturesInStore:
    """The prepared pictures that runs are trained on, and the store in which both lie."""

    store: Path
    digest: str
    folder: str
    """relative to the store"""


@dataclass(frozen=True)
class GridRun:
    """One cell of a study's grid."""

    variant: str
    seed: int
    spec: RunSpec
    run: Run
    parent: GridRun | None = None
    """whose final weights it starts from"""
    role: Literal["report", "tuning"] = "report"

    @property
    def label(self) -> str:
        rate = f" rate {self.spec.settings.training.learning_rate:g}" if self.role == "tuning" else ""
        return f"{self.variant}{rate} seed {self.seed}"

    @property
    def may_start(self) -> bool:
        return self.parent is None or self.parent.run.finished


def grid_of(resolved: ResolvedStudy, pictures: PicturesInStore) -> list[GridRun]:
    """Every run of a study, seed by seed, so that an interrupted study has whole seeds."""
    cells: list[GridRun] = []
    for seed in resolved.study.seeds:
        made: dict[str, GridRun] = {}
        for variant in resolved.study.variants:
            _make_cell(made, variant, seed, resolved, pictures)
        cells += [made[variant] for variant in resolved.study.variants]
    return cells


def _make_cell(
    made: dict[str, GridRun], variant: str, seed: int, resolved: ResolvedStudy, pictures: PicturesInStore
) -> GridRun:
    """The cell of a variant, after its parent's, whose identity is a part of its own."""
    if variant not in made:
        name = resolved.parents.get(variant)
        parent = None if name is None else _make_cell(made, name, seed, resolved, pictures)
        inherited = parent.run.identity if parent else None
        spec = RunSpec(resolved.settings[variant], seed, pictures.digest, pictures.folder, inherited)
        made[variant] = GridRun(variant, seed, spec, Run(pictures.store, spec.identity), parent)
    return made[variant]


def to_train(cells: Iterable[GridRun], recorded: Collection[str]) -> list[GridRun]:
    """Those of `cells` that are neither finished nor recorded, each after the ancestors that it needs.

    An ancestor's weights are read from the store: one that is only recorded must be trained again.
    """
    missing: dict[str, GridRun] = {}

    def add(cell: GridRun) -> None:
        if not cell.run.finished:
            if cell.parent is not None:
                add(cell.parent)
            missing.setdefault(cell.run.identity, cell)

    for cell in cells:
        if cell.run.identity not in recorded:
            add(cell)
    return list(missing.values())

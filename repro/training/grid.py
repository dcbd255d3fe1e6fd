"""All runs of a study: train what is missing, side by side, and say what there is.

Idempotent: finished runs and recorded evidence are accepted by identity, interrupted runs resume, runs
that another process holds are waited for. Adding a seed or a variant trains only that. A run that starts
from another's weights (its parent) waits until those are in the store.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from repro.errors import UserError
from repro.files import write_json
from repro.study.load import ResolvedStudy
from repro.training import worker
from repro.training.executor import Outcome, Pool
from repro.training.live_table import LiveTable
from repro.training.local_pool import LocalPool
from repro.training.run_store import Run, RunSpec

SCHEMA = 1
_FREE_MARGIN_BYTES = 200_000_000


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


def grid_of(resolved: ResolvedStudy, store: Path, data_digest: str, pictures: str) -> list[GridRun]:
    """Every run of a study, seed by seed, so that an interrupted study has whole seeds."""
    cells: list[GridRun] = []
    for seed in resolved.study.seeds:
        made: dict[str, GridRun] = {}
        for variant in resolved.study.variants:
            _make_cell(made, variant, seed, resolved, store, data_digest, pictures)
        cells += [made[variant] for variant in resolved.study.variants]
    return cells


def _make_cell(
    made: dict[str, GridRun], variant: str, seed: int, resolved: ResolvedStudy, store: Path, digest: str, pictures: str
) -> GridRun:
    """The cell of a variant, after its parent's, whose identity is a part of its own."""
    if variant not in made:
        name = resolved.parents.get(variant)
        parent = None if name is None else _make_cell(made, name, seed, resolved, store, digest, pictures)
        spec = RunSpec(resolved.settings[variant], seed, digest, pictures, parent.run.identity if parent else None)
        made[variant] = GridRun(variant, seed, spec, Run(store, spec.identity), parent)
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


def train_grid(
    cells: list[GridRun],
    title: str,
    devices: list[str],
    *,
    recorded: Collection[str] = (),
    noted: Mapping[str, Any] | None = None,
    retrain: bool = False,
    checkpoint_seconds: float = 30.0,
    poll_seconds: float = 0.25,
    say: Callable[[str], None] = print,
    open_pool: Callable[[], Pool] | None = None,
) -> None:
    """Train every run that is neither finished nor recorded, on these devices or where `open_pool` says.

    `noted` is kept beside each run's settings when it is created: what was registered before it began.
    Raises UserError when the disk is too small or a run cannot be trained because of what the user gave,
    RuntimeError when runs failed for another reason; the others are finished first either way.
    """
    before = _set_aside(cells) if retrain else {}
    missing = to_train(cells, recorded)
    finished = sum(cell.run.finished for cell in cells)
    known = sum(cell.run.identity in recorded and not cell.run.finished for cell in cells)
    say(f"{title}: {len(cells)} runs, {finished} finished, {known} recorded, {len(missing)} to train")
    if missing:
        check_disk(missing)
        for cell in missing:
            cell.run.create(cell.spec, noted or {})
        total = len({cell.run.identity for cell in [*cells, *missing]})
        local = LocalPool(devices, checkpoint_seconds=checkpoint_seconds, poll_seconds=poll_seconds)
        failures = _train(missing, title, open_pool() if open_pool else local, poll_seconds, total)
        _raise_failures(failures)
    for identity, digest in before.items():
        run = next(cell.run for cell in cells if cell.run.identity == identity)
        same = run.result()["weights_digest"] == digest
        say(f"{title}: {identity} trained anew: {'the same weights' if same else 'OTHER WEIGHTS than before'}")


def _train(
    missing: list[GridRun],
    title: str,
    where: Pool,
    poll_seconds: float,
    total: int,
) -> list[tuple[GridRun, Outcome]]:
    left = {cell.run.identity: cell for cell in missing}
    labels = {identity: cell.label for identity, cell in left.items()}
    failures: list[tuple[GridRun, Outcome]] = []
    elsewhere: set[str] = set()  # in another process's hands

    def start(cell: GridRun) -> None:
        if cell.run.leased:
            elsewhere.add(cell.run.identity)
        elif cell.may_start:
            elsewhere.discard(cell.run.identity)
            pool.submit(cell.run)

    def drop(cell: GridRun, sentence: str) -> None:
        left.pop(cell.run.identity)
        elsewhere.discard(cell.run.identity)
        table.finished(cell.run, sentence)

    def done(cell: GridRun, sentence: str) -> None:
        drop(cell, sentence)
        for child in left.values():
            if child.parent is not None and child.parent.run.identity == cell.run.identity:
                start(child)

    def look_elsewhere() -> None:
        """Runs that another process held: finished there, or dropped (a dead node's lease takes a while to go)."""
        for cell in [left[identity] for identity in sorted(elsewhere)]:
            if cell.run.finished:
                done(cell, f"{_summary(cell.run)} (by another process)")
            else:
                start(cell)

    with (
        where as pool,
        LiveTable(title, labels, total, total - len(missing)) as table,
    ):
        for cell in missing:
            start(cell)
        while left:
            for outcome in pool.finished():
                if outcome is None:
                    look_elsewhere()
                else:
                    cell = left[outcome.run.identity]
                    if outcome.finished:
                        done(cell, _summary(cell.run))
                    elif outcome.code == worker.LEASE_TAKEN:
                        elsewhere.add(cell.run.identity)
                    else:
                        for failed, how in _with_descendants(cell, outcome, left.values()):
                            failures.append((failed, how))
                            drop(failed, f"FAILED: {(how.message.splitlines() or ['without a word'])[-1]}")
                table.show(pool.active, len(elsewhere))
            look_elsewhere()
            if elsewhere:
                table.show([left[identity].run for identity in elsewhere], len(elsewhere))
                time.sleep(poll_seconds)
    return failures


def _with_descendants(cell: GridRun, outcome: Outcome, left: Iterable[GridRun]) -> list[tuple[GridRun, Outcome]]:
    """A run that failed, and those that can now never start."""
    failed = {cell.run.identity: (cell, outcome)}
    for other in left:  # parents stand before their children
        if other.parent is not None and other.parent.run.identity in failed:
            message = f"its parent, {other.parent.label}, failed"
            failed[other.run.identity] = (other, Outcome(other.run, outcome.code, message))
    return list(failed.values())


def write_run_list(path: Path, cells: list[GridRun], recorded: dict[str, str]) -> dict[str, Any]:
    """The train stage's out: the study's runs with the digests of their weights; the same bytes each time.

    `recorded` maps the identity of runs in recorded evidence to their weights' digest.
    """
    rows = []
    for cell in cells:
        identity = cell.run.identity
        in_store = cell.run.finished
        digest = cell.run.result()["weights_digest"] if in_store else recorded[identity]
        row = {"variant": cell.variant, "seed": cell.seed, "role": cell.role}
        if cell.role == "tuning":
            row["learning_rate"] = cell.spec.settings.training.learning_rate
        rows.append({**row, "identity": identity, "weights_digest": digest})
    listing = {"schema": SCHEMA, "runs": rows}
    write_json(path, listing)
    return listing


def check_disk(missing: list[GridRun]) -> None:
    """UserError when the store's disk cannot hold the runs' checkpoints and weights."""
    from repro.net.layers import layer_table

    needed = _FREE_MARGIN_BYTES
    for cell in missing:
        classes = 1000 if cell.spec.settings.data.classes == "all" else cell.spec.settings.data.classes
        count = classes if isinstance(classes, int) else len(classes)
        parameters = sum(layer.parameters for layer in layer_table(cell.spec.settings.net, count))
        needed += 4 * parameters * 4  # weights, and a checkpoint (weights, velocities) beside its successor
    place = missing[0].run.store
    place.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(place).free
    if free < needed:
        raise UserError(
            f"{place} has {free / 1e9:.1f} GB free, {len(missing)} runs need about {needed / 1e9:.1f} GB; make room "
            "(`repro plan --prune` lists what no study needs) or set REPRO_STORE to another disk"
        )


def _set_aside(cells: list[GridRun]) -> dict[str, str]:
    digests = {}
    for cell in cells:
        if cell.run.finished:
            digests[cell.run.identity] = cell.run.result()["weights_digest"]
            cell.run.set_aside()
    return digests


def _summary(run: Run) -> str:
    result = run.result()
    loss = result["final_train_loss"]
    tail = "diverged" if loss is None else f"training loss {loss:.3f}"
    return f"{tail}, {result['cpu_seconds']:.0f} CPU s, {result['pictures_per_second']:.0f} pictures/s"


def _raise_failures(failures: list[tuple[GridRun, Outcome]]) -> None:
    if not failures:
        return
    cell, outcome = failures[0]
    more = f" ({len(failures)} runs failed; this is the first)" if len(failures) > 1 else ""
    sentence = f"{cell.label} (run {cell.run.identity}){more}: {outcome.message}"
    if outcome.code == worker.USER_ERROR:
        raise UserError(sentence)
    raise RuntimeError(f"{sentence}\nThe same command again resumes; its log is {cell.run.folder / 'worker.log'}")

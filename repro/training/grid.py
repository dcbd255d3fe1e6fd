"""All runs of a study: train what is missing, side by side, and say what there is.

Idempotent: finished runs and recorded evidence are accepted by identity, interrupted runs resume, runs
that another process holds are waited for. Adding a seed or a variant trains only that.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repro.errors import UserError
from repro.files import write_json
from repro.study.load import ResolvedStudy
from repro.training import worker
from repro.training.live_table import LiveTable
from repro.training.local_pool import LocalPool, Outcome
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

    @property
    def label(self) -> str:
        return f"{self.variant} seed {self.seed}"


def grid_of(resolved: ResolvedStudy, store: Path, data_digest: str, pictures: str) -> list[GridRun]:
    """Every run of a study, seed by seed, so that an interrupted study has whole seeds."""
    cells = []
    for seed in resolved.study.seeds:
        for variant in resolved.study.variants:
            spec = RunSpec(resolved.settings[variant], seed, data_digest, pictures)
            cells.append(GridRun(variant, seed, spec, Run(store, spec.identity)))
    return cells


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
) -> None:
    """Train every run that is neither finished nor recorded.

    `noted` is kept beside each run's settings when it is created: what was registered before it began.
    Raises UserError when the disk is too small or a run cannot be trained because of what the user gave,
    RuntimeError when runs failed for another reason; the others are finished first either way.
    """
    before = _set_aside(cells) if retrain else {}
    wanted = [cell for cell in cells if cell.run.identity not in recorded]
    missing = [cell for cell in wanted if not cell.run.finished]
    say(
        f"{title}: {len(cells)} runs, {len(wanted) - len(missing)} finished, "
        f"{len(cells) - len(wanted)} recorded, {len(missing)} to train"
    )
    if missing:
        check_disk(missing)
        for cell in missing:
            cell.run.create(cell.spec, noted or {})
        failures = _train(missing, title, devices, checkpoint_seconds, poll_seconds, len(cells))
        _raise_failures(failures)
    for identity, digest in before.items():
        run = next(cell.run for cell in cells if cell.run.identity == identity)
        same = run.result()["weights_digest"] == digest
        say(f"{title}: {identity} trained anew: {'the same weights' if same else 'OTHER WEIGHTS than before'}")


def _train(
    missing: list[GridRun],
    title: str,
    devices: list[str],
    checkpoint_seconds: float,
    poll_seconds: float,
    total: int,
) -> list[tuple[GridRun, Outcome]]:
    by_identity = {cell.run.identity: cell for cell in missing}
    labels = {identity: cell.label for identity, cell in by_identity.items()}
    failures: list[tuple[GridRun, Outcome]] = []
    elsewhere: set[str] = set()
    with (
        LocalPool(devices, checkpoint_seconds=checkpoint_seconds, poll_seconds=poll_seconds) as pool,
        LiveTable(title, labels, total, total - len(missing)) as table,
    ):
        left = {cell.run.identity for cell in missing}
        while left:
            for identity in sorted(left, key=list(by_identity).index):
                run = by_identity[identity].run
                if run.leased:
                    elsewhere.add(identity)
                else:
                    pool.submit(run)
            for outcome in pool.finished():
                if outcome is not None:
                    identity = outcome.run.identity
                    if outcome.finished:
                        left.discard(identity)
                        elsewhere.discard(identity)
                        table.finished(outcome.run, _summary(outcome.run))
                    elif outcome.code == worker.LEASE_TAKEN:
                        elsewhere.add(identity)
                    else:
                        left.discard(identity)
                        failures.append((by_identity[identity], outcome))
                        table.finished(outcome.run, f"FAILED: {outcome.message.splitlines()[-1:]}")
                table.show(pool.active, len(elsewhere))
            # What is left is in another process's hands: wait until it is finished there, or dropped.
            for identity in sorted(left):
                run = by_identity[identity].run
                if run.finished:
                    left.discard(identity)
                    elsewhere.discard(identity)
                    table.finished(run, f"{_summary(run)} (by another process)")
            if left and all(by_identity[identity].run.leased for identity in left):
                table.show([by_identity[identity].run for identity in sorted(left)], len(left))
                time.sleep(poll_seconds)
    return failures


def write_run_list(path: Path, cells: list[GridRun], recorded: dict[str, str]) -> dict[str, Any]:
    """The train stage's out: the study's runs with the digests of their weights; the same bytes each time.

    `recorded` maps the identity of runs in recorded evidence to their weights' digest.
    """
    rows = []
    for cell in cells:
        identity = cell.run.identity
        in_store = cell.run.finished
        digest = cell.run.result()["weights_digest"] if in_store else recorded[identity]
        rows.append({"variant": cell.variant, "seed": cell.seed, "identity": identity, "weights_digest": digest})
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

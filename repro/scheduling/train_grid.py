"""Train what is missing of a study's runs, side by side, and list what there is.

Idempotent: finished and recorded runs are accepted, interrupted ones resume, those that another process holds are
waited for, and a child starts when its parent is done.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from repro.errors import UserError
from repro.files import write_json
from repro.net.table.layers import layer_table
from repro.runs.grid import GridRun, to_train
from repro.runs.prepared_study import RUN_LIST_SCHEMA
from repro.runs.store import Run
from repro.scheduling import worker
from repro.scheduling.executor import Outcome, Pool
from repro.scheduling.live_table import LiveTable
from repro.scheduling.local_pool import LocalPool

_FREE_MARGIN_BYTES = 200_000_000


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
    accepted = sum(cell.run.identity in recorded and not cell.run.finished for cell in cells)
    say(f"{title}: {len(cells)} runs, {finished} finished, {accepted} recorded, {len(missing)} to train")
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
        """Look at runs that another process held: note those that it finished, and start the others again.

        The lease of a node that died takes a while to become stale; until then such a run comes back here.
        """
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
    listing = {"schema": RUN_LIST_SCHEMA, "runs": rows}
    write_json(path, listing)
    return listing


def check_disk(missing: list[GridRun]) -> None:
    """UserError when the store's disk cannot hold the runs' checkpoints and weights."""
    needed = _FREE_MARGIN_BYTES
    for cell in missing:
        classes = 1000 if cell.spec.settings.data.classes == "all" else cell.spec.settings.data.classes
        count = classes if isinstance(classes, int) else len(classes)
        parameters = sum(layer.parameters for layer in layer_table(cell.spec.settings.net, count))
        needed += 4 * parameters * 4  # weights, and a checkpoint (weights, velocities) beside its successor
    store = missing[0].run.store
    store.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(store).free
    if free < needed:
        raise UserError(
            f"{store} has {free / 1e9:.1f} GB free, {len(missing)} runs need about {needed / 1e9:.1f} GB; make room "
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
    raise RuntimeError(f"{sentence}\nThe same command again resumes; its log is {cell.run.log_path}")

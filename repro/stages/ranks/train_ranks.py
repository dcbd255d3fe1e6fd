"""`repro train --placement ranks`: one run, trained together by the two processes that torchrun started."""

from __future__ import annotations

import contextlib
import os
from dataclasses import replace

from repro.errors import UserError
from repro.processes import die_with_parent, stop_on_signals
from repro.progress import say
from repro.project import Project
from repro.runs.grid import GridRun, grid_of
from repro.runs.lease import Lease, LeaseTaken
from repro.runs.prepared_study import PreparedStudy
from repro.scheduling.live_table import LiveTable
from repro.scheduling.train_grid import check_disk
from repro.scheduling.worker import FINISHED, compute
from repro.stages.ranks.torchrun import tell_once
from repro.stages.registered import registered_now
from repro.study.load import load_study
from repro.training.devices.ranks import Ranks, check_device, joined_ranks
from repro.training.devices.run_placement import prepare_devices


def train_one_run(
    project: Project,
    name: str,
    variants: list[str] | None,
    seeds: list[int] | None,
    rank: int,
    device: str,
    retrain: bool,
    checkpoint_seconds: float,
) -> int:
    """Train the run that variant and seed name; returns an exit code. The same command again resumes.

    Rank 0 takes the lease and writes all files. Mistakes are reported once, by rank 0.
    """
    if retrain:
        tell_once(rank, "--retrain does not go with --placement ranks; train the study anew with single or split")
    if len(variants or []) != 1 or len(seeds or []) != 1:
        tell_once(rank, "--placement ranks trains one run: name it by one --variant and one --seed")
    try:
        check_device(device)
    except UserError as mistake:
        tell_once(rank, str(mistake))
    (variant,), (seed,) = variants or [], seeds or []
    die_with_parent(os.getppid())  # torchrun, which leaves its processes behind when it is killed
    should_stop = stop_on_signals()
    with joined_ranks(rank, device) as placement, contextlib.ExitStack() as held:
        cell = placement.together(lambda: _the_cell(project, name, variant, seed, placement))
        if any(placement.agree(cell.run.finished)):
            if placement.leads:
                say(f"{name}: {cell.label} (run {cell.run.identity}) is finished")
            return FINISHED
        placement.together(lambda: _begin(project, name, cell, placement, held))
        table = LiveTable(f"{name}, two ranks", {cell.run.identity: cell.label}, 1, 0)
        if placement.leads:
            held.enter_context(table)
        code = compute(
            cell.run, placement, checkpoint_seconds, should_stop, report=lambda progress: table.show([cell.run])
        )
        if placement.leads and code == FINISHED:
            table.finished(cell.run, f"run {cell.run.identity}")
        return code


def _the_cell(project: Project, name: str, variant: str, seed: int, placement: Ranks) -> GridRun:
    """The one run. A seed that the study does not register may be named: its run stays outside the study."""
    resolved = load_study(project.root, name)
    if variant not in resolved.study.variants:
        raise UserError(
            f"--variant {variant}: not in studies/{name}.yaml, which has {', '.join(resolved.study.variants)}"
        )
    if seed < 0:
        raise UserError(f"--seed {seed}: seeds are 0 or above")
    study = PreparedStudy.of(project, name, resolved)
    if not study.pictures_at_hand:
        raise UserError(f"{project.store} does not hold {name}'s prepared pictures; run `repro prepare {name}` first")
    tuned = study.runs().resolved
    if seed not in resolved.study.seeds and placement.leads:
        say(f"{name}: seed {seed} is none of the study's; its run is trained, and no stage reads it")
    one_seed = resolved.study.model_copy(update={"seeds": (seed,)})
    cells = grid_of(replace(tuned, study=one_seed), study.pictures)
    cell = next(cell for cell in cells if cell.variant == variant)
    if cell.spec.settings.net.towers == 1:
        raise UserError(f"--placement ranks: the net of {variant} has one tower; train it without torchrun")
    if not cell.may_start:
        raise UserError(f"{cell.label} starts from the weights of a run that is not finished: train that one first")
    return cell


def _begin(project: Project, name: str, cell: GridRun, placement: Ranks, held: contextlib.ExitStack) -> None:
    """Check the devices; in rank 0 take the lease and make the run's folder."""
    prepare_devices(placement.devices, cell.spec.settings.training.precision)
    if not placement.leads:
        return
    check_disk([cell])
    cell.run.create(cell.spec, registered_now(project, load_study(project.root, name)))
    try:
        held.enter_context(Lease(cell.run.lease_path))
    except LeaseTaken as taken:
        raise UserError(f"{cell.label} (run {cell.run.identity}) is being trained by {taken.owner}") from None

"""The train stage: a study's missing runs, trained side by side."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Literal

from repro.errors import UserError
from repro.net.table.placement import Placement
from repro.progress import say
from repro.project import Project
from repro.runs.grid import GridRun
from repro.runs.prepared_study import PreparedStudy
from repro.runs.rate_search import describe_rates
from repro.scheduling.local_pool import local_devices
from repro.scheduling.ray_pool import RayPool
from repro.scheduling.train_grid import train_grid, write_run_list
from repro.stages.registered import registered_now


def train_stage(
    project: Project,
    name: str,
    *,
    workers: int | None = None,
    device: str = "cpu",
    variants: list[str] | None = None,
    seeds: list[int] | None = None,
    placement: Placement = "single",
    executor: Literal["local", "ray"] = "local",
    retrain: bool = False,
    checkpoint_seconds: float = 30.0,
) -> None:
    """Train a study's missing runs; writes `runs.json` when the whole study was asked for."""
    study = PreparedStudy.of(project, name)
    if not study.pictures_at_hand:
        from repro.stages.prepare import prepare_stage  # it imports torch, which only the runs' processes need here

        say(f"{name}: its prepared pictures are not in {project.store}; preparing them again")
        study = replace(study, prepared=prepare_stage(project, name, workers=workers))
    _check_listed("variant", variants or [], study.resolved.study.variants, name)
    _check_listed("seed", seeds or [], study.resolved.study.seeds, name)
    if retrain:
        study = replace(study, recorded=None)
    noted = registered_now(project, study.resolved)
    devices = [] if executor == "ray" else local_devices(workers, device, placement)

    def on_cluster() -> RayPool:
        return RayPool(device, placement, checkpoint_seconds=checkpoint_seconds)

    def train(cells: list[GridRun], title: str, accepted: Collection[str]) -> None:
        train_grid(
            cells,
            title,
            devices,
            recorded=accepted,
            noted=noted,
            retrain=retrain,
            checkpoint_seconds=checkpoint_seconds,
            say=say,
            open_pool=on_cluster if executor == "ray" else None,
        )

    trials, cells = study.trials(), study.untuned()
    if any(variants is None or cell.variant in variants for cell in trials):
        train(trials, f"{name}, search for learning rates", study.recorded_trials())
        runs = study.runs()
        cells = runs.report
        for line in describe_rates(runs.resolved.tuned):
            say(f"{name}: {line}")
    chosen = [
        cell
        for cell in cells
        if (variants is None or cell.variant in variants) and (seeds is None or cell.seed in seeds)
    ]
    digests = study.recorded_digests([*trials, *cells])
    train(chosen, name, digests)
    if len(chosen) == len(cells):
        write_run_list(project.run_list(name), [*trials, *cells], digests)


def _check_listed(option: str, wanted: Sequence[str | int], listed: Sequence[str | int], study: str) -> None:
    """UserError for a variant or a seed that the study does not list."""
    for value in wanted:
        if value not in listed:
            allowed = ", ".join(str(item) for item in listed)
            raise UserError(f"--{option} {value}: not in studies/{study}.yaml, which has {allowed}")

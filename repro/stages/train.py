"""The train stage: a study's missing runs, trained side by side."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Literal

from repro.errors import UserError
from repro.net.table.placement import Placement
from repro.project import results_folder, store_folder
from repro.runs.grid import GridRun, grid_of
from repro.runs.rate_search import describe_rates, trials_of
from repro.runs.study_runs import recorded_digests, recorded_evidence, recorded_trials, study_runs
from repro.scheduling.local_pool import local_devices
from repro.scheduling.ray_pool import RayPool
from repro.scheduling.train_grid import train_grid, write_run_list
from repro.stages.handed_on import prepared_pictures, say
from repro.stages.prepare import prepare_stage
from repro.stages.registered import registered_now
from repro.study.load import load_study


def train_stage(
    root: Path,
    study: str,
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
    resolved = load_study(root, study)
    prepared = prepared_pictures(root, study)
    store = store_folder(root)
    if not (store / prepared["pictures"] / "manifest.json").is_file():
        say(f"{study}: its prepared pictures are not in {store}; preparing them again")
        prepared = prepare_stage(root, study, workers=workers)
    for name, wanted, known in (("variant", variants, resolved.study.variants), ("seed", seeds, resolved.study.seeds)):
        for value in wanted or []:
            if value not in known:
                allowed = ", ".join(str(item) for item in known)
                raise UserError(f"--{name} {value}: not in studies/{study}.yaml, which has {allowed}")
    recorded = None if retrain else recorded_evidence(root, study)
    noted = registered_now(root, resolved)
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

    place = (store, prepared["digest"], prepared["pictures"])
    trials, cells = trials_of(resolved, *place), grid_of(resolved, *place)
    if any(variants is None or cell.variant in variants for cell in trials):
        train(trials, f"{study}, search for learning rates", recorded_trials(resolved, recorded))
        found = study_runs(resolved, store, prepared, recorded)
        cells = found.report
        for line in describe_rates(found.resolved.tuned):
            say(f"{study}: {line}")
    chosen = [
        cell
        for cell in cells
        if (variants is None or cell.variant in variants) and (seeds is None or cell.seed in seeds)
    ]
    digests = recorded_digests(recorded, [*trials, *cells])
    train(chosen, study, digests)
    if len(chosen) == len(cells):
        write_run_list(results_folder(root, study) / "runs.json", [*trials, *cells], digests)

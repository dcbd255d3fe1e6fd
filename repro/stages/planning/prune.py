"""`repro plan --prune`: what lies in the store that no study needs."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from repro.errors import UserError
from repro.files import read_json
from repro.project import Project
from repro.runs.prepared_study import PreparedStudy, prepared_pictures, read_run_list
from repro.runs.store import runs_in
from repro.study.load import load_study, study_files


def prune_store(project: Project, *, remove: bool, echo: Callable[[str], None]) -> None:
    """List what no study needs, and remove it when asked to.

    That is runs, measurements and pictures, all that `repro repeat` has trained again, and all that retraining has set
    aside; what a process is training is left alone. The studies are those in `params.yaml`, and every other one under
    `studies/` whose pictures are prepared.
    """
    store = project.store
    needed_runs: set[str] = set()
    needed_pictures: set[str] = set()
    unlisted = [path.stem for path in study_files(project.root) if path.stem not in project.studies]
    for name in [*project.studies, *(name for name in unlisted if project.prepared_file(name).is_file())]:
        if not project.prepared_file(name).is_file():
            echo(f"{name} has not been prepared, so what it needs is not known; nothing is pruned")
            return
        try:
            # Which data an unlisted study is made of is known from its prepared pictures alone.
            resolved = load_study(project.root, name, data=prepared_pictures(project, name).data)
            study = PreparedStudy.of(project, name, resolved)
            runs = study.runs()
        except UserError as error:
            echo(f"{error}; what {name} needs is not known, so nothing is pruned")
            return
        needed_runs |= {cell.run.identity for cell in [*runs.trials, *runs.report]}
        needed_pictures.add(study.pictures_folder.name)
    names = _listed_runs(project)
    unneeded: list[tuple[str, int, Callable[[], None]]] = []
    for run in runs_in(store):
        if run.identity not in needed_runs and not run.leased:
            called = _called(run.identity, names, run.folder) or "unreadable"
            label = f"run {run.identity} ({called}{'' if run.finished else ', unfinished'})"
            unneeded.append((label, run.size(), run.remove))
    for folder in _folders(store / "measurements"):
        if folder.name not in needed_runs:
            unneeded.append(_line(folder, _called(folder.name, names, store / "runs" / folder.name)))
    for folder in _folders(store / "pictures"):
        if folder.name not in needed_pictures and not folder.name.startswith("."):
            unneeded.append(_line(folder, None))
    for folder in [*_folders(store / "repeats"), *_folders(store / "set-aside")]:
        if not any(run.leased for run in runs_in(folder)):
            identity = folder.name.partition("-")[0]
            unneeded.append(_line(folder, _called(identity, names, folder, folder / "runs" / identity)))
    for label, size, delete in unneeded:
        if remove:
            try:
                delete()
            except OSError as error:  # its own words name a file without its folder
                raise UserError(f"cannot remove {label} from {store}: {error.strerror or error}") from error
        echo(f"{'removed' if remove else 'not needed'}: {label}, {size / 1e6:.1f} MB")
    if not unneeded:
        echo(f"everything in {store} is needed by a study")
    elif not remove:
        total = math.fsum(size for _, size, _ in unneeded)
        echo(f"{total / 1e6:.1f} MB in all; `repro plan --prune --yes` removes them")


def _listed_runs(project: Project) -> dict[str, str]:
    """Variant and seed of every run, by identity, that the stage train has listed for some study."""
    names: dict[str, str] = {}
    for path in sorted((project.root / "results").glob("*/runs.json")):
        try:
            listed = read_run_list(path)
        except UserError:  # it only gives names
            continue
        names |= {run.identity: f"{run.variant} seed {run.seed}" for run in listed}
    return names


def _called(identity: str, names: Mapping[str, str], *folders: Path) -> str | None:
    """A run's variant and seed where it is listed, else the seed that one of `folders` says; None without either."""
    if identity in names:
        return names[identity]
    for folder in folders:
        try:
            created = read_json(folder / "settings.json")
        except UserError:
            continue
        if isinstance(created, dict) and "seed" in created:
            return f"seed {created['seed']}"
    return None


def _folders(parent: Path) -> list[Path]:
    return [folder for folder in sorted(parent.iterdir()) if folder.is_dir()] if parent.is_dir() else []


def _line(folder: Path, called: str | None) -> tuple[str, int, Callable[[], None]]:
    """What is not needed: its name, its bytes, and how to remove it."""
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    named = f"{folder.parent.name} {folder.name}" + (f" ({called})" if called else "")
    return named, size, lambda: shutil.rmtree(folder)

"""The stages of the pipeline as functions; `dvc.yaml` runs them through the command line.

prepare -> train -> evaluate -> verdicts -> report. What each leaves under `results/<study>/` is small:
the pictures and the runs themselves lie in the store.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from repro.errors import UserError
from repro.evidence.directory import Evidence, load_evidence, write_evidence
from repro.files import digest_of, digest_of_file, read_json, write_json
from repro.net.placement import Placement
from repro.registered import registered_for, registered_now
from repro.study.load import load_study
from repro.training.run_store import store_folder

if TYPE_CHECKING:
    from repro.data.packed import Packed


def say(sentence: str) -> None:
    """A line on standard error, at once."""
    print(sentence, file=sys.stderr, flush=True)


def results_folder(root: Path, study: str) -> Path:
    """Where the pipeline writes a study's results."""
    return root / "results" / study


def recorded_folder(root: Path, study: str) -> Path:
    """Where a study's recorded evidence is kept in git."""
    return root / "evidence" / study


# ---- prepare ---------------------------------------------------------------------------------------


def prepare_stage(root: Path, study: str, *, workers: int | None = None, skip_bad: bool = False) -> dict[str, Any]:
    """Prepare a study's pictures into the store; writes `prepared.json`."""
    from repro.data.prepare import prepare

    resolved = load_study(root, study)
    data = resolved.settings["base"].data
    for variant, settings in resolved.settings.items():
        if settings.data != data:
            raise UserError(
                f"variants.yaml: {variant} changes data.*; variants of one study share its pictures: make another study"
            )
    store = store_folder(root)
    manifest = prepare(data, resolved.data_name, root, store, workers=workers, skip_bad=skip_bad)
    prepared = {
        "schema": 1,
        "data": resolved.data_name,
        "digest": manifest["digest"],
        "pictures": f"pictures/{manifest['key']}",
        "classes": manifest["classes"],
        "counts": manifest["counts"],
        "size": data.size,
        "filter": data.filter,
    }
    write_json(results_folder(root, study) / "prepared.json", prepared)
    return prepared


def prepared_pictures(root: Path, study: str) -> dict[str, Any]:
    """What `prepare_stage` wrote; UserError when it has not been run."""
    path = results_folder(root, study) / "prepared.json"
    if not path.is_file():
        raise UserError(f"{path} does not exist; run `repro prepare {study}` (or `dvc repro`) first")
    prepared = read_json(path)
    again = f"run `repro prepare {study}` again"
    if not isinstance(prepared, dict) or prepared.get("schema") != 1:
        raise UserError(f"{path} is damaged or of another version; {again}")
    if missing := [key for key in ("data", "digest", "pictures", "classes", "counts", "size") if key not in prepared]:
        raise UserError(f"{path} lacks {', '.join(missing)}; it is damaged: {again}")
    return prepared


# ---- train -----------------------------------------------------------------------------------------


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
    from repro.study_runs import recorded_digests, recorded_trials, study_runs
    from repro.training.grid import GridRun, grid_of, train_grid, write_run_list
    from repro.training.local_pool import local_devices
    from repro.training.rate_search import describe_rates, trials_of
    from repro.training.ray_pool import RayPool

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


def recorded_evidence(root: Path, study: str) -> Evidence | None:
    """A study's recorded evidence, if there is some."""
    folder = recorded_folder(root, study)
    return load_evidence(folder) if folder.is_dir() else None


# ---- evaluate --------------------------------------------------------------------------------------


def evaluate_stage(root: Path, study: str, *, device: str = "cpu") -> Evidence:
    """Measure a study's runs; writes `evidence/`, `metrics.json` and the learning curves.

    Runs that are neither finished nor recorded are named and left out: the evidence of a study may grow over sittings.
    Raises UserError when not one is there, or when the study's search for learning rates is not finished.
    """
    from repro.data.packed import open_packed
    from repro.measurement.measure import averages, measure
    from repro.measurement.side_by_side import Task, measure_all
    from repro.measurement.trial import trial_row
    from repro.study_runs import by_variant, recorded_digests, study_runs
    from repro.training import provenance
    from repro.training.placing import devices_named, prepare_devices

    devices = devices_named(device)
    if len(devices) > 1:
        raise UserError(f"--device {device}: runs are measured on one device")
    prepare_devices(devices, "float32")
    prepared = prepared_pictures(root, study)
    store = store_folder(root)
    recorded = recorded_evidence(root, study)
    runs = study_runs(load_study(root, study), store, prepared, recorded)
    resolved, cells = runs.resolved, [*runs.trials, *runs.report]
    tuning, sizes = resolved.study.tuning, (len(prepared["classes"]), prepared["counts"]["train"])
    accepted = recorded_digests(recorded, cells)
    known = {run.identity: run for run in recorded.runs if run.identity in accepted} if recorded else {}
    missing = [cell for cell in cells if not cell.run.finished and cell.run.identity not in known]
    if missing:
        missing.sort(key=lambda cell: resolved.study.variants.index(cell.variant))
        if len(missing) == len(runs.report):
            raise UserError(f"{study}: not trained yet: {by_variant(missing)}; run `repro train {study}` first")
        say(f"{study}: {len(missing)} of {len(runs.report)} runs are not trained yet: {by_variant(missing)}")
        left_out = {cell.run.identity for cell in missing}
        cells = [cell for cell in cells if cell.run.identity not in left_out]
    pictures, evaluation, place = store / prepared["pictures"], resolved.study.evaluation, devices[0]
    tasks = [Task(cell.run, averaged=cell.variant == "base") for cell in runs.report if cell.run.finished]
    measure_all(tasks, pictures, evaluation, device, say=lambda text: say(f"{study}: {text}"))
    packed = open_packed(pictures) if tasks else None
    rows: list[dict[str, Any]] = []
    arrays: dict[str, Any] = {}
    for cell in cells:
        identity = cell.run.identity
        common = {"variant": cell.variant, "seed": cell.seed, "role": cell.role, "parent": cell.spec.parent}
        common["identity"] = identity
        if cell.run.finished:
            common["registered"] = registered_for(study, cell.run.noted())
        if tuning and cell.role == "tuning" and cell.run.finished:
            rows.append({**common, **trial_row(cell.run, tuning.target_error, *sizes)})
        elif cell.run.finished:
            assert packed is not None
            found = measure(cell.run, packed, evaluation, place)
            values = {key: value for key, value in vars(found).items() if key != "arrays"}
            arrays |= {f"{identity}/{name}": value for name, value in found.arrays.items()}
            rows.append({**common, **values})
        else:  # recorded
            assert recorded is not None
            old = known[identity]
            names = ("status", "collapse_reason", "scalars", "curves", "provenance", "registered")
            rows.append({**common, **{name: getattr(old, name) for name in names}})
            prefix = f"{identity}/"
            arrays |= {name: value for name, value in recorded.arrays.items() if name.startswith(prefix)}
    if recorded is not None:
        arrays |= {name: value for name, value in recorded.arrays.items() if name.startswith("ensemble/")}
    if packed is not None:
        bases = {cell.seed: cell.run for cell in runs.report if cell.variant == "base" and cell.run.finished}
        arrays |= averages("base", bases, resolved.study, packed, place)
    record = {
        "study": study,
        "summary": resolved.study.summary,
        "fidelity": resolved.study.fidelity,
        "scaling": resolved.study.scaling,
        "classes": len(prepared["classes"]),
        "class_names": prepared["classes"],
        "data": {
            "name": prepared["data"],
            "digest": prepared["digest"],
            "counts": prepared["counts"],
            **counts_per_class(packed, recorded),
            "size": prepared["size"],
            "crop": resolved.settings["base"].net.geometry.crop,
        },
        "settings": {variant: value.model_dump(mode="json") for variant, value in resolved.settings.items()},
        "deviations": dict(resolved.deviations),
        "variants": list(resolved.study.variants),
        "seeds": list(resolved.study.seeds),
        "looks": resolved.study.looks,
        "family": list(resolved.study.family),
        "versions": provenance.versions(),
        "machine": provenance.machine(),
        "device": device,
        "git_commit": provenance.git_commit(root),
        "command": f"dvc repro evaluate@{study}",
        "created": provenance.now(),
        "tuned": {variant: rate.record() for variant, rate in resolved.tuned.items()},
        "smallest_effects": dict(resolved.study.smallest_effects),
    }
    results = results_folder(root, study)
    write_evidence(results / "evidence", record, rows, facts(store), arrays)
    evidence = load_evidence(results / "evidence")
    from repro.report.curves import write_curves
    from repro.report.metrics import headline_metrics

    write_json(results / "metrics.json", headline_metrics(evidence))
    write_curves(evidence, results / "plots")
    return evidence


def counts_per_class(packed: Packed | None, recorded: Evidence | None) -> dict[str, Any]:
    """How many pictures of each class either split holds; what is recorded where the pictures are not at hand."""
    source = packed.manifest if packed is not None else recorded.study.data if recorded is not None else {}
    return {name: source[name] for name in ("counts_per_class",) if name in source}


def facts(store: Path) -> dict[str, Any]:
    """What definition statements need from torch, measured once per version of the program."""
    from repro.measurement.facts import measure_facts
    from repro.net.fidelity import NAMES

    package = Path(__file__).parent
    files = [path for path in sorted(package.rglob("*.py")) if not path.name.startswith(".")]  # Emacs' locks: .#name.py
    sources = {str(path.relative_to(package)): digest_of_file(path) for path in files}
    cache = store / "facts" / f"{digest_of(sources)[:16]}.json"
    if not cache.is_file():
        say("measuring facts about the net's definition")
        write_json(cache, {"fidelity": {name: measure_facts(name) for name in NAMES if name != "modern"}})
    value = read_json(cache)
    assert isinstance(value, dict)
    return value


# ---- verdicts --------------------------------------------------------------------------------------


def verdicts_stage(root: Path, study: str) -> int:
    """Run the claims on a study's evidence; writes `verdicts.json`. Returns pytest's exit code."""
    import subprocess

    from repro.verdicts.ledger import evidence_to_judge

    results = results_folder(root, study)
    if not (results / "evidence").is_dir():
        raise UserError(f"{results / 'evidence'} does not exist; run `repro evaluate {study}` first")
    evidence_to_judge(results / "evidence")  # what is wrong with it is told here, once
    command = [sys.executable, "-m", "pytest", "claims/", "--report-only", "-q", "--no-header"]
    command += ["-p", "repro.verdicts.plugin", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", str(root)]
    command += ["--evidence", str(results / "evidence"), "--verdicts", str(results / "verdicts.json")]
    # The caller's pytest settings and plugins are for tests: here they would select claims, or order and repeat them.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    # Ctrl-C is for this process, which then ends pytest; pytest itself would answer with a traceback.
    return subprocess.run(command, cwd=root, env=environment, preexec_fn=_leave_ctrl_c, check=False).returncode


def _leave_ctrl_c() -> None:
    """In a child before its program starts: ignore SIGINT, as that program then does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

"""The evaluate stage: finished runs measured, and their evidence written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from repro.data.packed import Packed, open_packed
from repro.errors import UserError
from repro.evidence.directory import Evidence, load_evidence, write_evidence
from repro.evidence.merge import check_measured_alike, measured_otherwise
from repro.files import write_json
from repro.measurement.measure import averages, measure
from repro.measurement.measure_all import Task, measure_all
from repro.measurement.run_record import registered_for, trial_row
from repro.progress import say
from repro.project import Project
from repro.report.dvc_outputs.metrics import headline_metrics
from repro.report.dvc_outputs.plots import write_plots
from repro.runs.grid import GridRun
from repro.runs.prepared_study import PreparedStudy, StudyRuns, by_variant
from repro.stages.facts_file import Facts, facts_of_nets
from repro.study.load import ResolvedStudy
from repro.training.devices.run_placement import devices_named, prepare_devices
from repro.training.records import provenance


def evaluate_stage(
    project: Project,
    name: str,
    *,
    device: str = "cpu",
    facts: Callable[[Project], Facts] = facts_of_nets,
    all_listed: bool = False,
) -> Evidence:
    """Measure a study's runs; writes `evidence/`, `metrics.json` and `plots/`.

    Runs that are neither finished nor recorded are named and left out: the evidence of a study may grow over sittings.
    With `all_listed` those that the stage train has listed must be there; else this is a UserError.
    Raises UserError when not one is there, when the study's search for learning rates is not finished, or when runs
    that are only recorded were measured with other settings.
    """
    devices = devices_named(device)
    if len(devices) > 1:
        raise UserError(f"--device {device}: runs are measured on one device")
    prepare_devices(devices, "float32")
    study = PreparedStudy.of(project, name)
    runs = study.runs()
    cells = _at_hand(study, runs, all_listed)
    evaluation, torch_device = runs.resolved.study.evaluation, devices[0]
    settings = evaluation.model_dump(mode="json")
    if study.recorded is not None and not all(cell.run.finished for cell in cells):
        check_measured_alike(study.recorded, settings, f"studies/{name}.yaml")
    tasks = [Task(cell.run, averaged=cell.variant == "base") for cell in runs.report if cell.run.finished]
    measure_all(tasks, study.pictures_folder, evaluation, device, say=lambda text: say(f"{name}: {text}"))
    packed = open_packed(study.pictures_folder) if any(cell.run.finished for cell in cells) else None
    rows: list[dict[str, Any]] = []
    arrays: dict[str, Any] = {}
    for cell in cells:
        if packed is not None and cell.run.finished:
            values, own = _measured(cell, study, packed, torch_device)
        else:
            values, own = _recorded(cell, study)
        rows.append({**_named(cell), **values})
        arrays |= {f"{cell.run.identity}/{key}": value for key, value in own.items()}
    if study.recorded is not None and measured_otherwise(study.recorded, settings) is None:
        arrays |= {key: value for key, value in study.recorded.arrays.items() if key.startswith("ensemble/")}
    if packed is not None:
        bases = {cell.seed: cell.run for cell in runs.report if cell.variant == "base" and cell.run.finished}
        arrays |= averages("base", bases, runs.resolved.study, packed, torch_device)
    record = _study_record(study, runs.resolved, counts_per_class(packed, study.recorded), device)
    write_evidence(project.evidence(name), record, rows, {"fidelity": facts(project).fidelity}, arrays)
    evidence = load_evidence(project.evidence(name))
    write_json(project.results(name) / "metrics.json", headline_metrics(evidence))
    write_plots(evidence, project.results(name) / "plots")
    return evidence


def _at_hand(study: PreparedStudy, runs: StudyRuns, all_listed: bool) -> list[GridRun]:
    """The runs that are finished or recorded; the others are named.

    Raises UserError when not one is there, and with `all_listed` when one is not there that train has listed.
    """
    cells = [*runs.trials, *runs.report]
    recorded = study.recorded_digests(cells)
    missing = [cell for cell in cells if not cell.run.finished and cell.run.identity not in recorded]
    if missing:
        missing.sort(key=lambda cell: runs.resolved.study.variants.index(cell.variant))
        if len(missing) == len(runs.report):
            raise UserError(
                f"{study.name}: not trained yet: {by_variant(missing)}; run `repro train {study.name}` first"
            )
        listed = study.listed() if all_listed else frozenset()
        if lost := [cell for cell in missing if cell.run.identity in listed]:
            raise UserError(
                f"results/{study.name}/runs.json lists runs that are neither in {study.project.store} nor recorded: "
                f"{by_variant(lost)}; `repro train {study.name}` trains them again"
            )
        say(f"{study.name}: {len(missing)} of {len(runs.report)} runs are not trained yet: {by_variant(missing)}")
    left_out = {cell.run.identity for cell in missing}
    return [cell for cell in cells if cell.run.identity not in left_out]


def _named(cell: GridRun) -> dict[str, Any]:
    """Which run a row of the evidence is of."""
    return {
        "identity": cell.run.identity,
        "variant": cell.variant,
        "seed": cell.seed,
        "role": cell.role,
        "parent": cell.spec.parent,
    }


def _measured(
    cell: GridRun, study: PreparedStudy, packed: Packed, device: torch.device
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What evidence holds of a finished run: values of its row, and arrays."""
    registered = {"registered": registered_for(study.name, cell.run.noted())}
    tuning = study.resolved.study.tuning
    if tuning and cell.role == "tuning":
        return {**registered, **trial_row(cell.run, tuning.target_error, packed)}, {}
    measured = measure(cell.run, packed, study.resolved.study.evaluation, device)
    values = {key: value for key, value in vars(measured).items() if key != "arrays"}
    return {**registered, **values}, dict(measured.arrays)


def _recorded(cell: GridRun, study: PreparedStudy) -> tuple[dict[str, Any], dict[str, Any]]:
    """The same of a run that is recorded and not in the store."""
    assert study.recorded is not None
    old = next(run for run in study.recorded.runs if (run.identity, run.role) == (cell.run.identity, cell.role))
    names = ("status", "collapse_reason", "scalars", "curves", "provenance", "registered")
    prefix = f"{cell.run.identity}/"
    arrays = study.recorded.arrays.items()
    return (
        {name: getattr(old, name) for name in names},
        {key.removeprefix(prefix): value for key, value in arrays if key.startswith(prefix)},
    )


def _study_record(
    study: PreparedStudy, resolved: ResolvedStudy, per_class: dict[str, Any], device: str
) -> dict[str, Any]:
    """What `study.json` holds (docs/evidence.md). `resolved` has the rates that were searched."""
    prepared, listed = study.prepared, resolved.study
    return {
        "study": study.name,
        "summary": listed.summary,
        "fidelity": listed.fidelity,
        "scaling": listed.scaling,
        "classes": len(prepared.classes),
        "class_names": list(prepared.classes),
        "data": {
            "name": prepared.data,
            "digest": prepared.digest,
            "counts": prepared.counts,
            **per_class,
            "size": prepared.size,
            "crop": resolved.settings["base"].net.geometry.crop,
        },
        "settings": {variant: value.model_dump(mode="json") for variant, value in resolved.settings.items()},
        "deviations": dict(resolved.deviations),
        "variants": list(listed.variants),
        "seeds": list(listed.seeds),
        "looks": listed.looks,
        "family": list(listed.family),
        "versions": provenance.versions(),
        "machine": provenance.machine(),
        "device": device,
        "git_commit": provenance.git_commit(study.project.root),
        "command": f"dvc repro evaluate@{study.name}",
        "created": provenance.now(),
        "tuned": {variant: rate.record() for variant, rate in resolved.tuned.items()},
        "smallest_effects": dict(listed.smallest_effects),
        "evaluation": listed.evaluation.model_dump(mode="json"),
    }


def counts_per_class(packed: Packed | None, recorded: Evidence | None) -> dict[str, Any]:
    """How many pictures of each class either split holds; what is recorded where the pictures are not at hand."""
    source = packed.manifest if packed is not None else recorded.study.data if recorded is not None else {}
    return {name: source[name] for name in ("counts_per_class",) if name in source}

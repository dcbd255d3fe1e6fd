"""The evaluate stage: finished runs measured, and their evidence written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from repro.data.packed import Packed, open_packed
from repro.errors import UserError
from repro.evidence.directory import Evidence, load_evidence, write_evidence
from repro.files import write_json
from repro.measurement.measure import averages, measure
from repro.measurement.measure_all import Task, measure_all
from repro.measurement.run_record import registered_for, trial_row
from repro.project import results_folder, store_folder
from repro.report.dvc_outputs.metrics import headline_metrics
from repro.report.dvc_outputs.plots import write_plots
from repro.runs.study_runs import by_variant, recorded_digests, recorded_evidence, study_runs
from repro.stages.handed_on import facts_of_nets, prepared_pictures, say
from repro.study.load import load_study
from repro.training import provenance
from repro.training.placing import devices_named, prepare_devices

Facts = Callable[[Path], dict[str, Any]]


def evaluate_stage(root: Path, study: str, *, device: str = "cpu", facts: Facts = facts_of_nets) -> Evidence:
    """Measure a study's runs; writes `evidence/`, `metrics.json` and `plots/`.

    Runs that are neither finished nor recorded are named and left out: the evidence of a study may grow over sittings.
    Raises UserError when not one is there, or when the study's search for learning rates is not finished.
    """
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
        "evaluation": resolved.study.evaluation.model_dump(mode="json"),
    }
    results = results_folder(root, study)
    write_evidence(results / "evidence", record, rows, facts(root), arrays)
    evidence = load_evidence(results / "evidence")
    write_json(results / "metrics.json", headline_metrics(evidence))
    write_plots(evidence, results / "plots")
    return evidence


def counts_per_class(packed: Packed | None, recorded: Evidence | None) -> dict[str, Any]:
    """How many pictures of each class either split holds; what is recorded where the pictures are not at hand."""
    source = packed.manifest if packed is not None else recorded.study.data if recorded is not None else {}
    return {name: source[name] for name in ("counts_per_class",) if name in source}

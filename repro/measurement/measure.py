"""The measurements of a finished run, each kept by itself in the store (repro/measurement/cache.py).

To add one: a module NAME.py in the folder of what it reads (`first_layer/`, `activations/`, `predictions/`), with a
function `measure` from a `Subject` (and settings, by name) to `Measured` and a VERSION, which goes up when the same
run would be measured differently; and `metrics/NAME.yaml`, which says what its numbers are
(repro/measurement/declared.py). A setting that it reads is a field of `EvaluationSettings`.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from repro.data.chosen_pictures import classes_in, pictures_of
from repro.data.packed import Packed
from repro.errors import UserError
from repro.measurement.cache import keep, kept_path, read_kept
from repro.measurement.declared import FOLDER, declarations
from repro.measurement.predictions import ensembles, views
from repro.measurement.run_record import curves_of, provenance_of, recorded_scalars, status_of
from repro.measurement.subject import Arrays, Measured, Subject
from repro.runs.store import Run
from repro.study.settings import EvaluationSettings, Study

RUN_RECORD = "run_record"
"""Declares the numbers of a run's own record and log, which are read without its net."""


@dataclass(frozen=True)
class Measurement:
    """One measurement: `take(subject, **settings)`, where `settings` are fields of `EvaluationSettings`."""

    name: str
    version: int
    """What was kept of other versions is not read."""
    take: Callable[..., Measured]
    settings: tuple[str, ...] = ()

    def values(self, evaluation: EvaluationSettings) -> dict[str, Any]:
        """The settings that it reads."""
        return {name: getattr(evaluation, name) for name in self.settings}

    def path(self, run: Run, evaluation: EvaluationSettings) -> Path:
        """Where it is kept for a finished run."""
        return kept_path(run, self.name, self.version, self.values(evaluation))


def module_of(name: str, folder: Path = Path(__file__).parent) -> str:
    """The name of a declared measurement's module: NAME.py, in whichever folder of this package it lies.

    Raises UserError where there is no such file, or more than one.
    """
    found = sorted(folder.rglob(f"{name}.py"))
    if not found:
        declaration = folder / FOLDER / f"{name}.yaml"
        raise UserError(
            f"{declaration} has no module: {name}.py is in no folder of {folder}; write it or delete the declaration"
        )
    if len(found) > 1:
        several = " and ".join(map(str, found))
        raise UserError(f"{several} have one name, by which the measurement {name} is found; rename all but one")
    return ".".join(("repro.measurement", *found[0].relative_to(folder).with_suffix("").parts))


def _measurement(name: str, module: ModuleType, function: str = "measure") -> Measurement:
    """A module's measurement: its settings are what its function asks for besides the subject."""
    take = getattr(module, function)
    return Measurement(name, module.VERSION, take, tuple(inspect.signature(take).parameters)[1:])


MEASUREMENTS = tuple(
    _measurement(name, importlib.import_module(module_of(name))) for name in declarations() if name != RUN_RECORD
)
PROBABILITIES = _measurement("probabilities", ensembles)
VIEW_PROBABILITIES = _measurement("view_probabilities", ensembles, "measure_ten_views")
OF_AVERAGED = (PROBABILITIES, VIEW_PROBABILITIES)
"""Only for runs that are averaged with others; large, and no part of the evidence."""


@dataclass(frozen=True)
class Measurements:
    """What was read off one run; see docs/evidence.md for every name."""

    status: str
    collapse_reason: str | None
    scalars: dict[str, Any]
    curves: dict[str, list[Any]]
    provenance: dict[str, Any]
    arrays: Arrays


def missing(run: Run, evaluation: EvaluationSettings, wanted: Iterable[Measurement] = MEASUREMENTS) -> bool:
    """Whether something of a finished run is still to be measured."""
    return any(not measurement.path(run, evaluation).is_file() for measurement in wanted)


def take(
    run: Run,
    packed: Packed,
    evaluation: EvaluationSettings,
    device: torch.device,
    wanted: Iterable[Measurement] = MEASUREMENTS,
) -> dict[str, Measured]:
    """Measurements of a finished run by name: read where they are kept from before, else taken and kept.

    `packed` are all prepared pictures. On the CPU one thread computes, so that the same numbers come out of
    any number of processes side by side.
    """
    subject: Subject | None = None
    taken = {}
    threads = torch.get_num_threads()
    try:
        if device.type == "cpu":
            torch.set_num_threads(1)
        for measurement in wanted:
            path = measurement.path(run, evaluation)
            if path.is_file():
                taken[measurement.name] = read_kept(path)
                continue
            subject = subject or Subject.of_run(run, packed, evaluation, device)
            taken[measurement.name] = measurement.take(subject, **measurement.values(evaluation))
            keep(path, taken[measurement.name])
    finally:
        torch.set_num_threads(threads)
    return taken


def measure(run: Run, packed: Packed, evaluation: EvaluationSettings, device: torch.device) -> Measurements:
    """Everything about a finished run that goes into the evidence."""
    measurements = take(run, packed, evaluation, device)
    record, seen = run.result(), pictures_of(run.spec().settings.training.pictures, packed)
    scalars = recorded_scalars(run, record, len(packed.classes), len(seen.train))
    for taken in measurements.values():
        scalars |= taken.scalars
    status, reason = status_of(record, classes_in(seen), bool(scalars["constant_prediction"]))
    return Measurements(
        status=status,
        collapse_reason=reason,
        scalars=scalars,
        curves=curves_of(run.log()),
        provenance=provenance_of(run, record),
        arrays={name: array for taken in measurements.values() for name, array in taken.arrays.items()},
    )


def averages(variant: str, runs: Mapping[int, Run], study: Study, packed: Packed, device: torch.device) -> Arrays:
    """Which pictures the averages of a variant's nets get right; `runs` are its finished runs by seed."""
    subsets = ensembles.subsets_of(study.seeds, study.looks)
    if not runs or not subsets:
        return {}
    seen = pictures_of(next(iter(runs.values())).spec().settings.training.pictures, packed).held_out

    def probabilities(of: Measurement) -> dict[int, ensembles.Probabilities]:
        return {
            seed: take(run, packed, study.evaluation, device, [of])[of.name].arrays["probabilities"]
            for seed, run in runs.items()
        }

    # One after the other: all nets' outputs for all pictures lie in memory at once.
    arrays = ensembles.ensemble_arrays(variant, probabilities(PROBABILITIES), seen.labels, subsets)
    labels = seen.labels[views.viewed(seen, study.evaluation.view_pictures)]
    return arrays | ensembles.view_ensemble_arrays(variant, probabilities(VIEW_PROBABILITIES), labels, subsets)

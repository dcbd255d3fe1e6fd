"""Two evidences of one study as one: runs by identity, the same numbers or a loud conflict."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from repro.errors import UserError
from repro.evidence.directory import Evidence, write_evidence
from repro.study.settings import EvaluationSettings

INCIDENTAL = ("cpu_seconds", "clock_seconds", "augmented_step_seconds", "plain_step_seconds", "pictures_per_second")
"""Scalars that say how a run went on a machine, not what it came to."""


def merge_evidence(path: Path, ours: Evidence, theirs: Evidence) -> None:
    """Write to `path` the runs of both; `theirs` is the newer and its study record is kept.

    Raises UserError when they are not evidence of the same study and pictures, when a variant's settings or those of
    the measurements differ, or when a run with the same identity has other numbers: then nothing is written.
    """
    new, old = theirs.study, ours.study
    if new.study != old.study:
        raise UserError(f"{theirs.path} is evidence of study {new.study!r}, {ours.path} of {old.study!r}; not merged")
    for key in ("name", "digest"):
        if new.data.get(key) != old.data.get(key):
            raise UserError(
                f"{theirs.path} was made on other pictures than {ours.path} (data {key}: {new.data.get(key)} against "
                f"{old.data.get(key)}); record it under another study's name"
            )
    for variant in set(new.settings) & set(old.settings):
        if new.settings[variant] != old.settings[variant]:
            raise UserError(
                f"variant {variant!r} has other settings in {theirs.path} than in {ours.path}; a changed variant is "
                "another experiment: record it under another study's name"
            )
    check_measured_alike(ours, new.evaluation, str(theirs.path))
    runs = {run.identity: dataclasses.asdict(run) for run in ours.runs}
    arrays = dict(ours.arrays)
    for run in theirs.runs:
        row = dataclasses.asdict(run)
        recorded = runs.get(run.identity)
        if recorded is not None:
            _same_numbers(recorded, row, ours, theirs)
            # What has been measured of it since is added; what was registered when it began stays as it was recorded.
            row = {
                **recorded,
                **{part: {**row[part], **recorded[part]} for part in ("scalars", "curves", "provenance")},
            }
        runs[run.identity] = row
    _same_arrays("ensemble/", "the study", ours, theirs)
    prefixes = ("ensemble/", *(f"{run.identity}/" for run in theirs.runs))
    arrays |= {name: value for name, value in theirs.arrays.items() if name.startswith(prefixes)}
    study = {
        **dataclasses.asdict(new),
        "settings": {**old.settings, **new.settings},
        "deviations": {**old.deviations, **new.deviations},
        "variants": list(dict.fromkeys([*new.variants, *old.variants])),
        "seeds": list(dict.fromkeys([*new.seeds, *old.seeds])),
        "tuned": {**old.tuned, **new.tuned},
        "evaluation": {**old.evaluation, **new.evaluation},
    }
    facts = {key: value for key, value in theirs.facts.items() if key != "schema"}
    write_evidence(path, study, runs.values(), facts, arrays)


def measured_otherwise(recorded: Evidence, evaluation: Mapping[str, Any]) -> str | None:
    """A setting of measurements that differs from the recorded one; None where none does.

    Settings that only one of the two records are no difference, nor are those that change no number.
    """
    before = recorded.study.evaluation
    deciding = (key for key in before if key not in EvaluationSettings.CHANGES_NO_NUMBER)
    return next((key for key in deciding if evaluation.get(key, before[key]) != before[key]), None)


def check_measured_alike(recorded: Evidence, evaluation: Mapping[str, Any], newer: str) -> None:
    """Raises UserError where `newer` has other settings of measurements than the recorded runs were measured with."""
    key = measured_otherwise(recorded, evaluation)
    if key is not None:
        study = recorded.study.study
        raise UserError(
            f"{newer} has evaluation.{key}: {evaluation[key]}, and {recorded.path} was measured with "
            f"{recorded.study.evaluation[key]}: their numbers do not belong together; give studies/{study}.yaml the "
            f"recorded value and run `repro evaluate {study}`, or record it under another study's name"
        )


def _same_numbers(recorded: dict[str, Any], row: dict[str, Any], ours: Evidence, theirs: Evidence) -> None:
    identity = row["identity"]
    for name in sorted(set(recorded["scalars"]) & set(row["scalars"])):
        if name in INCIDENTAL:
            continue
        before, after = recorded["scalars"][name], row["scalars"][name]
        if before != after:
            raise UserError(
                f"run {identity} ({row['variant']} seed {row['seed']}) has {name} {after} in {theirs.path} but "
                f"{before} in {ours.path}; the same identity must have the same numbers (another machine may round "
                "differently, other evaluation settings look at other pictures: keep one of the two)"
            )
    _same_arrays(f"{identity}/", f"run {identity}", ours, theirs)


def _same_arrays(prefix: str, whose: str, ours: Evidence, theirs: Evidence) -> None:
    for name in (name for name in ours.arrays if name.startswith(prefix)):
        if name in theirs.arrays and not np.array_equal(ours.arrays[name], theirs.arrays[name], equal_nan=True):
            raise UserError(f"{whose} has another {name.removeprefix(prefix)} in {theirs.path} than in {ours.path}")

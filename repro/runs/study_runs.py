"""All runs of a study, found or still to be trained: those of its search for learning rates, then those reported.

Which rates are reported follows from the search's runs, in the store or in recorded evidence.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repro.evidence.directory import Evidence, load_evidence
from repro.project import recorded_folder
from repro.runs.grid import GridRun, grid_of
from repro.runs.rate_search import trials_of, with_tuned_rates
from repro.study.load import ResolvedStudy
from repro.study.tuning import Trial, trial_of


@dataclass(frozen=True)
class StudyRuns:
    """A study whose search, if it has one, is finished."""

    resolved: ResolvedStudy
    """with the rates that were found"""
    trials: list[GridRun]
    """the search's runs"""
    report: list[GridRun]
    """the runs that are measured and reported"""


def study_runs(
    resolved: ResolvedStudy, store: Path, prepared: Mapping[str, Any], recorded: Evidence | None
) -> StudyRuns:
    """Every run of a study. Raises UserError when its search is not finished."""
    place = (store, prepared["digest"], prepared["pictures"])
    trials = trials_of(resolved, *place)
    tuned = with_tuned_rates(resolved, trials, recorded_trials(resolved, recorded))
    return StudyRuns(tuned, trials, grid_of(tuned, *place))


def recorded_evidence(root: Path, study: str) -> Evidence | None:
    """A study's recorded evidence, if there is some."""
    folder = recorded_folder(root, study)
    return load_evidence(folder) if folder.is_dir() else None


def recorded_trials(resolved: ResolvedStudy, recorded: Evidence | None) -> dict[str, Trial]:
    """By identity, what recorded runs of a search say of their rates."""
    tuning = resolved.study.tuning
    if tuning is None or recorded is None:
        return {}
    return {
        run.identity: trial_of(tuning.target_error, run.curves, diverged=run.status == "diverged")
        for run in recorded.runs
        if run.role == "tuning"
    }


def by_variant(cells: Iterable[GridRun]) -> str:
    """Reported runs for a person: `base seeds 1, 2; dense seed 2`."""
    seeds: dict[str, list[int]] = {}
    for cell in cells:
        seeds.setdefault(cell.variant, []).append(cell.seed)
    return "; ".join(
        f"{variant} seed{'s' if len(found) > 1 else ''} {', '.join(map(str, found))}"
        for variant, found in seeds.items()
    )


def recorded_digests(recorded: Evidence | None, runs: list[GridRun]) -> dict[str, str]:
    """By identity, the weights' digest of those of `runs` that are recorded with the same role."""
    wanted = {(cell.run.identity, cell.role) for cell in runs}
    found = recorded.runs if recorded is not None else ()
    return {
        run.identity: str(run.provenance.get("weights_digest")) for run in found if (run.identity, run.role) in wanted
    }

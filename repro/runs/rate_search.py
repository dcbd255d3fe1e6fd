"""The search for learning rates as runs: which there are, and what they say once they are trained.

The first phase of a study with a `tuning:` block trains every rate of its grid (role `tuning`); the second
trains the runs that are reported, with the rates that won. Both follow from the study and from finished
or recorded runs alone, so nothing about a search is stored beside them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from repro.errors import UserError
from repro.runs.grid import GridRun, PicturesInStore
from repro.runs.store import Run, RunSpec
from repro.study.load import ResolvedStudy, differences
from repro.study.settings import RunSettings
from repro.study.tuning import Trial, TunedRate, best_rate, trial_of


def trials_of(resolved: ResolvedStudy, pictures: PicturesInStore) -> list[GridRun]:
    """Every run of the study's search, seed by seed; none without a `tuning:` block.

    Raises UserError for a variant that starts from another's weights.
    """
    tuning = resolved.study.tuning
    if tuning is None:
        return []
    for variant in tuning.variants:
        if variant in resolved.parents:
            raise UserError(
                f"studies/{resolved.name}.yaml: tuning.variants: {variant} starts from the weights of "
                f"{resolved.parents[variant]}; rates are searched for variants that start from random weights only"
            )
    cells = []
    for seed in tuning.seeds:
        for variant in tuning.variants:
            for rate in tuning.learning_rates:
                spec = RunSpec(with_rate(resolved.settings[variant], rate), seed, pictures.digest, pictures.folder)
                cells.append(GridRun(variant, seed, spec, Run(pictures.store, spec.identity), role="tuning"))
    return cells


def with_rate(settings: RunSettings, rate: float) -> RunSettings:
    """The same settings with another learning rate."""
    return settings.model_copy(update={"training": settings.training.model_copy(update={"learning_rate": rate})})


def unfinished(trials: Sequence[GridRun], recorded: Mapping[str, Trial]) -> list[GridRun]:
    """The trials that are neither in the store nor recorded."""
    return [cell for cell in trials if not cell.run.finished and cell.run.identity not in recorded]


def with_tuned_rates(
    resolved: ResolvedStudy, trials: Sequence[GridRun], recorded: Mapping[str, Trial]
) -> ResolvedStudy:
    """The study whose tuned variants have the rates that won. `recorded` holds trials of evidence, by identity.

    Raises UserError when the search is not finished.
    """
    tuning = resolved.study.tuning
    if tuning is None:
        return resolved
    if missing := unfinished(trials, recorded):
        variants = dict.fromkeys(cell.variant for cell in missing)
        raise UserError(
            f"{resolved.name}: {len(missing)} of {len(trials)} runs of the search for the learning rate of "
            f"{', '.join(variants)} are not finished; run `repro train {resolved.name}` first"
        )
    outcomes: dict[str, dict[float, list[Trial]]] = {variant: {} for variant in tuning.variants}
    for cell in trials:
        trial = _outcome(cell.run, tuning.target_error) if cell.run.finished else recorded[cell.run.identity]
        outcomes[cell.variant].setdefault(cell.spec.settings.training.learning_rate, []).append(trial)
    tuned = {variant: best_rate(by_rate) for variant, by_rate in outcomes.items()}
    settings, deviations = dict(resolved.settings), dict(resolved.deviations)
    for variant, winner in tuned.items():
        settings[variant] = with_rate(resolved.settings[variant], winner.rate)
        deviations[variant] = _deviations(resolved.deviations[variant], settings[variant])
    return replace(resolved, settings=settings, deviations=deviations, tuned=tuned)


def describe_rates(tuned: Mapping[str, TunedRate]) -> list[str]:
    """A line for each tuned variant, for a person."""
    why = {"iterations": "fewest iterations to the target", "final_train_error": "target not reached; lowest error"}
    return [
        f"{variant}: learning rate {chosen.rate:g} ({why[chosen.criterion]}"
        f"{'' if chosen.interior else '; at the edge of the grid: the best rate may lie beyond'})"
        for variant, chosen in tuned.items()
    ]


def _outcome(run: Run, target: float) -> Trial:
    rows = run.log()
    curves = {name: [row.get(name) for row in rows] for name in ("step", "train_error")}
    return trial_of(target, curves, diverged=run.result()["status"] == "diverged")


def _deviations(before: list[str], settings: RunSettings) -> list[str]:
    """The variant's departures from the print, with the rate that it was given."""
    key = "training.learning_rate: "
    printed = type(settings.training).model_fields["learning_rate"].default
    kept = [line for line in before if not line.startswith(key)]
    rate = differences({"learning_rate": printed}, {"learning_rate": settings.training.learning_rate}, "training.")
    return kept + rate

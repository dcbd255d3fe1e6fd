"""`repro plan`: what a study has, what it lacks, and what the rest will cost."""

from __future__ import annotations

import shutil
import statistics
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from repro.cores import usable_cores
from repro.net.table.layers import layer_table
from repro.progress import clock
from repro.project import Project
from repro.runs.grid import GridRun, to_train
from repro.runs.prepared_study import PreparedStudy
from repro.runs.rate_search import unfinished
from repro.study.load import load_study
from repro.study.settings import RunSettings
from repro.study.tuning import Tuning

Echo = Callable[[str], None]
ASSUMED_MULTIPLY_ADDS_PER_SECOND = 1.5e10
"""Of one CPU core in training, until a run has been timed on this machine."""
_STEP_PER_FORWARD = 3.0
"""A training step costs about three forward passes: forward, and backward to inputs and to weights."""


@dataclass(frozen=True)
class Cost:
    """What one run takes: multiply-adds of the whole training, bytes on disk and in memory."""

    multiply_adds: float
    disk_bytes: int
    memory_bytes: int


def cost_of(settings: RunSettings, classes: int, pictures: int) -> Cost:
    """The arithmetic of a run over `pictures` training pictures; a plateau schedule may stop earlier."""
    table = layer_table(settings.net, classes)
    parameters = sum(layer.parameters for layer in table)
    forward = sum(layer.multiply_adds for layer in table)
    values = sum(layer.neurons for layer in table) * settings.training.batch_size
    work = forward * _STEP_PER_FORWARD * pictures * settings.training.epochs
    # weights stay; a checkpoint (weights and velocities) exists twice while it is replaced
    # in memory: weights, gradients, velocities, a temporary; activations forward and backward, twice over
    return Cost(work, 4 * parameters * 5, 4 * parameters * 4 + 4 * values * 4 + 300_000_000)


def plan_study(project: Project, study: str | None, *, workers: int | None, echo: Echo) -> None:
    """Print the plan of one study, or of all in `params.yaml`."""
    for name in [study] if study else project.studies:
        _plan(project, name, workers or usable_cores(), echo)


def _plan(project: Project, name: str, workers: int, echo: Echo) -> None:
    resolved = load_study(project.root, name)
    total = len(resolved.study.variants) * len(resolved.study.seeds)
    tuning = resolved.study.tuning
    echo(
        f"{name}: {len(resolved.study.variants)} variants x {len(resolved.study.seeds)} seeds = {total} runs "
        f"on {resolved.data_name}"
    )
    if not project.prepared_file(name).is_file():
        echo(f"  pictures not prepared yet: `repro prepare {name}`; the plan of its runs follows from them")
        return
    study = PreparedStudy.of(project, name, resolved)
    trials, cells = study.trials(), study.untuned()
    searched = not unfinished(trials, study.recorded_trials())
    if searched:  # else the rates to be reported are not known yet; a run costs the same with any
        cells = study.runs().report
    recorded = study.recorded_digests([*trials, *cells])
    missing = to_train([*trials, *cells], recorded)
    accepted = recorded.keys() - {cell.run.identity for cell in missing}
    states = {cell.run.identity: _state(cell, accepted) for cell in [*trials, *cells]}
    if tuning is not None:
        _plan_search(tuning, trials, states, echo)
        if not searched:
            states |= {cell.run.identity: "waits" for cell in cells if cell.variant in tuning.variants}
    seeds = resolved.study.seeds
    width = max(22, *(len(variant) + 2 for variant in resolved.study.variants))
    echo(f"  {'variant':<{width}}" + "".join(f"{seed:>9}" for seed in seeds))
    for variant in resolved.study.variants:
        row = [states[cell.run.identity] for cell in cells if cell.variant == variant]
        echo(f"  {variant:<{width}}" + "".join(f"{state:>9}" for state in row))
    classes, pictures = len(study.prepared.classes), study.prepared.counts["train"]
    costs = [cost_of(cell.spec.settings, classes, _trained_on(cell.spec.settings, pictures)) for cell in missing]
    if not costs:
        echo("  nothing is missing")
        return
    rate, source = _rate([*trials, *cells], classes, pictures)
    hours = [cost.multiply_adds / rate / 3600 for cost in costs]
    longest = max(_longest_line(missing, hours), sum(hours) / workers)
    echo(
        f"  {len(missing)} runs to train: {sum(hours):.2f} core-hours, about {clock(longest * 3600)} on {workers} cores"
    )
    echo(f"    ({rate / 1e9:.1f} G multiply-adds/s a core, {source})")
    disk, free = sum(cost.disk_bytes for cost in costs), shutil.disk_usage(_existing(project.store)).free
    echo(f"  disk: {disk / 1e9:.2f} GB of runs in {project.store}, {free / 1e9:.1f} GB free there")
    echo(
        f"  memory: about {max(cost.memory_bytes for cost in costs) * workers / 1e9:.1f} GB with {workers} side by side"
    )


def _plan_search(tuning: Tuning, trials: list[GridRun], states: dict[str, str], echo: Echo) -> None:
    """What the search for learning rates has, before the runs whose rates it decides."""
    echo(f"  search for learning rates: {len(tuning.learning_rates)} rates x {len(tuning.seeds)} seeds for each of")
    for variant in tuning.variants:
        counts = Counter(states[cell.run.identity] for cell in trials if cell.variant == variant)
        echo(f"    {variant}: " + ", ".join(f"{number} {state}" for state, number in counts.most_common()))


def _state(cell: GridRun, recorded: Collection[str]) -> str:
    if cell.run.finished:
        return "done"
    if cell.run.identity in recorded:
        return "recorded"
    if cell.run.leased:
        return "running"
    return "begun" if cell.run.started else "missing"


def _trained_on(settings: RunSettings, pictures: int) -> int:
    """About how many of the prepared training pictures a run trains on."""
    return round(pictures * settings.training.pictures.portion)


def _longest_line(missing: list[GridRun], hours: list[float]) -> float:
    """Hours of the longest line of runs of which each starts from the weights of the one before."""
    until_done: dict[str, float] = {}
    for cell, own in zip(missing, hours, strict=True):  # parents stand before their children
        before = 0.0 if cell.parent is None else until_done.get(cell.parent.run.identity, 0.0)
        until_done[cell.run.identity] = before + own
    return max(until_done.values())


def _rate(cells: list[GridRun], classes: int, pictures: int) -> tuple[float, str]:
    rates = []
    for cell in cells:
        if not cell.run.finished:
            continue
        result = cell.run.result()
        # The processor seconds of a run on an accelerator say nothing about a core.
        if (seconds := result["cpu_seconds"]) > 0 and not result["provenance"].get("accelerators"):
            done = result["steps"] * cell.spec.settings.training.batch_size
            rates.append(
                cost_of(cell.spec.settings, classes, done).multiply_adds / cell.spec.settings.training.epochs / seconds
            )
    if rates:
        return statistics.median(rates), f"the median of {len(rates)} finished runs"
    return ASSUMED_MULTIPLY_ADDS_PER_SECOND, "a guess: no run of this study has been timed on a core here"


def _existing(path: Path) -> Path:
    while not path.exists():
        path = path.parent
    return path

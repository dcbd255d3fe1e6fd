"""`repro plan STUDY --decide`: what its seeds can decide, from the spread of an earlier evidence or a stated one."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean, variance

from repro.errors import UserError
from repro.evidence.directory import Evidence, load_evidence
from repro.project import Project
from repro.study.load import load_study
from repro.verdicts.finding import NotEvaluated
from repro.verdicts.judging.decidable import one_way, prospects
from repro.verdicts.readings.readings import divisions_of, metric_values
from repro.verdicts.registry.metrics import METRICS
from repro.verdicts.registry.registry import REGISTRY_FILE, Registry, claims_folder, load_registry
from repro.verdicts.registry.test_types import TowersTest

TOWERS = "J"


def decide_plan(project: Project, study: str, sources: Sequence[str], echo: Callable[[str], None]) -> None:
    """Print each statement's prospects.

    sources: evidence folders, or `METRIC=SD` with errors as fractions; a later one replaces an earlier one.
    Raises UserError for a source that is neither.
    """
    registry = load_registry(claims_folder(project.root) / REGISTRY_FILE)
    planned = load_study(project.root, study).study
    spread: dict[str, float] = {}
    for source in sources:
        spread |= _stated(source) if "=" in source else spread_of(load_evidence(Path(source)), registry)
    expected = prospects(registry, planned.family, len(planned.seeds), planned.looks, spread, planned.smallest_effects)
    looks = "two looks" if planned.looks == "two" else "a fixed number of seeds"
    echo(f"{study}: {len(planned.seeds)} seeds, {looks}; family {', '.join(planned.family)}")
    for prospect in expected:
        before = registry.after.get(prospect.statement)
        chained = f", once {before} is decided" if before in planned.family else ""
        echo(
            f"  {prospect.statement:<5} {prospect.seeds} seeds, level {prospect.level:.2g}{chained}: "
            f"{prospect.sentence}"
        )
    for sentence in one_way(expected):
        echo(f"  Before hours are spent: {sentence}")


def _stated(source: str) -> dict[str, float]:
    metric, _, value = source.partition("=")
    allowed = (*METRICS, TOWERS)
    try:
        sd = float(value)
    except ValueError:
        sd = math.nan
    if metric not in allowed or not (sd > 0 and math.isfinite(sd)):
        raise UserError(
            f"--spread {source}: must be an evidence folder or METRIC=SD with a positive number, errors as fractions; "
            f"metrics: {', '.join(allowed)}"
        )
    return {metric: sd}


def spread_of(evidence: Evidence, registry: Registry) -> dict[str, float]:
    """The sd of a run by metric: the root mean square over variants with at least two runs."""
    metrics = {
        name for test in _tests(registry) for name in (getattr(test, "metric", None), *getattr(test, "also", ()))
    }
    thresholds = [test.specific_above for test in _tests(registry) if isinstance(test, TowersTest)]
    variances: dict[str, list[float]] = {}
    for variant in evidence.study.variants:
        seeds = [run.seed for run in evidence.of(variant)]
        if len(seeds) < 2:
            continue
        for metric in sorted(name for name in metrics if isinstance(name, str) and name in METRICS):
            values = metric_values(evidence, variant, seeds, metric)
            if not isinstance(values, NotEvaluated):
                variances.setdefault(metric, []).append(variance(values))
        for above in thresholds[:1]:
            nets = divisions_of(evidence, variant, seeds, above)
            if not isinstance(nets, NotEvaluated):
                variances.setdefault(TOWERS, []).append(variance([net.j for net in nets]))
    return {name: math.sqrt(fmean(values)) for name, values in variances.items() if fmean(values) > 0}


def _tests(registry: Registry) -> list[object]:
    return [entry.test for entry in registry if entry.test is not None]

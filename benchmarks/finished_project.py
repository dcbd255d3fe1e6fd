"""A project whose pipeline looks finished: made-up evidence of as many runs as wanted, and outs that DVC knows."""

from __future__ import annotations

from pathlib import Path

from benchmarks.processes import command_seconds
from benchmarks.projects import EMBEDDED, whole_project
from repro.evidence.directory import load_evidence
from repro.files import write_json
from repro.project import Project
from repro.report.dvc_outputs.metrics import headline_metrics
from repro.report.dvc_outputs.plots import write_plots
from repro.stages.facts_file import FACTS_SCHEMA
from repro.verdicts.registry.registry import load_registry
from tests.made_up import LEVELS, MadeUp
from tests.project_copy import ROOT

STUDY = "smoke"


def made_up_study(variants: int, seeds: int) -> MadeUp:
    """A study of the variants that most claims read; every third of them differs from the base in everything."""
    registry = load_registry(ROOT / "claims" / "statements.yaml")
    tests = [entry.test for entry in registry if entry.scope == "statistical"]
    named = [name for test in tests for name in getattr(test, "variants", ())]
    chosen = sorted(dict.fromkeys(named), key=lambda name: (name != "base", -named.count(name)))[:variants]
    effects = {metric: 8 * 0.004 * factor for metric, (_, factor) in LEVELS.items()}
    family = tuple(entry.id for entry in registry if entry.scope == "statistical")
    return MadeUp(
        study=STUDY,
        seeds=tuple(range(seeds)),
        variants=tuple(chosen),
        family=family,
        registry={name: registry.digest(name) for name in family},
        effects=dict.fromkeys(chosen[1::3], effects),
        arrival={"tanh": 1500.0, "sigmoid": 1500.0},
    )


def finished_project(target: Path, made: MadeUp) -> Path:
    """What the stages of STUDY leave, with `made` as its evidence; `dvc repro` then finds nothing to do."""
    root = whole_project(target, STUDY)
    results = Project(root).results(STUDY)
    evidence = load_evidence(made.write(results / "evidence"))
    write_json(Project(root).facts_file, {"schema": FACTS_SCHEMA, "fidelity": {}})
    prepared = {"schema": 1, "data": EMBEDDED, "digest": "0", "pictures": "pictures/none", "classes": [], "size": 56}
    write_json(results / "prepared.json", {**prepared, "counts": {}, "filter": "bicubic"})
    rows = [{"variant": run.variant, "seed": run.seed, "identity": run.identity} for run in evidence.runs]
    write_json(results / "runs.json", {"schema": 1, "runs": rows})
    write_json(results / "metrics.json", headline_metrics(evidence))
    write_plots(evidence, results / "plots")
    command_seconds(root, "repro", "verdicts", STUDY)
    command_seconds(root, "repro", "report", STUDY)
    command_seconds(root, "dvc", "commit", "--force", "--quiet")
    return root

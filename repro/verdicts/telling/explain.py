"""One statement whole, as plain data: `repro explain S38`, and with --json for programs.

What it says, how it is tested, which studies can speak about it, what the evidence shows, the verdict, what
would decide it, and what later work found. The text of the command is made of this data alone
(`repro.verdicts.telling.explain_text`).
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from repro.evidence.directory import Evidence, load_evidence
from repro.study.load import load_variants, read_study, study_files
from repro.study.settings import Variant
from repro.verdicts.finding import NotEvaluated, amount, finite
from repro.verdicts.forms.table import form_of
from repro.verdicts.judging.gates import read_gate
from repro.verdicts.judging.ledger import NO_EVIDENCE, Entry, make_ledger
from repro.verdicts.judging.look_seeds import judged_seeds
from repro.verdicts.judging.reasons import registered_effect
from repro.verdicts.judging.verdict import FLAGS, Verdict
from repro.verdicts.readings.readings import missing_runs
from repro.verdicts.registry.literature import LITERATURE_FILE, literature_on, load_literature
from repro.verdicts.registry.papers_evidence import papers_evidence
from repro.verdicts.registry.registry import REGISTRY_FILE, Registry, load_registry
from repro.verdicts.registry.statement import Statement
from repro.verdicts.registry.test_types import StatisticalTest
from repro.verdicts.telling.how_tested import (
    form_in_words,
    gates_of,
    picked_in_words,
    rules,
    tested_as,
    variants_of,
)

REMEDIES: Mapping[str, str] = {
    "missing_runs": "the missing runs (`repro plan STUDY` lists them), or evidence that has them",
    "gate": "runs that open the gate, in this study trained further or in another one",
    "not_a_number": "the measurement that is missing (`repro evaluate STUDY`)",
    "kernels": "nets whose first layer has enough live kernels in both towers",
    "scale": "a study whose data and size can speak about it",
    "hardware": "runs on the devices that it is about",
    "fidelity": "a study whose nets have what it is about",
    "missing_facts": "evidence with facts, which `repro evaluate STUDY` measures",
    "claim_error": "a claim whose code runs",
    "no_claim_yet": "a claim",
}

FLAGS_MEAN: Mapping[str, str] = {
    **FLAGS,
    "reduced_scale": "not the paper's net on all of its pictures, so its magnitudes are not compared",
    "part_tested": "only the part of the statement that is named above",
    "known_erratum": "false as printed, so contradicted is what is expected",
    "collapsed_runs": "collapsed runs are counted with their error",
}


def explanation(root: Path, claims: Path, statement: str, evidence: Sequence[Path]) -> dict[str, Any]:
    """Everything about a statement as JSON-able values.

    root: the project (`variants.yaml`, `studies/`); claims: the folder with the registry.
    Raises UserError for an unknown statement and for files that cannot be read.
    """
    registry = load_registry(claims / REGISTRY_FILE)
    entry = registry[statement]
    ledger = make_ledger(claims, evidence)
    source = registry[registry.original(statement)]
    variants = load_variants(root)
    literature = load_literature(claims / LITERATURE_FILE, registry)
    folders = dict(zip(ledger.studies, evidence, strict=True))
    return {
        **_as_printed(entry, registry),
        "tested_as": tested_as(registry, entry),
        "test": None if source.test is None else _test(source.test, registry, variants),
        "studies": _studies(root, source, registry, variants),
        "evidence": [
            _on_evidence(judged, source, registry, folders)
            for judged in ledger.entries
            if judged.statement.id == statement
        ],
        "literature": [finding.model_dump(mode="json") for finding in literature_on(literature, registry, statement)],
    }


def _as_printed(entry: Statement, registry: Registry) -> dict[str, Any]:
    """All that the registry notes for readers; a new field of `Statement` is included without further work."""
    noted = entry.model_dump(mode="json", exclude={"test", "paper_errors"})
    noted["paper_evidence"] = [papers_evidence(errors) for errors in entry.paper_errors]
    return {**noted, "repeated_by": [name for name, other in registry.repeats.items() if other == entry.id]}


def _test(test: BaseModel, registry: Registry, variants: Mapping[str, Variant]) -> dict[str, Any]:
    return {
        "form": getattr(test, "form", ""),
        "in_words": form_in_words(type(test)),
        "picks": picked_in_words(test),
        "rules": [{"name": rule.name, "value": rule.value, "meaning": rule.meaning} for rule in rules(test)],
        "registered": test.model_dump(mode="json"),
        "gates": gates_of(test, registry),
        "variants": {
            name: {"summary": variants[name].summary, "changes": variants[name].changes}
            for name in variants_of(test, variants)
        },
    }


def _studies(
    root: Path, source: Statement, registry: Registry, variants: Mapping[str, Variant]
) -> list[dict[str, Any]]:
    """Which of the project's studies can speak about the statement, with their seeds."""
    if source.scope != "statistical":
        return []
    assert source.test is not None
    first, instead = getattr(source.test, "variants", ()), getattr(source.test, "otherwise", ())
    needed = variants_of(source.test, variants) if not instead else tuple(dict.fromkeys(first))
    studies = []
    for path in study_files(root):
        study = read_study(path)
        lacks = [name for name in needed if name not in study.variants]
        if lacks and instead and set(instead) <= set(study.variants):
            lacks = []
        family = {registry.original(name) for name in study.family if name in registry.statements}
        studies.append(
            {
                "study": study.study,
                "in_family": source.id in family,
                "seeds": list(study.seeds),
                "looks": study.looks,
                "lacks": lacks,
            }
        )
    return studies


def _on_evidence(entry: Entry, source: Statement, registry: Registry, folders: Mapping[str, Path]) -> dict[str, Any]:
    """One entry of the ledger: the verdict with everything that it rests on."""
    verdict = entry.verdict
    row: dict[str, Any] = {
        "study": None if entry.study in (None, NO_EVIDENCE) else entry.study,
        **(entry.as_json() if verdict is None else verdict.as_json()),
        "error": None if entry.error is None else f"{type(entry.error).__name__}: {entry.error}",
        "unit": verdict.finding.unit if verdict and verdict.finding else getattr(source.test, "unit", None),
        "flags_mean": {flag: FLAGS_MEAN.get(flag, "") for flag in sorted(verdict.flags if verdict else ())},
        "what_would_decide": None if verdict is None else what_would_decide(verdict),
    }
    folder = folders.get(entry.study or "")
    if folder is not None:
        row["path"] = os.path.relpath(folder) if folder.is_relative_to(Path.cwd()) else str(folder)
    if folder is not None and isinstance(source.test, StatisticalTest):
        evidence = load_evidence(folder)
        row |= {
            "in_family": source.id in {registry.original(name) for name in evidence.study.family},
            "registered_seeds": list(evidence.study.seeds),
            "gates": _gates(evidence, source.test, registry, verdict),
            "values": [asdict(row) for row in form_of(source.test).values(evidence, source.test)],
            "details": dict(verdict.finding.details) if verdict is not None and verdict.finding else {},
        }
    return row


def _gates(
    evidence: Evidence, test: StatisticalTest, registry: Registry, verdict: Verdict | None
) -> list[dict[str, Any]]:
    """The reading of each gate of the test on the runs that the verdict rests on, of the variants that there are."""
    there = set(evidence.study.variants)
    read = next((names for names in (test.variants, test.otherwise) if names and set(names) <= there), None)
    if read is None:
        return []
    read = tuple(dict.fromkeys(read))
    finding = verdict.finding if verdict is not None else None
    seeds = judged_seeds(evidence, read, None if finding is None else max(finding.n))
    rows = []
    for name in test.gates:
        gaps = missing_runs(evidence, read, seeds)
        reading = gaps or read_gate(evidence, registry.gates, name, test, read, seeds)
        if isinstance(reading, NotEvaluated):
            rows.append({"gate": name, "state": "unread", "reading": reading.reason})
        else:
            state = "open" if reading.open else "shut"
            rows.append({"gate": name, "state": state, "reading": reading.sentence})
    return rows


def what_would_decide(verdict: Verdict) -> str | None:
    """What would decide the statement, or make its verdict more certain; None where nothing is open."""
    if verdict.outcome == "untestable":
        return None
    if verdict.outcome == "not_evaluated":
        return REMEDIES.get(verdict.code or "")
    finding = verdict.finding
    if verdict.outcome != "inconclusive":
        if "exploratory" in verdict.flags:
            return "runs of a study that registers it in its family beforehand"
        return "more seeds: leaving one out would undo it" if "fragile" in verdict.flags else None
    if finding is None:
        return "figures that do not straddle the bound"
    if verdict.waits_for is not None:
        return f"a decision on {verdict.waits_for}, which it waits for"
    if finding.form == "every_run" and not all(state == "yes" for state in finding.details["states"]):
        return "more runs that do not show it would contradict it; none can support it, since not every run shows it"
    parts = []
    if verdict.seeds_needed is not None:
        parts.append(f"{registered_effect(finding)} needs {verdict.seeds_needed} seeds")
    if finite(verdict.detectable) is not None:
        parts.append(f"{min(finding.n)} seeds find {amount(verdict.detectable, finding.unit)} with 80 % power")
    if min(finding.n) < finding.minimum_n:
        parts.append(f"at least {finding.minimum_n} seeds, which this form needs")
    return "; ".join(parts) or "more seeds"

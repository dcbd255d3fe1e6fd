"""All verdicts of a set of evidence, computed together, whatever pytest has been asked to show.

Multiplicity is a property of a study's family, so selecting tests must not change a verdict: the ledger
loads every claim itself, judges every study whole, and each test then looks its own verdict up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from repro.errors import UserError
from repro.evidence.directory import Evidence, load_evidence
from repro.evidence.doubts import contradictions
from repro.verdicts.authoring.claim import Claim, load_claims
from repro.verdicts.finding import NotEvaluated
from repro.verdicts.judging.claim_outcomes import definition_outcomes, study_outcomes
from repro.verdicts.judging.verdict import Verdict, not_evaluated, untestable
from repro.verdicts.registry.papers_evidence import papers_evidence
from repro.verdicts.registry.registry import REGISTRY_FILE, Registry, load_registry
from repro.verdicts.registry.statement import Statement

Standing = Literal["judged", "repeats", "untestable", "no_claim_yet"]
NO_EVIDENCE = "no_evidence"
"""Stands for the study where there is none, so that each claim still has its line and its test."""


@dataclass(frozen=True)
class Entry:
    """One line of the ledger: a statement, the study it was judged on (None: none needed), the verdict."""

    statement: Statement
    study: str | None
    standing: Standing
    verdict: Verdict | None
    title: str = ""
    error: BaseException | None = field(default=None, compare=False)

    @property
    def unexpected(self) -> bool:
        """Whether a reader who trusts the paper, errata included, is contradicted."""
        if self.verdict is None:
            return False
        if self.statement.known_erratum is not None:
            return self.verdict.outcome == "supported"
        return self.verdict.outcome == "contradicted"

    def as_json(self) -> dict[str, Any]:
        """The entry under the names that `--verdicts` writes."""
        said = self.verdict or Verdict("inconclusive", "no_claim_yet")
        authors = self.statement.authors
        return {
            "id": self.statement.id,
            "section": self.statement.section,
            "statement": self.statement.statement,
            "kind": self.statement.kind,
            "study": None if self.study == NO_EVIDENCE else self.study,
            **said.as_json(),
            "verdict": None if self.verdict is None else said.outcome,
            "paper": self.statement.paper,
            "authors": None if authors is None else {"number": authors.number, "file": authors.file},
            "unit": None if said.finding is None else said.finding.unit,
            "paper_evidence": [papers_evidence(errors) for errors in self.statement.paper_errors],
        }


@dataclass(frozen=True)
class Ledger:
    """All entries in the paper's order; several for a statement that was judged on several studies."""

    registry: Registry
    claims: Mapping[str, Claim]
    evidences: Mapping[str, Evidence]
    entries: tuple[Entry, ...]

    @property
    def studies(self) -> tuple[str, ...]:
        """The names of the evidences: their studies' names, with the folder where a name comes twice."""
        return tuple(self.evidences)

    def in_family(self, entry: Entry) -> bool:
        """Whether the study named the statement, or one that repeats it, in its family. True without any study."""
        evidence = self.evidences.get(entry.study or "")
        original = self.registry.original
        return evidence is None or original(entry.statement.id) in map(original, evidence.study.family)

    def find(self, statement: str, study: str | None) -> Entry:
        """The entry of a statement on a study (None for definitions); KeyError when there is none."""
        for entry in self.entries:
            if entry.statement.id == statement and entry.study == study:
                return entry
        raise KeyError((statement, study))

    def scopes(self, statement: str) -> tuple[str | None, ...]:
        """The studies that a statement's claim is judged on: None alone for definitions."""
        if self.registry[statement].scope == "definition":
            return (None,)
        return self.studies or (NO_EVIDENCE,)

    def as_json(self) -> list[dict[str, Any]]:
        """All entries under the names that `--verdicts` writes."""
        return [entry.as_json() for entry in self.entries]


def make_ledger(claims_folder: Path, evidence_folders: Sequence[Path]) -> Ledger:
    """The verdicts of all claims in `claims_folder` on these evidence directories.

    Raises UserError for evidence, a registry or claims that cannot be read, for evidence that contradicts
    itself, and where a claim and the registry do not agree that the statement has one.
    """
    registry = load_registry(claims_folder / REGISTRY_FILE)
    claims = load_claims(claims_folder)
    _check_agreement(registry, claims)
    evidences = _by_label(evidence_folders)
    judged = {label: study_outcomes(registry, claims, evidence) for label, evidence in evidences.items()}
    definitions = definition_outcomes(registry, claims, list(evidences.values()))
    entries: list[Entry] = []
    for statement in registry:
        source = registry.original(statement.id)
        standing: Standing = "repeats" if statement.repeats is not None else "judged"
        if statement.untestable is not None:
            entries.append(Entry(statement, None, "untestable", untestable(statement.untestable)))
        elif source not in claims:
            entries.append(Entry(statement, None, "no_claim_yet", None))
        elif registry[source].scope == "definition":
            entries.append(_entry(statement, None, standing, claims[source], *definitions[source]))
        else:
            for label in judged or (NO_EVIDENCE,):
                outcome = judged[label][source] if label in judged else (_NO_EVIDENCE_GIVEN, None)
                entries.append(_entry(statement, label, standing, claims[source], *outcome))
    return Ledger(registry, claims, evidences, tuple(entries))


_NO_EVIDENCE_GIVEN = not_evaluated(
    NotEvaluated("missing_runs", "no evidence: make some with `dvc repro`, or pass --evidence DIR")
)


def _entry(
    statement: Statement,
    study: str | None,
    standing: Standing,
    claim: Claim,
    verdict: Verdict,
    error: BaseException | None,
) -> Entry:
    title = claim.name.removeprefix("test_").replace("_", " ")
    if standing == "repeats":
        shared = replace(verdict, reason=f"repeats {claim.statement}: {verdict.reason}")
        return Entry(statement, study, standing, shared, title, error)
    if statement.known_erratum is not None:
        verdict = verdict.flagged(["known_erratum"])
    if statement.part is not None and verdict.outcome in ("supported", "contradicted", "inconclusive"):
        verdict = verdict.flagged(["part_tested"])
    return Entry(statement, study, standing, verdict, title, error)


def _check_agreement(registry: Registry, claims: Mapping[str, Claim]) -> None:
    for statement, claim in claims.items():
        entry = registry[statement]
        if entry.test is None:
            raise UserError(f"{claim.path}: {claim.name} claims {statement}, which has no test in {registry.path}")
        wanted = "definition" if entry.scope == "definition" else "evidence"
        if claim.reads != wanted:
            raise UserError(f"{claim.path}: {claim.name} takes {claim.reads}; form {entry.test.form} needs {wanted}")
    if without := [entry.id for entry in registry if entry.test is not None and entry.id not in claims]:
        raise UserError(f"{registry.path}: {', '.join(without)} have a test and no claim in {registry.path.parent}")


def evidence_to_judge(folder: Path) -> Evidence:
    """The evidence in a folder. Raises UserError when it cannot be read, or contradicts itself."""
    evidence = load_evidence(folder)
    if doubts := contradictions(evidence):
        more = f" And {len(doubts) - _DOUBTS} more." if len(doubts) > _DOUBTS else ""
        raise UserError(f"{folder} contradicts itself and is not judged: {' '.join(doubts[:_DOUBTS])}{more}")
    return evidence


_DOUBTS = 2
"""How many contradictions an error names; the others are often the same mistake."""


def _by_label(folders: Sequence[Path]) -> dict[str, Evidence]:
    """Evidence by the study's name; where a name comes twice, the folder is added to it."""
    loaded = [evidence_to_judge(folder) for folder in folders]
    names = [evidence.study.study for evidence in loaded]
    labels: dict[str, Evidence] = {}
    for name, evidence in zip(names, loaded, strict=True):
        label = name if names.count(name) == 1 else f"{name}@{evidence.path}"
        if label in labels:
            raise UserError(f"--evidence {evidence.path} was given twice")
        labels[label] = evidence
    return labels

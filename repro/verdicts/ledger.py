"""All verdicts of a set of evidence, computed together, whatever pytest has been asked to show.

Multiplicity is a property of a study's family, so selecting tests must not change a verdict: the ledger
loads every claim itself, judges every study whole, and each test then looks its own verdict up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from repro.errors import UserError
from repro.evidence.directory import Evidence, load_evidence
from repro.verdicts.claim import CannotSay, Claim, load_claims
from repro.verdicts.comparison import Comparison, Comparisons, all_of
from repro.verdicts.decision import FindingFor, counted, decide
from repro.verdicts.definition import Definition
from repro.verdicts.finding import Finding, NotEvaluated
from repro.verdicts.judge import at_paper_scale, finding_on
from repro.verdicts.registry import REGISTRY_FILE, Registry, Statement, StatisticalTest, load_registry
from repro.verdicts.samples import Arms, EachAgainst, StudyEvidence, Towers
from repro.verdicts.verdict import Verdict, not_evaluated, untestable

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
        numbers = Verdict("inconclusive", "no_claim_yet").as_json() if self.verdict is None else None
        verdict = numbers or (self.verdict.as_json() if self.verdict is not None else {})
        authors = self.statement.authors
        return {
            "id": self.statement.id,
            "section": self.statement.section,
            "statement": self.statement.statement,
            "kind": self.statement.kind,
            "study": None if self.study == NO_EVIDENCE else self.study,
            "verdict": None if self.verdict is None else self.verdict.outcome,
            "reason": verdict["reason"],
            "estimate": verdict["estimate"],
            "interval": verdict["interval"],
            "p": verdict["p"],
            "p_adjusted": verdict["p_adjusted"],
            "n": verdict["n"],
            "detectable": verdict["detectable"],
            "seeds_needed": verdict["seeds_needed"],
            "paper": self.statement.paper,
            "authors": None if authors is None else {"number": authors.number, "file": authors.file},
            "flags": verdict["flags"],
        }


@dataclass(frozen=True)
class Ledger:
    """All entries in the paper's order; several for a statement that was judged on several studies."""

    registry: Registry
    claims: Mapping[str, Claim]
    studies: tuple[str, ...]
    entries: tuple[Entry, ...]

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
        return [entry.as_json() for entry in self.entries]


def make_ledger(claims_folder: Path, evidence_folders: Sequence[Path]) -> Ledger:
    """Judge everything in `claims_folder` on these evidence directories.

    Raises UserError for evidence, a registry or claims that cannot be read, and where a claim and the
    registry do not agree that the statement has one.
    """
    registry = load_registry(claims_folder / REGISTRY_FILE)
    claims = load_claims(claims_folder)
    _check_agreement(registry, claims)
    evidences = _by_label(evidence_folders)
    judged = {label: _study_entries(registry, claims, evidence) for label, evidence in evidences.items()}
    definitions = _definition_entries(registry, claims, list(evidences.values()))
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
    return Ledger(registry, claims, tuple(evidences), tuple(entries))


Outcome = tuple[Verdict, BaseException | None]
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
            raise UserError(
                f"{claim.path}: {claim.name} claims {statement}, which has no test in {registry.path}"
            )
        wanted = "definition" if entry.scope == "definition" else "evidence"
        if claim.reads != wanted:
            raise UserError(
                f"{claim.path}: {claim.name} takes {claim.reads}; form {entry.test.form} needs {wanted}"
            )
    if without := [entry.id for entry in registry if entry.test is not None and entry.id not in claims]:
        raise UserError(
            f"{registry.path}: {', '.join(without)} have a test and no claim in {registry.path.parent}"
        )


def _by_label(folders: Sequence[Path]) -> dict[str, Evidence]:
    """Evidence by the study's name; where a name comes twice, the folder is added to it."""
    loaded = [load_evidence(folder) for folder in folders]
    names = [evidence.study.study for evidence in loaded]
    labels: dict[str, Evidence] = {}
    for name, evidence in zip(names, loaded, strict=True):
        label = name if names.count(name) == 1 else f"{name}@{evidence.path}"
        if label in labels:
            raise UserError(f"--evidence {evidence.path} was given twice")
        labels[label] = evidence
    return labels


# ---- one study -------------------------------------------------------------------------------------


def _study_entries(registry: Registry, claims: Mapping[str, Claim], evidence: Evidence) -> dict[str, Outcome]:
    """Verdict and error of every claim that reads evidence."""
    outcomes: dict[str, Outcome] = {}
    errors: dict[str, BaseException] = {}
    cases: dict[str, FindingFor] = {}
    family = counted(
        [registry[statement].id for statement in evidence.study.family],
        repeats=registry.repeats,
        definitions=registry.definitions,
    )
    for statement in family:
        cases[statement] = _always(NotEvaluated("no_claim_yet", "no_claim_yet"))
    for statement, claim in claims.items():
        entry = registry[statement]
        if entry.scope == "record":
            outcomes[statement] = _on_record(claim, StudyEvidence(evidence, entry, registry.printed))
        elif entry.scope == "statistical":
            cases[statement] = _case(registry, entry, claim, evidence, errors)
    decided = decide(cases, family, evidence.study.seeds, looks=evidence.study.looks)
    for statement, verdict in decided.items():
        if statement in claims:
            verdict = verdict.flagged(_circumstances(registry, statement, evidence, verdict))
            outcomes[statement] = (verdict, errors.get(statement))
    return outcomes


def _circumstances(registry: Registry, statement: str, evidence: Evidence, verdict: Verdict) -> set[str]:
    flags = set()
    if not at_paper_scale(evidence):
        flags.add("reduced_scale")
    noted = evidence.study.registry.get(statement)
    if noted != registry.digest(statement) and verdict.outcome != "not_evaluated":
        flags.add("exploratory")
    return flags


def _case(
    registry: Registry,
    entry: Statement,
    claim: Claim,
    evidence: Evidence,
    errors: dict[str, BaseException],
) -> FindingFor:
    """The claim's finding as a function of the seeds; its errors are kept for its own test to raise."""
    try:
        samples = claim.function(StudyEvidence(evidence, entry, registry.printed))
        if not isinstance(samples, Arms | EachAgainst | Towers):
            raise TypeError(f"{claim.name} returned {type(samples).__name__}, not samples of evidence")
    except CannotSay as nothing:
        return _always(nothing.why)
    except UserError:
        raise
    except Exception as error:
        errors[entry.id] = error
        return _always(_failed(error))

    def finding_for(seeds: Sequence[int]) -> Finding | NotEvaluated:
        assert isinstance(entry.test, StatisticalTest)
        try:
            return finding_on(evidence, entry.test, registry.gates, samples, seeds)
        except UserError:
            raise
        except Exception as error:
            errors[entry.id] = error
            return _failed(error)

    return finding_for


def _always(why: NotEvaluated) -> FindingFor:
    return lambda seeds: why


def _failed(error: Exception) -> NotEvaluated:
    return NotEvaluated("claim_error", f"the claim failed: {type(error).__name__}: {error}")


# ---- definitions and records -----------------------------------------------------------------------


def _definition_entries(
    registry: Registry, claims: Mapping[str, Claim], evidences: Sequence[Evidence]
) -> dict[str, Outcome]:
    """Verdict and error of every claim on definitions.

    Facts come from the evidence. Where several evidences hold different facts, all of them must agree: a
    contradiction by any of them counts, and says which.
    """
    sources: list[tuple[str, Mapping[str, Any] | None]] = []
    for evidence in evidences:
        facts = evidence.facts.get("fidelity", {})
        if facts and facts not in [known for _, known in sources]:
            sources.append((evidence.study.study, facts))
    outcomes: dict[str, Outcome] = {}
    for statement, claim in claims.items():
        if registry[statement].scope != "definition":
            continue
        results = [
            (name, judge_comparison(claim.function, Definition(registry.printed, facts)))
            for name, facts in sources or [("", None)]
        ]
        name, (verdict, error) = min(results, key=lambda result: _GRAVITY[result[1][0].outcome])
        if len({result.outcome for _, (result, _) in results}) > 1:
            verdict = replace(verdict, reason=f"by the facts of {name}: {verdict.reason}")
        outcomes[statement] = (verdict, error)
    return outcomes


_GRAVITY = {"contradicted": 0, "not_evaluated": 1, "inconclusive": 2, "supported": 3, "untestable": 4}


def _on_record(claim: Claim, evidence: StudyEvidence) -> Outcome:
    return judge_comparison(claim.function, evidence)


def judge_comparison(function: Callable[..., Any], reads: Definition | StudyEvidence) -> Outcome:
    """The verdict of a claim that returns comparisons, and the error if it failed."""
    try:
        found = function(reads)
        if isinstance(found, Comparison):
            found = all_of(found)
        if not isinstance(found, Comparisons):
            raise TypeError(f"{function.__name__} returned {type(found).__name__}, not comparisons")
    except CannotSay as nothing:
        return not_evaluated(nothing.why), None
    except UserError:
        raise
    except Exception as error:
        return not_evaluated(_failed(error)), error
    value = found.decisive[0].value if len(found.decisive) == 1 else None
    if found.holds is None:
        return Verdict("inconclusive", f"cannot tell: {found}", estimate=value), None
    return Verdict("supported" if found.holds else "contradicted", str(found), estimate=value), None

"""Running claims: every claim on one study's evidence, and the claims on definitions.

A claim's own failure never stops the others: it is kept beside the verdict, for the claim's test to raise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from repro.errors import UserError
from repro.evidence.directory import Evidence
from repro.verdicts.authoring.claim import CannotSay, Claim
from repro.verdicts.authoring.comparison import Comparison, Comparisons, all_of
from repro.verdicts.authoring.definition import Definition
from repro.verdicts.authoring.samples import Samples
from repro.verdicts.authoring.scale import at_paper_scale
from repro.verdicts.authoring.study_evidence import StudyEvidence
from repro.verdicts.finding import Finding, NotEvaluated
from repro.verdicts.judging.decision import FindingFor, counted, decide
from repro.verdicts.judging.judge import finding_on
from repro.verdicts.judging.registration import departures
from repro.verdicts.judging.verdict import Verdict, not_evaluated
from repro.verdicts.registry.registry import Registry
from repro.verdicts.registry.statement import Statement
from repro.verdicts.registry.test_types import StatisticalTest

Outcome = tuple[Verdict, BaseException | None]
"""A verdict, and the error that the claim's own code raised, if it did."""


def study_outcomes(
    registry: Registry, claims: Mapping[str, Claim], evidence: Evidence, *, bare: bool = False
) -> dict[str, Outcome]:
    """The verdict of every claim that reads this evidence, and the error of its code; `bare` as in `decide`."""
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
    decided = decide(
        cases,
        family,
        evidence.study.seeds,
        looks=evidence.study.looks,
        after=registry.after,
        asked=len(registry.hypotheses),
        bare=bare,
    )
    for statement, verdict in decided.items():
        if statement in claims:
            if not bare:
                verdict = _with_circumstances(registry, statement, evidence, verdict)
            outcomes[statement] = (verdict, errors.get(statement))
    return outcomes


def _with_circumstances(registry: Registry, statement: str, evidence: Evidence, verdict: Verdict) -> Verdict:
    """The verdict with the flags that follow from the study's scale and from what was registered before its runs."""
    if not at_paper_scale(evidence):
        verdict = verdict.flagged(["reduced_scale"])
    test = registry[statement].test
    if verdict.outcome == "not_evaluated" or not isinstance(test, StatisticalTest):
        return verdict
    read = [name for name in dict.fromkeys((*test.variants, *test.otherwise)) if name in evidence.study.variants]
    names = (statement, *(name for name, original in registry.repeats.items() if original == statement))
    if departed := departures(evidence, statement, {name: registry.digest(name) for name in names}, read):
        verdict = replace(
            verdict.flagged(["exploratory"]), reason=f"{verdict.reason}; exploratory: {'; '.join(departed)}"
        )
    return verdict


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
        if not isinstance(samples, Samples):
            raise TypeError(f"{claim.name} returned {type(samples).__name__}, not samples of evidence")
    except CannotSay as nothing:
        return _always(nothing.why)
    except UserError:
        raise
    except Exception as error:
        errors[entry.id] = error
        return _always(_failed(error))

    test = with_studys_effect(entry, evidence)

    def finding_for(seeds: Sequence[int]) -> Finding | NotEvaluated:
        try:
            return finding_on(evidence, test, registry.gates, samples, seeds)
        except UserError:
            raise
        except Exception as error:
            errors[entry.id] = error
            return _failed(error)

    return finding_for


def with_studys_effect(entry: Statement, evidence: Evidence) -> StatisticalTest:
    """The entry's test with the smallest effect of interest that the study registered for it, if it did.

    Raises UserError where the form of the test has none.
    """
    assert isinstance(entry.test, StatisticalTest)
    effect = evidence.study.smallest_effects.get(entry.id)
    if effect is None:
        return entry.test
    if not hasattr(entry.test, "smallest_effect"):
        raise UserError(
            f"{evidence.path}: smallest_effects: {entry.id} is tested in the form {entry.test.form}, which has no "
            "smallest effect; leave it out"
        )
    return entry.test.model_copy(update={"smallest_effect": effect})


def _always(why: NotEvaluated) -> FindingFor:
    return lambda seeds: why


def _failed(error: Exception) -> NotEvaluated:
    return NotEvaluated("claim_error", f"the claim failed: {type(error).__name__}: {error}")


# ---- definitions and records -----------------------------------------------------------------------


def definition_outcomes(
    registry: Registry, claims: Mapping[str, Claim], evidences: Sequence[Evidence]
) -> dict[str, Outcome]:
    """The verdict of every claim on definitions, and the error of its code.

    Facts come from the evidence. Where several evidences hold different facts, all of them must agree: a
    contradiction by any of them counts, and says which.
    """
    sources: list[tuple[str, Mapping[str, Any] | None]] = []
    for evidence in evidences:
        facts = evidence.facts.get("fidelity", {})
        if facts and facts not in [others for _, others in sources]:
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
        result = function(reads)
        comparisons = all_of(result) if isinstance(result, Comparison) else result
        if not isinstance(comparisons, Comparisons):
            raise TypeError(f"{function.__name__} returned {type(result).__name__}, not comparisons")
    except CannotSay as nothing:
        return not_evaluated(nothing.why), None
    except UserError:
        raise
    except Exception as error:
        return not_evaluated(_failed(error)), error
    value = comparisons.decisive[0].value if len(comparisons.decisive) == 1 else None
    if comparisons.holds is None:
        return Verdict("inconclusive", f"cannot tell: {comparisons}", estimate=value), None
    return Verdict("supported" if comparisons.holds else "contradicted", str(comparisons), estimate=value), None

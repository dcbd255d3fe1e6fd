"""From findings to verdicts: multiplicity, looks, flags, reasons.

How to use it
-------------
A study gives `decide` one function per claim, not one number per claim, because the same claim must be
computable on a subset of the seeds (first look, leaving one seed out):

    def finding_for(seeds: Sequence[int]) -> Finding | NotEvaluated: ...

    verdicts = decide(
        {"S61c": finding_for_s61c, "S12": ...},          # EVERY claim that is judged on this evidence
        family=counted(study.family, repeats=..., definitions=...),   # fixes m, whatever is selected
        seeds=study.seeds,                                # all registered seeds, in registered order
        looks=study.looks,                                # "fixed" or "two"
        after=registry.after,                             # chains: follower -> the statement before it
        asked=52,                                         # statements that could be judged on such evidence at all
    )

- `finding_for` is called with registered seeds only; preconditions and gates are its business: it returns
  NotEvaluated("missing_runs", ...) if any run of these seeds is missing (never a finding on the rest), and
  another NotEvaluated for a shut gate.
- Pass every claim of the family every time, also those that are not selected for display: a family member
  without an entry raises ValueError, since Holm's result would depend on the selection.
- Claims that are given but not in the family are exploratory: judged with Bonferroni's correction for all
  statements that could be asked of the evidence, p_adjusted = asked x p. They never change a family member's
  verdict, their own verdict does not depend on which others are given, and none is judged more leniently than
  the family; with an empty family too, their level is 5 % in all.
- Repeats: leave them out of `cases` and give them the verdict of the statement that they repeat.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from repro.errors import UserError
from repro.verdicts.finding import Finding, NotEvaluated, finite
from repro.verdicts.judging.reasons import decided_reason, inconclusive_reason
from repro.verdicts.judging.verdict import Verdict, not_evaluated
from repro.verdicts.statistics.multiplicity import Corrected, corrected

FindingFor = Callable[[Sequence[int]], Finding | NotEvaluated]
Looks = Literal["fixed", "two"]
LOOKS: tuple[tuple[int, float], ...] = ((6, 0.02), (12, 0.03))
"""Seeds and family-wise level of the two registered looks."""
PERMUTATION_MINIMUM = 7


def counted(family: Sequence[str], *, repeats: Mapping[str, str], definitions: Collection[str]) -> tuple[str, ...]:
    """The statements that a family counts: without definitions, repeats replaced by what they repeat, each once."""
    originals = (repeats.get(statement, statement) for statement in family)
    return tuple(dict.fromkeys(statement for statement in originals if statement not in definitions))


def decide(
    cases: Mapping[str, FindingFor],
    family: Sequence[str],
    seeds: Sequence[int],
    *,
    looks: Looks = "fixed",
    after: Mapping[str, str] | None = None,
    asked: int = 1,
    alpha: float = 0.05,
    bare: bool = False,
) -> dict[str, Verdict]:
    """The verdict of each case, corrected for the whole family; the top of this module says how to use it.

    bare: outcomes and p values alone, without what does not decide them (intervals, detectable effects, seeds
    needed, the flag "fragile"): for simulations of many studies.

    Raises ValueError if a family member has no case, and UserError if `looks` is "two" and
    the registered seeds are not 12.
    """
    missing = [statement for statement in family if statement not in cases]
    if missing or len(set(family)) != len(family):
        raise ValueError(f"each family member needs one case; without: {missing}")
    rules = _Rules(cases, tuple(family), after or {}, max(asked, len(family) + 1), bare)
    if looks == "fixed":
        return _judge(rules, _findings(cases, seeds), seeds, alpha)
    (early, first_alpha), (late, second_alpha) = LOOKS
    if len(seeds) != late:
        raise UserError(
            f"a study with `looks: two` registers exactly {late} seeds, this one has {len(seeds)}: "
            f"list {late} seeds or set `looks: fixed`"
        )
    start = seeds[:early]
    first = _judge(rules, _findings(cases, start), start, first_alpha, look=1)
    open_cases = {name: cases[name] for name, verdict in first.items() if not _frozen(verdict)}
    findings = _findings(open_cases, seeds)
    waiting = {
        name
        for name, finding in findings.items()
        if isinstance(finding, NotEvaluated) and finding.code == "missing_runs"
    }
    decided = [name for name in family if _frozen(first[name])]
    second = _judge(rules, findings, seeds, second_alpha, look=2, decided_before=decided)
    return {
        name: verdict if _frozen(verdict) else _waiting(verdict, late) if name in waiting else second[name]
        for name, verdict in first.items()
    }


def _findings(cases: Mapping[str, FindingFor], seeds: Sequence[int]) -> dict[str, Finding | NotEvaluated]:
    return {name: finding_for(seeds) for name, finding_for in cases.items()}


def _frozen(verdict: Verdict) -> bool:
    return verdict.outcome in ("supported", "contradicted")


def _waiting(verdict: Verdict, late: int) -> Verdict:
    """The first look's verdict, while runs of the second are missing."""
    if verdict.outcome != "inconclusive":
        return verdict
    return replace(verdict, reason=f"{verdict.reason}; first look, the second waits for all {late} seeds")


@dataclass(frozen=True)
class _Rules:
    """What is the same at every look."""

    cases: Mapping[str, FindingFor]
    family: tuple[str, ...]
    after: Mapping[str, str]
    exploratory_step: int
    bare: bool


def _judge(
    rules: _Rules,
    findings: Mapping[str, Finding | NotEvaluated],
    seeds: Sequence[int],
    alpha: float,
    *,
    look: int | None = None,
    decided_before: Collection[str] = (),
) -> dict[str, Verdict]:
    """One look. Family members that were not evaluated count as p = 1."""
    usable = {name: _usable(finding) for name, finding in findings.items() if isinstance(finding, Finding)}
    raw = {name: min(1.0, 2.0 * min(sides)) for name, sides in usable.items()}
    stand = corrected(raw, rules.family, rules.after, alpha, decided_before)
    verdicts = {}
    for name, finding in findings.items():
        if isinstance(finding, NotEvaluated):
            verdict = not_evaluated(finding)
        else:
            step = rules.exploratory_step
            own = stand.get(name) or Corrected(min(1.0, step * raw[name]), step)
            verdict = _verdict(finding, own, alpha, look, rules.bare)
            case = rules.cases[name]
            if _frozen(verdict) and not rules.bare and _fragile(finding, case, seeds, verdict, alpha / own.step):
                verdict = verdict.flagged(["fragile"])
            if name not in rules.family:
                verdict = verdict.flagged(["exploratory"])
        verdicts[name] = verdict
    return verdicts


def _usable(finding: Finding) -> tuple[float, float]:
    """(p_sup, p_con), both 1 where there are fewer seeds than the form needs."""
    return (finding.p_sup, finding.p_con) if min(finding.n) >= finding.minimum_n else (1.0, 1.0)


def _side(p_sup: float, p_con: float, level: float) -> str:
    """What a two-sided test at `level` says; the side with the smaller p wins."""
    if 2.0 * min(p_sup, p_con) > level:
        return "inconclusive"
    return "supported" if p_sup <= p_con else "contradicted"


def _verdict(finding: Finding, own: Corrected, alpha: float, look: int | None, bare: bool) -> Verdict:
    level = alpha / own.step
    p_sup, p_con = _usable(finding)
    flags = set(finding.qualifiers)
    outcome: Literal["supported", "contradicted", "inconclusive"] = "inconclusive"
    if own.adjusted <= alpha:
        outcome = "supported" if p_sup <= p_con else "contradicted"
        if finding.smallest_effect > 0.0 and 2.0 * max(p_sup, p_con) <= level:
            outcome = "supported"
            flags.add("smaller_than_paper")
    if 3 <= min(finding.n) <= 4:
        flags.add("few_seeds")
    if bare:
        return Verdict(outcome, "", p=finding.p, p_adjusted=own.adjusted, flags=frozenset(flags), look=look)
    reach = finding.reach
    detectable = None if reach is None else finite(reach.detectable(level))
    needed = None if reach is None else reach.seeds_needed(level)
    verdict = Verdict(
        outcome,
        "",
        p=finding.p,
        p_adjusted=own.adjusted,
        estimate=finding.estimate,
        interval=None if reach is None else reach.interval(level),
        confidence=None if reach is None else 1.0 - level,
        n=finding.n,
        detectable=detectable,
        seeds_needed=None if needed is None else max(needed, finding.minimum_n),
        flags=frozenset(flags),
        look=look,
        waits_for=own.waits_for,
        finding=finding,
    )
    reason = (inconclusive_reason if outcome == "inconclusive" else decided_reason)(verdict, finding)
    if own.waits_for is not None:
        reason = f"waits for {own.waits_for}, which is not decided: {reason}"
    return replace(verdict, reason=reason)


def _fragile(finding: Finding, finding_for: FindingFor, seeds: Sequence[int], verdict: Verdict, level: float) -> bool:
    """Would leaving out any one seed undo the verdict, or a permutation test disagree?

    Judged at the claim's own Holm step, without the minimum n. The permutation test (from 7 runs per arm) has
    no say where it could not reach that step at all.
    """
    if len(seeds) == 1:
        return True
    for left_out in range(len(seeds)):
        rest = finding_for([*seeds[:left_out], *seeds[left_out + 1 :]])
        if isinstance(rest, NotEvaluated):
            return True
        side = _side(rest.p_sup, rest.p_con, level)
        both = rest.smallest_effect > 0.0 and 2.0 * max(rest.p_sup, rest.p_con) <= level
        if ("supported" if both else side) != verdict.outcome:
            return True
    if finding.second_opinion is not None and min(finding.n) >= PERMUTATION_MINIMUM:
        p_sup, p_con, smallest = finding.second_opinion()
        p = p_sup if verdict.outcome == "supported" else p_con
        return 2.0 * smallest <= level < 2.0 * p
    return False

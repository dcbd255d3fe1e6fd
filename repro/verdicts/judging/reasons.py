"""A verdict in one sentence: numbers with their unit, what could have been found, what would decide."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from repro.verdicts.finding import Finding, amount, number, percent

if TYPE_CHECKING:
    from repro.verdicts.judging.verdict import Verdict


def shown_estimate(verdict: Verdict, finding: Finding) -> str:
    """Estimate with its interval and that one's level, for instance "1.24 points [-0.31, 2.79] at 97 %"."""
    unit = finding.unit
    if unit == "rate" and "shown" in finding.details:
        text = f"{finding.details['shown']} of {finding.n[0]} runs"
    else:
        text = amount(verdict.estimate, unit)
    low, high = verdict.interval if verdict.interval is not None else (math.nan, math.nan)
    if math.isfinite(low) and math.isfinite(high):
        text += f" [{number(low, unit)}, {number(high, unit)}]"
        text += "" if verdict.confidence is None else f" at {percent(verdict.confidence)}"
    return text


def estimate_in_words(verdict: Verdict, finding: Finding) -> str:
    """Estimate with its interval and the seeds; of a claim with several parts, those of the weakest, by its name."""
    part = finding.details.get("weakest")
    named = "" if part is None else f"{part}: "
    return f"{named}{shown_estimate(verdict, finding)}, {shown_n(finding)}"


def shown_n(finding: Finding) -> str:
    """How many seeds a finding rests on, an arm each, for instance "6 + 6 seeds"."""
    if "without_difference" in finding.details:  # runs whose towers do not differ have no side
        return f"{finding.n[0]} runs whose towers differ"
    return " + ".join(str(n) for n in finding.n) + (" seed" if finding.n == (1,) else " seeds")


def inconclusive_reason(verdict: Verdict, finding: Finding) -> str:
    """Estimate, interval, detectable effect, and the seeds that would decide where that is registered."""
    parts = [estimate_in_words(verdict, finding)]
    unit = finding.unit
    if min(finding.n) < finding.minimum_n:
        parts.append(f"this form needs at least {finding.minimum_n} seeds")
    if finding.details.get("never_arrived"):
        parts.append(f"{finding.details['never_arrived']} runs never arrived: the true ratio is larger")
    if "suspect_same_run" in verdict.flags:
        parts.append("no spread between runs: are they the same run?")
    if verdict.detectable is not None:
        parts.append(f"detectable (80 % power): {amount(verdict.detectable, unit)}")
    if verdict.seeds_needed is not None:
        parts.append(f"{registered_effect(finding)} needs {verdict.seeds_needed} seeds")
    return "; ".join(parts)


def registered_effect(finding: Finding) -> str:
    """In words: the effect or margin that `seeds_needed` counts the seeds for."""
    planned = finding.details.get("planned_effect")
    if planned is not None:
        return f"the registered effect, {amount(planned, finding.unit)},"
    return finding.wanted


def decided_reason(verdict: Verdict, finding: Finding) -> str:
    """Estimate, interval, n and p of a decided claim, and the recurrence that counts of runs show."""
    parts = [estimate_in_words(verdict, finding), shown_p(verdict.p_adjusted)]
    if "recurrence_at_least" in finding.details and verdict.outcome == "supported":
        parts.append(f"recurrence at least {number(finding.details['recurrence_at_least'], 'rate')} (95 %)")
    if "smaller_than_paper" in verdict.flags:
        parts.append("below the smallest effect of interest")
    return "; ".join(parts)


def shown_p(p: float | None) -> str:
    """The corrected p in words."""
    if p is None:
        return "p unknown"
    return "adjusted p < 0.0001" if p < 1e-4 else f"adjusted p {p:.2g}"

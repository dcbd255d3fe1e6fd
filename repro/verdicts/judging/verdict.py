"""A verdict: what the evidence of one study says about one statement, corrected for the family."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal

from repro.verdicts.finding import Finding, Interval, NotEvaluated, finite

Outcome = Literal["supported", "contradicted", "inconclusive", "not_evaluated", "untestable"]
FLAGS = {
    "exploratory": "not registered like this before its runs, or of runs that do not say how they were made",
    "few_seeds": "3 or 4 seeds per arm: valid, but only very large effects are decided",
    "fragile": "leaving out any one seed, or a permutation test in place of t, would undo this verdict",
    "smaller_than_paper": "the effect has the paper's sign and is below the smallest effect of interest",
    "suspect_same_run": "values identical to the last bit: check that these are different runs",
}
"""Flags that the decision itself may set; forms and callers may add others."""


@dataclass(frozen=True)
class Verdict:
    """Outcome with everything that a reader needs to judge it. Numbers that do not exist are None.

    p             two-sided, before multiplicity
    p_adjusted    Holm-adjusted at the look that gave the verdict; decided: at most that look's alpha
    interval      at the level of the claim's own Holm step: of a decided t test it excludes the boundary
    confidence    of that interval, in (0, 1): 1 - the level of the step
    n             replicates per arm
    detectable    smallest effect (distance from the boundary) found with 80 % power at that step
    seeds_needed  seeds per arm that would decide, if an effect of interest is registered
    reason        one sentence; for `inconclusive` estimate, interval, detectable effect and seeds needed
    look          1 or 2 in a study with two looks, else None
    waits_for     the undecided statement before it in its chain, without which it is not decided
    finding       the finding it rests on, for the report's details
    """

    outcome: Outcome
    reason: str
    p: float | None = None
    p_adjusted: float | None = None
    estimate: float | None = None
    interval: Interval | None = None
    confidence: float | None = None
    n: tuple[int, ...] | None = None
    detectable: float | None = None
    seeds_needed: int | None = None
    flags: frozenset[str] = frozenset()
    look: int | None = None
    code: str | None = None
    waits_for: str | None = None
    finding: Finding | None = None

    def flagged(self, flags: Iterable[str]) -> Verdict:
        """A copy with more flags (for instance "exploratory", "reduced_scale")."""
        return replace(self, flags=self.flags | frozenset(flags))

    def as_json(self) -> dict[str, Any]:
        """Plain JSON-able values under the names that `--verdicts` writes; no NaN, no infinity."""
        return {
            "verdict": self.outcome,
            "reason": self.reason,
            "estimate": finite(self.estimate),
            "interval": None if self.interval is None else [finite(end) for end in self.interval],
            "confidence": self.confidence,
            "p": finite(self.p),
            "p_adjusted": finite(self.p_adjusted),
            "n": None if self.n is None else list(self.n),
            "detectable": finite(self.detectable),
            "seeds_needed": self.seeds_needed,
            "flags": sorted(self.flags),
            "look": self.look,
            "code": self.code,
            "waits_for": self.waits_for,
        }


def untestable(reason: str) -> Verdict:
    """The verdict on a statement that no data could decide."""
    return Verdict("untestable", reason)


def not_evaluated(why: NotEvaluated) -> Verdict:
    """The verdict where this evidence cannot say, with the reason."""
    return Verdict("not_evaluated", why.reason, code=why.code)

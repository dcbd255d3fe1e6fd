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
    )

- `finding_for` is called with registered seeds only; preconditions and gates are its business: it returns
  NotEvaluated("missing_runs", ...) if any run of these seeds is missing (never a finding on the rest), and
  another NotEvaluated for a shut gate.
- Pass every claim of the family every time, also those that are not selected for display: a family member
  without an entry raises ValueError, since Holm's result would depend on the selection.
- Claims that are given but not in the family are judged as if each alone had joined it, at the strictest
  step: p_adjusted = (m + 1) p. They never change a family member's verdict, their own verdict does not
  depend on which others are given, none is judged more leniently than the family, and they carry the flag
  "exploratory". The family-wise promise does not cover them jointly.
- `arithmetic` findings are passed through untouched and must not be in the family.
- Repeats: leave them out of `cases` and give them the verdict of the statement that they repeat.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Literal

from repro.verdicts.finding import Finding, NotEvaluated
from repro.verdicts.verdict import Verdict

FindingFor = Callable[[Sequence[int]], Finding | NotEvaluated]
Looks = Literal["fixed", "two"]
LOOKS: tuple[tuple[int, float], ...] = ((6, 0.02), (12, 0.03))
"""Seeds and family-wise level of the two registered looks."""


def counted(
    family: Sequence[str], *, repeats: Mapping[str, str], definitions: Collection[str]
) -> tuple[str, ...]:
    """The statements that count in m: without definitions, repeats replaced by what they repeat, each once."""
    originals = (repeats.get(statement, statement) for statement in family)
    return tuple(dict.fromkeys(statement for statement in originals if statement not in definitions))


def decide(
    cases: Mapping[str, FindingFor],
    family: Sequence[str],
    seeds: Sequence[int],
    *,
    looks: Looks = "fixed",
    alpha: float = 0.05,
) -> dict[str, Verdict]:
    """A verdict for each case; see the top of this module.

    Raises ValueError if a family member has no case or is arithmetic, and UserError if `looks` is "two" and
    the registered seeds are not 12.
    """
    raise NotImplementedError

"""What a claim's test says of one set of seeds, before the correction for several statements.

A form of claims (`repro.verdicts.forms`) turns the numbers of runs into a `Finding`; where the evidence cannot speak at
all, there is a `NotEvaluated` instead. `repro.verdicts.judging.decision.decide` turns the findings of a whole study
into verdicts.

Orientation: a finding's parameter is always turned so that the claim says that it is LARGE. The form
`direction` with larger="first" estimates mean(first) - mean(second); with larger="second" the opposite. A
positive estimate therefore speaks for the claim (minus the shift, if one is registered).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

Interval = tuple[float, float]
WhyNot = Literal[
    "missing_runs",  # registered runs are not finished: a later look may still come
    "gate",  # a gate is shut (runs untrained, learning cut short, normalisation dead, kernels did not move)
    "not_a_number",  # a metric is not a number although its run did not collapse
    "kernels",  # too few live kernels in a tower
    "scale",  # this study's data or size cannot speak about the statement
    "hardware",  # needs a device that was not there
    "fidelity",  # does not apply to this fidelity (tower claims on a one-tower net)
    "missing_facts",  # no evidence holds the facts that a claim on definitions reads
    "claim_error",  # the claim's own code failed
    "no_claim_yet",  # no executable test yet
]


@dataclass(frozen=True)
class NotEvaluated:
    """Why this evidence cannot say: `code` for programs, `reason` (a sentence) for people.

    It still counts in the family's m. Only "missing_runs" has a meaning to `decide`: a second look that
    misses runs leaves the first look's verdict standing; any other code replaces it.
    """

    code: WhyNot
    reason: str


class Reach(Protocol):
    """What a form knows about its own precision: an interval, and what n seeds can find."""

    def interval(self, alpha: float) -> Interval:
        """Two-sided interval of level 1 - alpha, in the estimate's unit; (nan, nan) if there is none."""

    def detectable(self, alpha: float) -> float | None:
        """The smallest effect that this n finds with 80 % power, tested two-sided at alpha."""

    def seeds_needed(self, alpha: float) -> int | None:
        """Seeds per arm that find the registered effect of interest with 80 % power; None if none is
        registered or no number of seeds up to 1,000 suffices."""


@dataclass(frozen=True)
class Finding:
    """The result of one claim's test on one set of seeds.

    form            name of the form: "direction", "any_of", "about", "every_run", ...
    p_sup           one-sided p of H0 "the claim's region S does not hold": small speaks for `supported`
    p_con           one-sided p of H0 "the region C does not hold": small speaks for `contradicted`
                    The claim's p is min(1, 2 min(p_sup, p_con)).
    estimate        in the metric's own unit (errors as fractions), oriented as the module says
    unit            "points" (a fraction, shown times 100 as percentage points), "ratio", "rate", "nats", ...
    n               replicates per arm: (3, 3), or (6,) for one arm
    minimum_n       fewer in any arm than this: never decided, `inconclusive` with the reason
    boundary        value of the parameter above which the claim holds (0, or the shift); None if a region
    smallest_effect delta > 0: the claim is contradicted by theta < boundary + delta, not only < boundary
    reach           interval, detectable effect, seeds needed
    wanted          in words: what `reach.seeds_needed` counts the seeds for, where no effect is planned
    qualifiers      remarks for people and the report ("suspect_same_run", ...)
    details         plain JSON-able numbers for the report (per seed values, per layer p, ...)
    second_opinion  one-sided permutation p values (for S, for C) and the smallest p that this permutation
                    test can give; computed only when the claim was decided (flag `fragile`)
    """

    form: str
    p_sup: float
    p_con: float
    estimate: float
    unit: str
    n: tuple[int, ...]
    minimum_n: int
    boundary: float | None = 0.0
    smallest_effect: float = 0.0
    reach: Reach | None = None
    wanted: str = "the registered margin"
    qualifiers: frozenset[str] = frozenset()
    details: Mapping[str, Any] = field(default_factory=dict)
    second_opinion: Callable[[], tuple[float, float, float]] | None = field(default=None, compare=False, repr=False)

    @property
    def p(self) -> float:
        """The claim's two-sided p before multiplicity."""
        return min(1.0, 2.0 * min(self.p_sup, self.p_con))

    @property
    def interval(self) -> Interval:
        """The unadjusted 95 % interval."""
        return self.reach.interval(0.05) if self.reach is not None else (float("nan"), float("nan"))

    def remarked(self, *qualifiers: str, **details: Any) -> Finding:
        """A copy with more qualifiers and details."""
        return replace(
            self,
            qualifiers=self.qualifiers | frozenset(qualifiers),
            details={**self.details, **details},
        )


def finite(value: float | None) -> float | None:
    """The value, or None where JSON has no number for it."""
    return None if value is None or not math.isfinite(value) else float(value)


_FROM_0_TO_1 = frozenset({"J", "rate", "share"})


def number(value: float | None, unit: str) -> str:
    """A number as it is shown: three significant digits, or three decimals where all values lie between 0 and 1.

    `points` are fractions, shown as percentage points with two decimals.
    """
    if value is None or not math.isfinite(value):
        return "?"
    if unit == "points":
        return f"{100 * value:.2f}"
    return f"{value:.3f}" if unit in _FROM_0_TO_1 else f"{value:.3g}"


def percent(share: float) -> str:
    """A level of confidence as people write it, for instance "98.5 %"."""
    return f"{100 * share:.4g} %"


def amount(value: float | None, unit: str) -> str:
    """A number with its unit, for instance "2.10 points" or "a rate of 0.931"."""
    return f"a rate of {number(value, unit)}" if unit == "rate" else f"{number(value, unit)} {unit}".strip()

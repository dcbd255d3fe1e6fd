"""Forms of claims that count seeds: in every run, in most runs, one of two alike."""

from __future__ import annotations

from collections.abc import Sequence

from repro.verdicts.finding import Finding
from repro.verdicts.statistics.exact import at_least, at_most, clopper_pearson
from repro.verdicts.statistics.reach import CoinReach, RateReach

EVERY_RUN_MINIMUM = 6
FEWEST = 3


def every_run(
    shown: Sequence[bool],
    *,
    recurrence: float,
    contradicted_below: float,
    p_shown: Sequence[float] = (),
    p_control: float = 0.0,
) -> Finding:
    """In every run: supported needs all n seeds, contradicted needs clearly too few of them.

    shown               whether each seed shows it
    recurrence          rate among all possible runs that n of n must exceed
    contradicted_below  rate that "in every run" promises at least: too few seeds for it contradict
    p_shown             per seed, p of H0 "this run only seems to show it" (not combined: the largest counts)
    p_control           one-sided p against control runs, if the claim has a control

    p_sup = max(largest p_shown, recurrence^n, p_control) if all show it, else 1; p_con = P(as few as that | the rate
    is contradicted_below). n of n seeds are not "always": details hold the recurrence that they show at 95 %.
    """
    n, count = len(shown), sum(shown)
    if n == 0 or len(p_shown) not in (0, n):
        raise ValueError("every_run needs at least one seed, and one p per seed or none")
    if not 0.0 < recurrence < contradicted_below < 1.0:
        raise ValueError("recurrence must lie below contradicted_below, both between 0 and 1")
    lower, _ = clopper_pearson(count, n)
    return Finding(
        form="every_run",
        p_sup=max([*p_shown, recurrence**n, p_control]) if count == n else 1.0,
        p_con=at_most(count, n, contradicted_below),
        estimate=count / n,
        unit="rate",
        n=(n,),
        minimum_n=EVERY_RUN_MINIMUM,
        boundary=None,
        reach=RateReach(count, n, every=True, wanted=recurrence),
        details={
            "states": ["yes" if state else "no" for state in shown],
            "p_shown": list(p_shown),
            "p0": recurrence,
            "contradicted_below": contradicted_below,
            "p_control": p_control,
            "shown": count,
            "recurrence_at_least": lower,
        },
    )


def most_runs(shown: Sequence[bool], *, planned_rate: float | None = None) -> Finding:
    """More than half of all runs show it: exact binomial test against one half."""
    n, count = len(shown), sum(shown)
    if n == 0:
        raise ValueError("most_runs needs at least one seed")
    return Finding(
        form="most_runs",
        p_sup=at_least(count, n, 0.5),
        p_con=at_most(count, n, 0.5),
        estimate=count / n,
        unit="rate",
        n=(n,),
        minimum_n=FEWEST,
        boundary=0.5,
        reach=RateReach(count, n, wanted=planned_rate),
        details={
            "states": ["yes" if state else "no" for state in shown],
            "shown": count,
            "planned_effect": planned_rate,
        },
    )


def fair_coin(sides: Sequence[int], *, lo: float = 0.1, hi: float = 0.9) -> Finding:
    """Which of two alike (towers) it is differs from run to run: the rate of side 1 lies in [lo, hi].

    S: lo < rate < hi. C: outside. Always the same side would be an asymmetry; few seeds cannot prove it
    (contradicting "0.9 at most" takes dozens of one-sided runs), so `details["same_side"]` is to be read.
    """
    n, k = len(sides), sum(sides)
    if n == 0 or not set(sides) <= {0, 1} or not 0.0 < lo < hi < 1.0:
        raise ValueError("fair_coin needs sides 0 or 1, at least one, and 0 < lo < hi < 1")
    return Finding(
        form="fair_coin",
        p_sup=max(at_least(k, n, lo), at_most(k, n, hi)),
        p_con=min(at_most(k, n, lo), at_least(k, n, hi)),
        estimate=k / n,
        unit="rate",
        n=(n,),
        minimum_n=FEWEST,
        boundary=None,
        reach=CoinReach(k, n, lo, hi),
        details={"sides": list(sides), "lo": lo, "hi": hi, "same_side": n > 1 and k in (0, n)},
    )

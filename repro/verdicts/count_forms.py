"""Forms of claims that count seeds: in every run, in most runs, one of two alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from repro.verdicts.exact import at_least, at_most, clopper_pearson
from repro.verdicts.finding import Finding
from repro.verdicts.reach import CoinReach, RateReach
from repro.verdicts.specialisation import TowerSplit

RunState = Literal["yes", "no", "unclear"]
EVERY_RUN_MINIMUM = 6
FEWEST = 3


def every_run(
    states: Sequence[RunState],
    *,
    p0: float,
    p_yes: Sequence[float],
    p_no: Sequence[float],
    p_control: float | None = None,
) -> Finding:
    """In every run: supported needs all n seeds and shows a recurrence above the registered p0.

    states     what each seed shows
    p_yes      per seed, p of H0 "this run does not show it" (they are not combined: the largest counts)
    p_no       per seed, p of H0 "this run shows it"; the smallest times n contradicts, from one run on
    p_control  one-sided p against control runs, if the claim has a control

    p_sup = max(max p_yes, p0^n, p_control) if all states are "yes", else 1. n of n seeds are not "always":
    details hold the recurrence that they show at 95 %.
    """
    n = len(states)
    if n == 0 or len(p_yes) != n or len(p_no) != n:
        raise ValueError("every_run needs one state, p_yes and p_no per seed")
    if not 0.0 < p0 < 1.0:
        raise ValueError("p0 must lie between 0 and 1")
    shown = sum(state == "yes" for state in states)
    p_sup = max([*p_yes, p0**n, p_control or 0.0]) if shown == n else 1.0
    lower, _ = clopper_pearson(shown, n)
    return Finding(
        form="every_run",
        p_sup=p_sup,
        p_con=min(1.0, n * min(p_no)),
        estimate=shown / n,
        unit="rate",
        n=(n,),
        minimum_n=EVERY_RUN_MINIMUM,
        minimum_n_contradiction=1,
        boundary=None,
        reach=RateReach(shown, n, every=True, wanted=p0),
        details={
            "states": list(states),
            "p_yes": list(p_yes),
            "p_no": list(p_no),
            "p0": p0,
            "p_control": p_control,
            "shown": shown,
            "recurrence_at_least": lower,
        },
    )


def split_in_every_run(
    splits: Sequence[TowerSplit],
    meets: Sequence[bool] | None = None,
    *,
    p0: float,
    p_control: float | None = None,
) -> Finding:
    """`every_run` of nets whose towers specialise.

    A net is a "yes" if it is `specialised` and meets the further condition (`meets`, for instance
    `largely_split`), a "no" if its state is "not", else unclear.
    """
    also = [True] * len(splits) if meets is None else list(meets)
    states: list[RunState] = [
        "yes" if split.state == "specialised" and met else "no" if split.state == "not" else "unclear"
        for split, met in zip(splits, also, strict=True)
    ]
    finding = every_run(
        states,
        p0=p0,
        p_yes=[split.p for split in splits],
        p_no=[split.p_not for split in splits],
        p_control=p_control,
    )
    return finding.remarked(
        folded=[split.folded for split in splits], colour_tower=[split.colour_tower for split in splits]
    )


def most_runs(states: Sequence[RunState], *, planned_rate: float | None = None) -> Finding:
    """More than half of all runs show it: exact binomial test against one half.

    An unclear seed counts against either side: not shown for `supported`, shown for `contradicted`.
    """
    n = len(states)
    if n == 0:
        raise ValueError("most_runs needs at least one seed")
    shown = sum(state == "yes" for state in states)
    unclear = sum(state == "unclear" for state in states)
    return Finding(
        form="most_runs",
        p_sup=at_least(shown, n, 0.5),
        p_con=at_most(shown + unclear, n, 0.5),
        estimate=shown / n,
        unit="rate",
        n=(n,),
        minimum_n=FEWEST,
        boundary=0.5,
        reach=RateReach(shown, n, wanted=planned_rate),
        details={
            "states": list(states),
            "shown": shown,
            "unclear": unclear,
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

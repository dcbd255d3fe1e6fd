"""Forms that count the runs whose towers divide labour: in every run, in most runs, either tower alike."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from repro.evidence.directory import Evidence
from repro.verdicts.authoring.samples import Towers
from repro.verdicts.finding import Finding, NotEvaluated
from repro.verdicts.forms.form import Form, Part
from repro.verdicts.forms.planning import Plan, Prospect
from repro.verdicts.forms.tower_contrast import divisions_by_run, divisions_of_both
from repro.verdicts.readings.readings import divisions_of
from repro.verdicts.registry.tests_of_towers import EveryRunTest, FairCoinTest, MostRunsTest
from repro.verdicts.statistics.exact import at_least, at_most, clopper_pearson, mann_whitney_exact
from repro.verdicts.statistics.reach import CoinReach, RateReach

EVERY_RUN_MINIMUM = 6
FEWEST = 3


# ---- in every run ----------------------------------------------------------------------------------


def _judge_every_run(evidence: Evidence, test: EveryRunTest, samples: Towers, seeds: Sequence[int]) -> Part:
    both = divisions_of_both(evidence, test, samples, seeds)
    if isinstance(both, NotEvaluated):
        return both
    split, control = both
    exceeds, _ = mann_whitney_exact([net.j for net in split], [net.j for net in control])
    finding = every_run(
        [net.j >= test.least_division and net.p <= test.level for net in split],
        recurrence=test.recurrence,
        contradicted_below=test.contradicted_below,
        p_shown=[net.p for net in split],
        p_control=exceeds,
    )
    return finding.remarked(division=[net.j for net in split], colour_tower=[net.colour_tower for net in split])


def every_run(
    shown: Sequence[bool],
    *,
    recurrence: float,
    contradicted_below: float,
    p_shown: Sequence[float] = (),
    p_control: float = 0.0,
) -> Finding:
    """The finding that every run shows it: supported needs all n seeds, contradicted clearly too few of them.

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
        reach=RateReach(count, n, every=recurrence),
        wanted=f"a recurrence of {recurrence:g} (all runs showing it)",
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


def _prospect_of_every_run(test: EveryRunTest, plan: Plan) -> Prospect:
    n, able = plan.seeds, plan.seeds >= test.minimum_n
    few = max((k for k in range(n) if 2 * at_most(k, n, test.contradicted_below) <= plan.level), default=None)
    enough = 2 * test.recurrence**n <= plan.level and able
    sentence = f"supported by {n} of {n} runs" if enough else f"{n} of {n} runs are too few to support"
    sentence += f", contradicted by at most {few}" if few is not None else ", never contradicted"
    return plan.prospect(enough, few is not None and able, sentence)


EVERY_RUN = Form(EveryRunTest, (Towers,), _judge_every_run, _prospect_of_every_run, divisions_by_run)


# ---- in most runs ----------------------------------------------------------------------------------


def _judge_most_runs(evidence: Evidence, test: MostRunsTest, samples: Towers, seeds: Sequence[int]) -> Part:
    split = divisions_of(evidence, samples.split, seeds, test.specific_above)
    if isinstance(split, NotEvaluated):
        return split
    finding = most_runs([net.largely(test.majority) for net in split])
    return finding.remarked(
        agnostic_of_grey_tower=[1 - min(net.shares) for net in split],
        specific_of_colour_tower=[max(net.shares) for net in split],
        mean_division=fmean(net.j for net in split),
    )


def most_runs(shown: Sequence[bool]) -> Finding:
    """The finding that more than half of all runs show it, by an exact binomial test against one half."""
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
        reach=RateReach(count, n),
        details={"states": ["yes" if state else "no" for state in shown], "shown": count},
    )


def _prospect_of_most_runs(test: MostRunsTest, plan: Plan) -> Prospect:
    n = plan.seeds
    up = next((k for k in range(n + 1) if 2 * at_least(k, n, 0.5) <= plan.level), None)
    if up is None or n < test.minimum_n:
        return plan.neither(f"{n} of {n} runs are no majority beyond chance")
    return plan.either(f"supported by {up} of {n} runs, contradicted by {n - up}")


MOST_RUNS = Form(MostRunsTest, (Towers,), _judge_most_runs, _prospect_of_most_runs, divisions_by_run)


# ---- either tower alike ----------------------------------------------------------------------------


def _judge_fair_coin(evidence: Evidence, test: FairCoinTest, samples: Towers, seeds: Sequence[int]) -> Part:
    nets = divisions_of(evidence, samples.split, seeds, test.specific_above)
    if isinstance(nets, NotEvaluated):
        return nets
    sides = [net.colour_tower for net in nets if net.p <= test.level]
    if not sides:
        return NotEvaluated("kernels", "in no run do the towers differ, so neither is the coloured one")
    low, high = test.margin
    finding = fair_coin(sides, lo=low, hi=high).remarked(without_difference=len(nets) - len(sides))
    return finding.remarked("exploratory") if len(nets) < test.exploratory_below else finding


def fair_coin(sides: Sequence[int], *, lo: float = 0.1, hi: float = 0.9) -> Finding:
    """The finding that either tower may be the coloured one: the rate of side 1 lies in [lo, hi].

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
        wanted="a fair coin",
        details={"sides": list(sides), "lo": lo, "hi": hi, "same_side": n > 1 and k in (0, n)},
    )


def _prospect_of_fair_coin(test: FairCoinTest, plan: Plan) -> Prospect:
    (low, high), n, able = test.margin, plan.seeds, plan.seeds >= test.minimum_n
    inside = [k for k in range(n + 1) if 2 * max(at_least(k, n, low), at_most(k, n, high)) <= plan.level]
    outside = 2 * at_most(0, n, low) <= plan.level
    sentence = f"supported by {inside[0]} to {inside[-1]} of {n} runs" if inside else "never supported"
    return plan.prospect(bool(inside) and able, outside and able, sentence)


FAIR_COIN = Form(FairCoinTest, (Towers,), _judge_fair_coin, _prospect_of_fair_coin, divisions_by_run)

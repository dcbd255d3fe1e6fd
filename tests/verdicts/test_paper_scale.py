"""At the paper's own scale its numbers are compared, and a handful of seeds decides them within a whole family."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from repro.verdicts.registry.metrics import METRICS
from tests.made_up import MadeUp
from tests.verdicts import cases
from tests.verdicts.test_claims import REGISTRY, STATISTICAL

SIX, TWELVE = {"seeds": range(10, 16)}, {"seeds": range(10, 22)}
NETS = {"levels": {"base": {"held_out_error": 0.425, "ten_view_error": 0.407, "ten_view_top5_error": 0.182}}}
AVERAGED = {"levels": {"base": {"ten_view_error": 0.407, "ten_view_top5_error": 0.19}}, "averaging": 0.026}
OF_2010 = {
    "held_out_error": 0.39,
    "held_out_top5_error": 0.183,
    "ten_view_error": 0.375,
    "ten_view_top5_error": 0.17,
}
WITH_MARGINS = [s for s in STATISTICAL if getattr(REGISTRY[s].test, "margins", ())]
FAMILY = tuple(STATISTICAL)


def _full(scale: Any, **changes: Any) -> MadeUp:
    return replace(MadeUp(), **{**scale, **SIX, **changes})


def _differences(statement: str, share: float, off: float = 0.0) -> MadeUp:
    """Differences from the reference at a place in the registered margins, 0 the lower limit and 1 the upper."""
    test = REGISTRY[statement].test
    sign = 1 if test.larger == "first" else -1
    effects = {}
    for margin in test.margins:
        upper = margin.lower + 0.02 if margin.upper is None else margin.upper
        effects[margin.metric or test.metric] = sign * (margin.lower + share * (upper - margin.lower) + off)
    return _full(cases.ILSVRC_2012, seeds=range(12), effects=dict.fromkeys(test.variants[:-1], effects))


@pytest.mark.parametrize("statement", WITH_MARGINS)
def test_the_papers_difference_is_compared_at_its_scale_only(statement: str, judge: Any) -> None:
    as_printed, too_small = _differences(statement, 0.5), _differences(statement, -1.0)
    verdict = judge(as_printed, statement)
    assert verdict.outcome == "supported", verdict.reason
    assert "reduced_scale" not in verdict.flags
    assert judge(too_small, statement).outcome == "contradicted"
    scaled_down = judge(replace(as_printed, scaling="small"), statement)
    assert "reduced_scale" in scaled_down.flags
    assert scaled_down.finding.form in ("direction", "any_of")


@pytest.mark.parametrize("statement", [s for s in WITH_MARGINS if REGISTRY[s].test.margins[0].upper])
def test_more_than_the_papers_difference_contradicts_it_too(statement: str, judge: Any) -> None:
    assert judge(_differences(statement, 3.0), statement).outcome == "contradicted"
    assert judge(_differences(statement, 1.0, off=-0.0003), statement).outcome == "inconclusive"


def test_both_of_two_printed_differences_are_needed(judge: Any) -> None:
    made = _differences("S30", 0.5)
    effects = made.effects["half_width_one_tower"]
    only_top1 = replace(made, effects={"half_width_one_tower": {**effects, "ten_view_top5_error": 0.0}})
    verdict = judge(only_top1, "S30")
    assert verdict.outcome == "contradicted"
    assert verdict.finding.details["weakest"] == "ten_view_top5_error"


@pytest.mark.parametrize(
    ("statement", "made"),
    [
        ("S02", _full(cases.LSVRC_2010, levels={"base": OF_2010}, **TWELVE)),
        ("S68", _full(cases.ILSVRC_2012, **NETS, **TWELVE)),
        ("S70", _full({**cases.ILSVRC_2012, "spread": 0.001}, **AVERAGED)),
        ("S54", _full(cases.LSVRC_2010, levels={"base": OF_2010}, **TWELVE)),
        ("S71", _full(cases.ILSVRC_2012, **NETS, averaging=0.026)),
    ],
)
def test_a_dozen_seeds_decide_the_papers_numbers_within_a_family(statement: str, made: MadeUp, judge: Any) -> None:
    verdict = judge(made, statement, FAMILY)
    assert verdict.outcome == "supported", verdict.reason
    off = {name: value + 0.03 for name, value in made.levels["base"].items()}
    other = replace(made, levels={"base": off})
    if statement in ("S54", "S71"):
        other = replace(made, levels={"base": {**off, "held_out_error": 0.5}}, averaging=0.12)
    assert judge(other, statement, FAMILY).outcome == "contradicted"


@pytest.mark.parametrize("statement", ["S02", "S68", "S70"])
def test_numbers_need_the_pictures_that_they_are_of(statement: str, judge: Any) -> None:
    other_year = cases.ILSVRC_2012 if statement == "S02" else cases.LSVRC_2010
    verdict = judge(_full(other_year), statement)
    assert (verdict.outcome, verdict.code) == ("not_evaluated", "scale")
    assert "2010" in verdict.reason or "2012" in verdict.reason
    assert judge(_full(cases.LSVRC_2010, fidelity="modern"), statement).code == "scale"


def test_a_few_unreadable_pictures_are_still_that_contest(judge: Any) -> None:
    counts = {"train": 1_261_406 - 5000, "held_out": 50_000, "validation": 0}
    made = _full({**cases.LSVRC_2010, "counts": counts}, levels={"base": OF_2010})
    assert judge(made, "S02").outcome == "supported"


def test_the_gain_of_ten_views_transfers_between_contests_the_errors_do_not(judge: Any) -> None:
    levels = {"held_out_error": 0.422, "held_out_top5_error": 0.195, "ten_view_error": 0.407}
    in_2012 = judge(_full(cases.ILSVRC_2012, levels={"base": levels}), "S54")
    in_2010 = judge(_full(cases.LSVRC_2010, levels={"base": levels}, **TWELVE), "S54")
    assert in_2012.outcome == "supported"
    assert in_2010.outcome == "contradicted"


def test_pictures_set_a_limit_that_seeds_cannot_pass(judge: Any) -> None:
    few = {**cases.LSVRC_2010, "counts": {**cases.LSVRC_2010["counts"], "held_out": 1000}, "spread": 1e-4}
    verdict = judge(_full(few, levels={"base": OF_2010}), "S02")
    assert verdict.outcome == "inconclusive"
    assert verdict.seeds_needed is None


def test_an_average_of_five_is_read_where_the_study_has_more(judge: Any) -> None:
    made = _full(cases.ILSVRC_2012, **AVERAGED)
    assert judge(made, "S70").finding.details["members"] == 5
    assert len(judge(made, "S70").finding.details["first"]) == 6
    twelve = replace(made, seeds=range(12))
    assert judge(replace(twelve, looks="two"), "S70").outcome == "supported"
    assert judge(twelve, "S70").outcome == "supported"


def test_a_study_of_eight_seeds_can_say_what_five_nets_averaged_do(judge: Any) -> None:
    """As `full` has; neither may it hang on one of the five."""
    verdict = judge(_full({**cases.ILSVRC_2012, "spread": 0.001}, **{**AVERAGED, "seeds": range(10, 18)}), "S70")
    assert verdict.outcome == "supported", verdict.reason
    assert verdict.n == (8,)
    assert "fragile" not in verdict.flags


def test_metrics_with_picture_noise_know_their_pictures() -> None:
    numbers = [n for s in STATISTICAL for n in getattr(REGISTRY[s].test, "numbers", ())]
    assert {METRICS[number.metric].pictures for number in numbers} == {"held_out_pictures", "view_pictures"}


@pytest.mark.parametrize(
    ("points", "outcome"), [(0.3, "contradicted"), (0.98, "inconclusive"), (1.02, "inconclusive"), (1.7, "supported")]
)
def test_more_than_a_point_is_held_against_the_point_and_not_against_zero(
    points: float, outcome: str, judge: Any
) -> None:
    """Runs of 0.4 points' sd: 0.3 points are more than none by far, and fewer than one."""
    effects = {"no_colour_noise": {"held_out_error": points / 100}}
    made = _full(cases.ILSVRC_2012, seeds=range(12), effects=effects)
    verdict = judge(replace(made, spread=0.001), "S55c")
    assert verdict.outcome == outcome, verdict.reason
    reduced = judge(replace(made, spread=0.001, scaling="small"), "S55c")
    assert reduced.outcome == "supported", "at another scale the sign is read"

"""Single statements, on evidence that speaks about them in a way which is easily misread."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from scipy import stats

from repro.verdicts.registry.metrics import METRICS
from tests.made_up import ARRIVAL, MadeUp
from tests.verdicts import cases
from tests.verdicts.test_claims import REGISTRY

FULL_2012 = {**cases.ILSVRC_2012, "seeds": range(6)}


# ---- averages of nets (section 6, table 2) -----------------------------------------------------------

AVERAGED = MadeUp(
    levels={"base": {"held_out_error": 0.425, "ten_view_error": 0.407, "ten_view_top5_error": 0.182}},
    averaging=0.026,
    **FULL_2012,
)


def test_the_papers_average_of_five_nets_is_one_over_ten_views(judge: Any) -> None:
    """Its 38.1 % has two gains in it, of five nets and of ten views; the centre alone gives about 39.9 %."""
    verdict = judge(replace(AVERAGED, levels={"base": {**AVERAGED.levels["base"], "ten_view_top5_error": 0.19}}), "S70")
    assert verdict.outcome == "supported", verdict.reason
    by_the_centre = {"held_out_error": 0.407, "ten_view_error": 0.389, "ten_view_top5_error": 0.17}
    assert judge(replace(AVERAGED, levels={"base": by_the_centre}), "S70").outcome == "contradicted"


@pytest.mark.parametrize("statement", ["S70", "S71"])
def test_evidence_without_averages_over_ten_views_says_which_measurement_it_lacks(statement: str, judge: Any) -> None:
    verdict = judge(replace(AVERAGED, averaged_views=False), statement)
    assert (verdict.outcome, verdict.code) == ("not_evaluated", "not_a_number"), verdict.reason
    assert "average of these nets over ten views" in verdict.reason
    assert "repro evaluate" in verdict.reason


def test_the_gain_of_averaging_is_read_over_ten_views_where_the_papers_is_compared(judge: Any) -> None:
    assert judge(AVERAGED, "S71").outcome == "supported"
    reduced = replace(AVERAGED, scaling="small", averaged_views=False)
    assert judge(reduced, "S71").outcome == "supported"  # its sign, by the centre of all held-out pictures


# ---- the luck of the pictures ------------------------------------------------------------------------


def _halves(difference: float) -> MadeUp:
    counts = {"train": 4000, "held_out": 50_000, "validation": 0}
    return MadeUp(counts=counts, levels={"base": {"held_out_error": 0.4, "halves_excess": difference}}, spread=0.002)


@pytest.mark.parametrize("difference", [0.004, -0.004])
def test_two_halves_that_differ_by_the_luck_of_their_pictures_contradict_nothing(difference: float, judge: Any) -> None:
    """0.4 points are one standard error of the difference of two halves of 50,000 pictures at 40 %."""
    assert judge(_halves(difference), "S67").outcome == "inconclusive"


@pytest.mark.parametrize("difference", [0.03, -0.03])
def test_two_halves_that_differ_beyond_luck_contradict_in_either_direction(difference: float, judge: Any) -> None:
    assert judge(_halves(difference), "S67").outcome == "contradicted"


def test_the_more_errors_the_less_two_halves_can_tell(judge: Any) -> None:
    few = replace(_halves(0.0), levels={"base": {"held_out_error": 0.0005, "halves_excess": 0.0}})
    assert judge(few, "S67").outcome == "supported"
    assert judge(_halves(0.0), "S67").outcome == "inconclusive"


def _splits(apart: float, pictures: int) -> MadeUp:
    counts = {"train": 4000, "held_out": pictures, "validation": 0}
    return MadeUp(effects={"half_split_1": {"held_out_error": apart}}, counts=counts, spread=0.002)


def test_two_cuts_that_hold_out_other_pictures_differ_by_their_luck(judge: Any) -> None:
    """Two standard errors of a difference of two rates of 30 % on 1,000 pictures each are 4 points."""
    assert judge(_splits(0.03, 1000), "S74b").outcome == "inconclusive"
    assert judge(_splits(0.0, 1000), "S74b").outcome == "inconclusive"
    assert judge(_splits(0.0, 100_000), "S74b").outcome == "supported"
    assert judge(_splits(0.03, 100_000), "S74b").outcome == "contradicted"


# ---- no error at all ---------------------------------------------------------------------------------


MEASURED_ON = {"S11c": "held_out_pictures", "S80": "view_pictures", "S59": "dropout_pictures"}
FEW = {"S11c": 30, "S80": 2, "S59": 30}
"""Pictures that are too few for the bound, however well the nets do."""


def _faultless(statement: str, pictures: int, errors: float = 0.0) -> MadeUp:
    """Twelve nets that agree to the last picture, on so many of them."""
    names = {
        "S11c": ["held_out_error"],
        "S80": ["off_centre_error"],
        "S59": ["dropout_geometric_error", "dropout_scaled_error"],
    }[statement]
    scalars = {**dict.fromkeys(names, errors), MEASURED_ON[statement]: pictures}
    return cases.scaled(statement, MadeUp(scalars={"base": scalars}, outcomes=False))


@pytest.mark.parametrize("statement", MEASURED_ON)
@pytest.mark.parametrize("errors", [0.0, 0.001])
def test_nets_that_agree_in_every_picture_are_judged_by_what_so_many_pictures_show(
    statement: str, errors: float, judge: Any
) -> None:
    verdict = judge(_faultless(statement, 2000, errors), statement)
    assert verdict.outcome == "supported", verdict.reason
    assert "suspect_same_run" not in verdict.flags
    few = judge(_faultless(statement, FEW[statement], errors), statement)
    assert few.outcome == "inconclusive", few.reason
    assert "same run" not in few.reason


def test_one_error_more_does_not_turn_doubt_into_support(judge: Any) -> None:
    """Thirty pictures cannot show an error below 5 %, whether no net erred or one of twelve once."""
    made = _faultless("S11c", 30)
    once = replace(made, scalars={"base": {"held_out_pictures": 30}}, levels={"base": {"held_out_error": 1 / 360}})
    once = replace(once, spread=0.0001)
    assert judge(made, "S11c").outcome == judge(once, "S11c").outcome == "inconclusive"


def test_dropout_errors_of_older_evidence_have_no_known_number_of_pictures(judge: Any) -> None:
    verdict = judge(MadeUp(scalars={"base": {"dropout_pictures": None}}), "S59")
    assert (verdict.outcome, verdict.code) == ("not_evaluated", "not_a_number")
    assert "dropout_pictures" in verdict.reason


# ---- overfitting -------------------------------------------------------------------------------------

REMEDIES = {"S34b": "no_normalisation", "S43": "non_overlapping_pooling", "S51": "no_crops", "S60a": "no_dropout"}


@pytest.mark.parametrize("statement", REMEDIES)
def test_a_smaller_gap_of_a_net_that_errs_more_is_no_remedy(statement: str, judge: Any) -> None:
    without = {"generalisation_gap": 0.2, "held_out_error": -0.15}
    verdict = judge(MadeUp(effects={REMEDIES[statement]: without}), statement)
    assert verdict.outcome == "contradicted", verdict.reason
    both = judge(MadeUp(effects={REMEDIES[statement]: {**without, "held_out_error": 0.05}}), statement)
    assert both.outcome == "supported", both.reason


@pytest.mark.parametrize("statement", ["S51", "S60a"])
def test_substantial_overfitting_is_more_than_a_registered_difference_of_the_gap(statement: str, judge: Any) -> None:
    slight = {"generalisation_gap": 0.03, "held_out_error": 0.03}
    verdict = judge(MadeUp(effects={REMEDIES[statement]: slight}), statement)
    assert verdict.outcome == "contradicted", verdict.reason


# ---- speed -------------------------------------------------------------------------------------------


def _slower(ratio: float, **changes: Any) -> MadeUp:
    return MadeUp(arrival={"tanh": ratio * ARRIVAL, "sigmoid": ratio * ARRIVAL}, **changes)


def test_faster_at_all_is_another_statement_than_several_times(judge: Any) -> None:
    assert judge(_slower(1.5), "S07").outcome == "supported"
    assert judge(_slower(1.5), "S20").outcome == "contradicted"
    assert judge(_slower(0.7), "S07").outcome == "contradicted"


def test_the_length_of_training_decides_no_ratio(judge: Any) -> None:
    """Two nets that learn at the same pace, to 12 and to 5 % training error."""
    ratios = []
    for steps in (1500, 3000, 12_000):
        made = MadeUp(plateau={"tanh": 0.12, "sigmoid": 0.12, "base": 0.05}, steps=steps)
        verdict = judge(made, "S20")
        assert verdict.outcome == "contradicted", verdict.reason
        ratios.append(verdict.estimate)
    assert max(ratios) - min(ratios) < 0.1
    assert max(ratios) < 1.5


def test_the_order_of_importance_needs_each_net_at_its_own_rate(judge: Any) -> None:
    made = replace(cases.made_for("S19", REGISTRY["S19"].test, "supported"), tuned={})
    verdict = judge(made, "S19")
    assert (verdict.outcome, verdict.code) == ("not_evaluated", "gate")
    assert "tuned" in verdict.reason


# ---- most labels reasonable --------------------------------------------------------------------------


@pytest.mark.parametrize(("share", "outcome"), [(0.7, "supported"), (0.3, "contradicted")])
def test_most_wrong_labels_lie_within_the_registered_distance(share: float, outcome: str, judge: Any) -> None:
    made = MadeUp(levels={"base": {"labels_within_6_steps": share}})
    assert judge(made, "S81").outcome == outcome


@pytest.mark.parametrize(
    "scalars",
    [{"labels_within_6_steps_possible": 0.5}, {"labels_within_6_steps_by_chance": 0.4}],
)
def test_classes_without_kin_or_all_akin_say_nothing_of_reasonable_labels(
    scalars: dict[str, float], judge: Any
) -> None:
    verdict = judge(MadeUp(scalars={"base": scalars}), "S81")
    assert (verdict.outcome, verdict.code) == ("not_evaluated", "scale"), verdict.reason


# ---- smallest effects at the paper's scale -----------------------------------------------------------


def test_layers_that_are_worth_nothing_contradict_at_the_papers_scale_and_nowhere_else(judge: Any) -> None:
    """A true zero is never contradicted by a sign; by half of the paper's two points it is."""
    made = MadeUp(**{**cases.ILSVRC_2012, "spread": 0.0014})
    assert judge(made, "S12").outcome == "contradicted"
    assert judge(replace(made, scaling="small"), "S12").outcome == "inconclusive"


# ---- measures that come in steps ---------------------------------------------------------------------


def test_runs_that_all_say_the_same_whole_number_are_known_to_its_rounding(judge: Any) -> None:
    """A number that was rounded to a step is off by a uniform error, whose standard deviation is step / sqrt(12)."""
    same = dict.fromkeys(("orientation_bins", "orientation_bins_initial"), 6.0)
    made = MadeUp(seeds=range(6), scalars={"base": {**same, "colour_blobs": 4, "selective_kernels": 0.5}})
    parts = judge(made, "S75").finding.details["parts"]
    quantile = stats.t.ppf(1 - 0.05 * 3 / 5 / 2, 5)
    for metric, step in (("orientation_bins", 1.0), ("colour_blobs", 1.0)):
        title = METRICS[metric].title  # type: ignore[index]
        low, high = next(part["interval"] for name, part in parts.items() if title in name)
        assert (high - low) / 2 == pytest.approx(quantile * step / 12**0.5 / 6**0.5)

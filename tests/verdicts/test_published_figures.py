"""What the headline claims must say of a study at the paper's own scale that came out as published nets did.

No such study is recorded here. The figures of three replications of this very net stand for it, with the differences
between variants that the paper or its authors' logs give; where neither gives one, the paper's sign by a point or two.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.made_up import ALIKE, MadeUp
from tests.verdicts import cases
from tests.verdicts.test_claims import REGISTRY

Levels = dict[str, float]
TWO_POINTS = {"held_out_error": 0.02}
REMOVED = {f"remove_conv{number}": TWO_POINTS for number in range(1, 6)}
EFFECTS: dict[str, Levels] = {
    **REMOVED,  # section 7
    "no_weight_decay": {"held_out_error": 0.02, "train_error_as_trained": 0.01},  # section 5, no number
    "half_width_one_tower": {"held_out_error": 0.017, "ten_view_error": 0.0170, "ten_view_top5_error": 0.0123},
    "no_normalisation": {"held_out_error": 0.0137, "ten_view_error": 0.0137, "ten_view_top5_error": 0.0115},
}
"""The last two: layer-params-145-half.cfg and layer-params-148.cfg of the authors' release against the paper's net."""
PUBLISHED: dict[str, Levels] = {
    # arXiv:1311.2901, table 3: training 35.1, validation 40.5 / 18.1, the latter as the paper's own are told.
    "Zeiler and Fergus": {
        "train_error": 0.351,
        "held_out_error": 0.42,
        "ten_view_error": 0.405,
        "ten_view_top5_error": 0.181,
    },
    # BVLC/caffe, models/bvlc_alexnet: 42.9 / 19.8 on the central crop, so about 41.4 / 18.5 over ten views.
    "Caffe": {
        "train_error": 0.375,
        "held_out_error": 0.429,
        "ten_view_error": 0.414,
        "ten_view_top5_error": 0.185,
    },
    # layers/layer-params-145.cfg: 40.66 / 18.21 over ten views; the centre costs 1.55 more on 2010's pictures.
    "the authors": {
        "train_error": 0.355,
        "held_out_error": 0.4221,
        "ten_view_error": 0.4066,
        "ten_view_top5_error": 0.1821,
    },
}
HEADLINES = ("S12", "S89", "S90", "S61c", "S61b", "S76", "S77", "S78", "S30", "S38", "S17d")


def _study(published: str, **changes: Any) -> MadeUp:
    """Twelve runs of each variant; towers as Caffe's, whose halves are 22 grey and 22 coloured kernels of 24."""
    levels = {**PUBLISHED[published], "train_error_as_trained": 0.45}
    levels["generalisation_gap"] = levels["held_out_error"] - levels["train_error"]
    variants = ("base", "dense", *EFFECTS)
    made = MadeUp(
        **{**cases.ILSVRC_2012, "spread": 0.001},
        variants=variants,
        levels=dict.fromkeys(variants, levels),
        effects=EFFECTS,
        towers={"base": [21, 22, 23] * 4, "dense": ALIKE},
    )
    return replace(made, **changes)


def _verdict(judge: Any, made: MadeUp, statement: str) -> Any:
    return judge(made, REGISTRY.original(statement))


@pytest.mark.parametrize("published", PUBLISHED)
@pytest.mark.parametrize("statement", HEADLINES)
def test_headline_claims_are_supported_by_nets_as_published(published: str, statement: str, judge: Any) -> None:
    """No gate may refuse a net whose training error is most of its held-out error: no ImageNet-sized one fits."""
    verdict = _verdict(judge, _study(published), statement)
    assert verdict.outcome == "supported", verdict.reason
    assert "reduced_scale" not in verdict.flags


@pytest.mark.parametrize(
    ("published", "outcome"),
    [("Zeiler and Fergus", "supported"), ("the authors", "supported"), ("Caffe", "inconclusive")],
)
def test_the_printed_errors_are_those_of_ten_views(published: str, outcome: str, judge: Any) -> None:
    """Caffe's net lies 0.3 points within the margin: 50,000 pictures are too few to say on which side of it."""
    assert _verdict(judge, _study(published), "S68").outcome == outcome


def test_a_central_crop_is_not_what_the_paper_printed(judge: Any) -> None:
    central = {"ten_view_error": 0.429, "ten_view_top5_error": 0.198}
    made = _study("Caffe")
    levels = {"base": {**made.levels["base"], **central}}
    assert _verdict(judge, replace(made, levels=levels), "S68").outcome == "contradicted"


# ---- the same nets, but the statement is false -------------------------------------------------------


@pytest.mark.parametrize("statement", ["S12", "S89", "S90", "S30", "S38"])
def test_at_the_papers_scale_a_difference_that_is_not_there_contradicts(statement: str, judge: Any) -> None:
    assert _verdict(judge, _study("the authors", effects={}), statement).outcome == "contradicted"


@pytest.mark.parametrize("statement", ["S61b", "S61c"])
def test_decay_that_does_nothing_is_not_told_from_a_little(statement: str, judge: Any) -> None:
    """The paper gives no size, so only the opposite sign contradicts."""
    assert _verdict(judge, _study("the authors", effects={}), statement).outcome == "inconclusive"
    opposite = {"no_weight_decay": {"held_out_error": -0.02, "train_error_as_trained": -0.01}}
    assert _verdict(judge, _study("the authors", effects=opposite), statement).outcome == "contradicted"


@pytest.mark.parametrize("statement", ["S76", "S77", "S78"])
def test_towers_that_hold_both_kinds_alike_contradict(statement: str, judge: Any) -> None:
    alike = {"base": [12, 13] * 6, "dense": [13, 12] * 6}
    assert _verdict(judge, _study("the authors", towers=alike), statement).outcome == "contradicted"


def test_severe_overfitting_contradicts_that_there_is_none(judge: Any) -> None:
    made = _study("the authors")
    levels = {"base": {**made.levels["base"], "generalisation_gap": 0.2}}
    assert _verdict(judge, replace(made, levels=levels), "S17d").outcome == "contradicted"


# ---- learning that was cut short, and another net ----------------------------------------------------


@pytest.mark.parametrize("statement", ["S12", "S90", "S61b", "S61c"])
def test_curves_that_still_fall_shut_the_gate(statement: str, judge: Any) -> None:
    made = _study("Zeiler and Fergus")
    falling = replace(made, arrival=dict.fromkeys(made.variants, 2000.0))
    verdict = _verdict(judge, falling, statement)
    assert (verdict.outcome, verdict.code) == ("not_evaluated", "gate")
    assert "gate settled" in verdict.reason


SMALL = {
    "widths": {"conv": [16, 16, 16, 16, 16]},
    "geometry": {
        "crop": 46,
        "conv1_kernel": 5,
        "conv1_stride": 2,
        "conv1_padding": 2,
        "conv1_padding_kind": "symmetric",
    },
}


def _small(**changes: Any) -> MadeUp:
    """Sixteen kernels a layer at a crop of 46 pixels, on all of ILSVRC-2012 with the printed recipe: errs on 80 %."""
    levels = {
        "held_out_error": 0.8,
        "ten_view_error": 0.78,
        "ten_view_top5_error": 0.55,
        "train_error": 0.4,
        "generalisation_gap": 0.4,
    }
    made = _study("the authors", **changes)
    return replace(made, levels=dict.fromkeys(made.variants, levels), nets=dict.fromkeys(made.variants, SMALL))


@pytest.mark.parametrize("statement", ["S68", "S17d"])
def test_a_small_net_is_not_held_against_the_papers_magnitudes(statement: str, judge: Any) -> None:
    verdict = _verdict(judge, _small(), statement)
    assert (verdict.outcome, verdict.code) == ("not_evaluated", "scale")
    assert "this one has net." in verdict.reason
    for differs in ("net.geometry.crop: 224 -> 46", "net.geometry.conv1_kernel: 11 -> 5"):
        assert differs in verdict.reason, verdict.reason
    assert " more" in verdict.reason


@pytest.mark.parametrize("statement", ["S30", "S38"])
def test_of_a_small_net_only_the_sign_is_asked(statement: str, judge: Any) -> None:
    """Half a point is less than the paper's margins allow, and all that sixteen kernels may be worth."""
    small = {"held_out_error": 0.006, "ten_view_error": 0.006, "ten_view_top5_error": 0.003}
    effects = {"half_width_one_tower": small, "no_normalisation": small}
    assert _verdict(judge, _study("the authors", effects=effects), statement).outcome == "contradicted"
    verdict = _verdict(judge, _small(effects=effects), statement)
    assert verdict.outcome == "supported", verdict.reason
    assert "reduced_scale" in verdict.flags
    assert verdict.finding.form == "direction"


@pytest.mark.parametrize(
    "change",
    [{"nets": {"base": {"widths": {"conv": [16, 16, 16, 16, 16]}}}}, {"settings": {"learning_rate": 0.02}}],
)
def test_one_departure_of_net_or_recipe_is_enough(change: dict[str, Any], judge: Any) -> None:
    verdict = _verdict(judge, _study("the authors", **change), "S68")
    assert (verdict.outcome, verdict.code) == ("not_evaluated", "scale")
    assert ("net.widths.conv" if "nets" in change else "training.learning_rate: 0.01 -> 0.02") in verdict.reason

"""Made-up evidence by which every form of statistical claim comes out each way, or is not evaluated.

The tests are parametrised over the registry, so a new form without an entry here fails.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from repro.verdicts.readings.picture_outcomes import variance_of_pictures
from repro.verdicts.registry.metrics import METRICS
from repro.verdicts.registry.test_types import StatisticalTest
from repro.verdicts.registry.tests_of_arms import SpeedTest
from repro.verdicts.registry.tests_of_runs import AbsoluteTest, Condition, MeasuresTest
from tests.made_up import ALIKE, ARRIVAL, GREY, LEVELS, SPLIT, STEPS, VARIANTS, MadeUp, Towers

CLEAR = 7.5
"""A clear effect, in sds of a run."""
TWELVE = range(12)
EVERY_VARIANT = (*VARIANTS, "tanh", "sigmoid")
CIFAR_10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
FOUR_LAYERS = {"class_names": CIFAR_10, "nets": {"base": {"architecture": "four_layer"}}}
LSVRC_2010 = {
    "scaling": "none",
    "classes": 1000,
    "counts": {"train": 1_261_406, "held_out": 50_000, "validation": 0},
    "spread": 0.0014,
}
ILSVRC_2012 = {**LSVRC_2010, "counts": {"train": 1_231_167, "held_out": 50_000, "validation": 50_000}}
MANY_HELD_OUT = {"train": 4000, "held_out": 50_000, "validation": 0}
SCALES: dict[str, Mapping[str, Any]] = {
    "S02": LSVRC_2010,
    "S11c": {"data_name": "procedural"},
    "S17c": LSVRC_2010,
    "S17d": ILSVRC_2012,
    "S21": FOUR_LAYERS,
    "S39": FOUR_LAYERS,
    "S67": {"counts": MANY_HELD_OUT},
    "S68": ILSVRC_2012,
    "S70": {**ILSVRC_2012, "seeds": range(6)},
    "S74a": {**LSVRC_2010, "classes": 10_184, "counts": {"train": 4_450_000, "held_out": 50_000, "validation": 0}},
}
"""What evidence must be for a claim that only some studies can speak about."""
QUIET: dict[str, Mapping[str, Any]] = {name: {"counts": MANY_HELD_OUT} for name in ("S74b", "S84", "S87b")}
"""What evidence must be so that the luck of its pictures leaves a claim decidable."""


def noise(metric: str, spread: float = MadeUp.spread) -> float:
    """The runs' sd of a metric."""
    return LEVELS[metric][1] * spread


def _effect(test: StatisticalTest, metric: str, share: float) -> float:
    """This share of a clear effect beyond what is registered, in the claim's sense."""
    beyond = getattr(test, "more_than", 0.0) if metric == getattr(test, "metric", None) else 0.0
    effect = beyond + share * CLEAR * noise(metric)
    return effect if getattr(test, "larger", "first") == "first" else -effect


def _metrics(test: StatisticalTest) -> tuple[str, ...]:
    return (getattr(test, "metric"), *getattr(test, "also", ()))  # noqa: B009 - not every form has one


def _firsts(test: StatisticalTest, share: float) -> MadeUp:
    """All arms but the reference with this share of a clear effect in the claim's sense."""
    effects = {metric: _effect(test, metric, share) for metric in _metrics(test)}
    return MadeUp(effects=dict.fromkeys(test.variants[:-1], effects))


def _one_first(test: StatisticalTest, share: float) -> MadeUp:
    """All arms as the claim says, but the last before the reference in the last metric."""
    made = _firsts(test, 1.0)
    last, metric = test.variants[-2], _metrics(test)[-1]
    return replace(made, effects={**made.effects, last: {**made.effects[last], metric: _effect(test, metric, share)}})


def _steps(test: StatisticalTest, last: float) -> MadeUp:
    """Variants that descend by a clear effect, the last step being this share of it."""
    metric, count = getattr(test, "metric"), len(test.variants)  # noqa: B009
    sizes = [1.0] * (count - 2) + [last]
    above_last = {name: sum(sizes[place:]) for place, name in enumerate(test.variants)}
    return MadeUp(effects={name: {metric: share * CLEAR * noise(metric)} for name, share in above_last.items()})


def _apart(test: StatisticalTest, margins: float) -> MadeUp:
    """The first arm this many registered margins above the second."""
    return MadeUp(effects={test.variants[0]: {getattr(test, "metric"): margins * getattr(test, "margin")}})  # noqa: B009


def _slower(test: StatisticalTest, side: float) -> MadeUp:
    """1: ratios inside the registered region; 0: at its lower limit; -1: below it."""
    assert isinstance(test, SpeedTest)
    inside = test.lower * 2 if test.upper is None else (test.lower * test.upper) ** 0.5
    ratio = {1.0: inside, 0.0: test.lower, -1.0: test.lower / 2}[side]
    arrival = dict.fromkeys(test.variants, ARRIVAL)
    return MadeUp(arrival={**arrival, **dict.fromkeys(test.variants[::2], ratio * ARRIVAL)})


def measured(test: StatisticalTest, which: int, side: float) -> MadeUp:
    """Levels at which all conditions hold clearly but one: 1 it does too, 0 it is at its bound, -1 it fails."""
    assert isinstance(test, MeasuresTest)
    levels: dict[str, float] = {}
    for place, condition in enumerate(test.conditions):
        _set_level(levels, condition, side if place == which else 1.0)
    return MadeUp(levels={test.variants[0]: levels})


def _set_level(levels: dict[str, float], condition: Condition, side: float) -> None:
    metric, bound = condition.metric, condition.bound
    if isinstance(bound, float) and condition.within is not None:
        levels[metric] = bound + {1.0: 0.0, 0.0: 1.0, -1.0: 6.0}[side] * condition.within
        if METRICS[metric].halves:  # the fewer errors, the less the halves differ by luck
            levels["held_out_error"] = condition.within / 2
        return
    way = side * 3 * max(noise(metric), METRICS[metric].step / 3) * (-1 if condition.below is not None else 1)
    if isinstance(bound, float):
        bound *= 0.9 if condition.of_chance else 1.0
        levels[metric] = bound + _beyond_pictures(way, side, condition, bound)
        return
    own = levels.setdefault(metric, LEVELS[metric][0])
    if condition.within is not None:
        levels[bound] = own + {1.0: 0.0, 0.0: 1.0, -1.0: 3.0}[side] * condition.within
    else:
        levels[bound] = own - _beyond_pictures(way, side, condition, own)


def _beyond_pictures(way: float, side: float, condition: Condition, level: float) -> float:
    """The way from a bound, or as far as the luck of a thousand pictures does not reach."""
    if METRICS[condition.metric].pictures is None:
        return way
    comparisons = 1 if isinstance(condition.bound, float) else 2
    far = 4.5 * (comparisons * variance_of_pictures(condition.metric, level, 1000)) ** 0.5
    return way if abs(way) > far else side * far * (-1 if condition.below is not None else 1)


def _printed(test: StatisticalTest, off: float) -> MadeUp:
    """The paper's numbers, the last of them off by this many of its margins."""
    assert isinstance(test, AbsoluteTest)
    levels = {number.metric: number.printed for number in test.numbers}
    last = test.numbers[-1]
    levels[last.metric] += off * (last.upper - last.printed)
    if test.members is not None:
        alone = {"ensemble_error": "ten_view_error", "ensemble_top5_error": "ten_view_top5_error"}
        levels = {alone[metric]: level + 0.026 for metric, level in levels.items()}
        return MadeUp(levels={test.variants[0]: levels}, averaging=0.026)
    return MadeUp(levels={test.variants[0]: levels})


def _gain(test: StatisticalTest, share: float) -> MadeUp:
    """The second way of answering errs less by this share of 3 points."""
    level = LEVELS["held_out_error"][0]
    return MadeUp(
        levels={test.variants[0]: {"held_out_error": level, "ten_view_error": level - 0.03 * share}},
        averaging=0.03 * share,
    )


def _towers(base: Towers | list[Towers], dense: Towers | list[Towers] = ALIKE, **changes: Any) -> MadeUp:
    return MadeUp(towers={"base": base, "dense": dense}, **changes)


FORMS: dict[str, dict[str, Callable[[StatisticalTest], MadeUp]]] = {
    "direction": {
        "supported": lambda test: _firsts(test, 1.0),
        "contradicted": lambda test: _firsts(test, -1.0),
        "inconclusive": lambda test: _firsts(test, 0.0),
    },
    "any_of": {
        "supported": lambda test: _firsts(test, 1.0),
        "contradicted": lambda test: _one_first(test, -1.0),
        "inconclusive": lambda test: _one_first(test, 0.0),
    },
    "descending": {
        "supported": lambda test: _steps(test, 1.0),
        "contradicted": lambda test: _steps(test, -1.0),
        "inconclusive": lambda test: _steps(test, 0.0),
    },
    "equivalent": {
        "supported": lambda test: _apart(test, 0.0),
        "contradicted": lambda test: _apart(test, -3.0),
        "inconclusive": lambda test: _apart(test, 1.0),
    },
    "speed": {
        "supported": lambda test: _slower(test, 1.0),
        "contradicted": lambda test: _slower(test, -1.0),
        "inconclusive": lambda test: _slower(test, 0.0),
    },
    "measures": {
        "supported": lambda test: measured(test, 0, 1.0),
        "contradicted": lambda test: measured(test, 0, -1.0),
        "inconclusive": lambda test: measured(test, 0, 0.0),
    },
    "absolute": {
        "supported": lambda test: _printed(test, 0.0),
        "contradicted": lambda test: _printed(test, 3.0),
        "inconclusive": lambda test: _printed(test, 1.0),
    },
    "per_image": {
        "supported": lambda test: _gain(test, 1.0),
        "contradicted": lambda test: _gain(test, -1.0),
        "inconclusive": lambda test: _gain(test, 0.0),
    },
    "tower_contrast": {
        "supported": lambda test: _towers([22, 23, 24] * 4, [12, 13] * 6),
        "contradicted": lambda test: _towers([12, 13] * 6, [13, 12] * 6),
        "inconclusive": lambda test: _towers([12, 15] * 6, [12, 13] * 6),
    },
    "most_runs": {
        "supported": lambda test: _towers(SPLIT),
        "contradicted": lambda test: _towers(ALIKE),
        "inconclusive": lambda test: _towers([SPLIT, ALIKE] * 6),
    },
    "every_run": {
        "supported": lambda test: _towers(SPLIT),
        "contradicted": lambda test: _towers([ALIKE] * 5 + [SPLIT] * 7),
        "inconclusive": lambda test: _towers([ALIKE] + [SPLIT] * 11),
    },
    "fair_coin": {
        "supported": lambda test: _towers(SPLIT),
        "contradicted": lambda test: _towers(SPLIT, seeds=range(24), colour_tower="second"),
        "inconclusive": lambda test: _towers(SPLIT, colour_tower=[1] * 9 + [0] * 3),
    },
}
MIRRORED = ("direction", "any_of", "descending", "per_image", "tower_contrast")
"""Forms whose claims say which of two is larger: mirrored evidence must flip them."""


LIMITED_BY_PICTURES = ("S59", "S67", "S74b")
"""Statements whose margin is so narrow that no number of seeds decides them on the made-up pictures at its edge."""
UNPLANNED = ("tower_contrast", "most_runs")
"""Forms for which the registry holds no effect that seeds could be planned for."""


def made_for(statement: str, test: StatisticalTest, outcome: str) -> MadeUp:
    """Evidence, of a study that can speak about the statement, by which its claim comes out like this."""
    return scaled(statement, FORMS[test.form][outcome](test))


def scaled(statement: str, made: MadeUp) -> MadeUp:
    """The same evidence from a study that can speak about the statement."""
    return replace(made, **SCALES.get(statement, {}), **QUIET.get(statement, {}))


def mirrored(test: StatisticalTest) -> MadeUp:
    """The evidence that supports the claim, with the arms exchanged."""
    made = FORMS[test.form]["supported"](test)
    if test.form == "tower_contrast":
        return replace(made, towers={"base": made.towers["dense"], "dense": made.towers["base"]})
    if test.form == "per_image":
        base = made.levels["base"]
        swapped = {"held_out_error": base["ten_view_error"], "ten_view_error": base["held_out_error"]}
        return replace(made, levels={"base": swapped}, averaging=-made.averaging)
    effects = {name: {key: -value for key, value in effect.items()} for name, effect in made.effects.items()}
    return replace(made, effects=effects)


GATES: dict[str, MadeUp] = {
    "trained": MadeUp(scalars={"base": {"train_error": 0.51}}),
    "learned": MadeUp(scalars={"base": {"train_error": 0.77}}),
    "settled": MadeUp(arrival={"base": 2000.0}),
    "errors_left": MadeUp(levels={name: {"train_error_as_trained": 0.0} for name in EVERY_VARIANT}, spread=0.0001),
    "dose": MadeUp(scalars={"base": {"decay_dose": 0.0155}}),
    "normalisation_alive": MadeUp(
        scalars={name: {f"normalisation_alive_conv{layer}": 1.001 for layer in (1, 2)} for name in ("base", "dense")}
    ),
    "kernels_moved": MadeUp(scalars={"base": {"kernel_cosine": 0.95}}),
    "both_kinds": MadeUp(towers={"base": SPLIT, "dense": GREY}),
    "enough_kernels": MadeUp(live=19),
    "tuned": MadeUp(tuned={}),
}
"""Evidence that shuts each gate, and no other but those in ALSO_SHUT."""
ALSO_SHUT = {"learned": {"trained"}}


def preconditions(statement: str, test: StatisticalTest) -> dict[str, tuple[MadeUp, str]]:
    """Evidence that breaks each precondition, with the code that the verdict must have."""
    first = test.variants[0]
    needed = tuple(dict.fromkeys(("base", *test.variants)))
    broken = {
        "a run is missing": (MadeUp(missing={first: [3]}), "missing_runs"),
        "no runs of the reference": (MadeUp(missing={test.variants[-1]: TWELVE}), "missing_runs"),
        "more than a fifth of the runs collapsed": (MadeUp(collapsed={test.variants[-1]: [0, 1, 2]}), "gate"),
        **_UNREADABLE[test.form](test),
    }
    if first != "base":
        rest = tuple(name for name in needed if name != first)
        broken["the study lacks a variant"] = (MadeUp(variants=rest), "missing_runs")
    broken = {name: (scaled(statement, made), code) for name, (made, code) in broken.items()}
    if statement in SCALES:
        broken["a study of another kind"] = (MadeUp(), "scale")
    return broken


Broken = dict[str, tuple[MadeUp, str]]


def _no_number(test: StatisticalTest) -> Broken:
    metric = _metrics(test)[0]
    if metric == "early_train_loss":
        return {"no logged loss": (MadeUp(curves={"train_loss": []}), "not_a_number")}
    return {"a metric that is not a number": _without(test.variants[0], metric)}


def _without(variant: str, metric: str) -> tuple[MadeUp, str]:
    code = "not_a_number" if METRICS[metric].absent is None else "scale"  # type: ignore[index]
    return MadeUp(scalars={variant: {metric: None}}), code


def _no_measure(test: StatisticalTest) -> Broken:
    assert isinstance(test, MeasuresTest)
    return {f"no {condition.metric}": _without(test.variants[0], condition.metric) for condition in test.conditions}


def _no_printed(test: StatisticalTest) -> Broken:
    assert isinstance(test, AbsoluteTest)
    if test.members is not None:
        return {"no averaged nets": (MadeUp(outcomes=False), "missing_runs")}
    return {f"no {number.metric}": _without(test.variants[0], number.metric) for number in test.numbers}


def _dead(test: StatisticalTest) -> Broken:
    broken: Broken = {
        "dead kernels": (MadeUp(live=7), "gate"),
        "no responses of kernels": (MadeUp(chroma=False), "kernels"),
    }
    if "dense" in test.variants:
        broken["no control"] = (MadeUp(variants=("base",)), "missing_runs")
    return broken


def _never(test: StatisticalTest) -> float:
    """An arrival after the end of training; a held-out error that never moves would have converged at once."""
    return 20.0 * STEPS if getattr(test, "target", None) is not None else 1.0 * STEPS


_UNREADABLE: dict[str, Callable[[StatisticalTest], Broken]] = {
    **dict.fromkeys(("direction", "any_of", "descending", "equivalent"), _no_number),
    "speed": lambda test: {
        "no curve by step": (MadeUp(curves={"step": []}), "not_a_number"),
        "the faster arm never arrives": (MadeUp(arrival=dict.fromkeys(test.variants[1::2], _never(test))), "scale"),
    },
    "measures": _no_measure,
    "absolute": _no_printed,
    "per_image": lambda test: {"no outcomes": (MadeUp(outcomes=False), "not_a_number")},
    **dict.fromkeys(("tower_contrast", "most_runs", "every_run", "fair_coin"), _dead),
}

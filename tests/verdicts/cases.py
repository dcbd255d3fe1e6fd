"""Made-up evidence for every form of statistical claim, and mutations for every claim on definitions.

The tests are parametrised over the registry, so a new form or a new definition without an entry here fails.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from repro.net.settings import Geometry
from repro.verdicts.definition import Definition, Table
from repro.verdicts.forms_registered import AbsoluteTest, Condition, MeasuresTest, SpeedTest, StatisticalTest
from repro.verdicts.metrics import METRICS
from repro.verdicts.statement import Statement
from tests.made_up import ARRIVAL, LEVELS, STEPS, MadeUp

CLEAR = 7.5
"""A clear effect, in sds of a run."""
TWELVE = range(12)
CIFAR_10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
FOUR_LAYERS = {"class_names": CIFAR_10, "nets": {"base": {"architecture": "four_layer"}}}
LSVRC_2010 = {
    "scaling": "none",
    "classes": 1000,
    "counts": {"train": 1_261_406, "held_out": 50_000, "validation": 0},
    "spread": 0.0014,
}
ILSVRC_2012 = {**LSVRC_2010, "counts": {"train": 1_231_167, "held_out": 50_000, "validation": 50_000}}
SCALES: dict[str, Mapping[str, Any]] = {
    "S02": LSVRC_2010,
    "S11c": {"data_name": "procedural"},
    "S17c": LSVRC_2010,
    "S17d": ILSVRC_2012,
    "S21": FOUR_LAYERS,
    "S39": FOUR_LAYERS,
    "S67": {"counts": {"train": 4000, "held_out": 50_000, "validation": 0}},
    "S68": ILSVRC_2012,
    "S70": {**ILSVRC_2012, "seeds": range(6)},
    "S74a": {**LSVRC_2010, "classes": 10_184},
}
"""What evidence must be for a claim that only some studies can speak about."""


def noise(metric: str, spread: float = MadeUp.spread) -> float:
    """The runs' sd of a metric."""
    return LEVELS[metric][1] * spread


def _clear(test: StatisticalTest, metric: str) -> float:
    effect = CLEAR * noise(metric)
    return effect if getattr(test, "larger", "first") == "first" else -effect


def _metrics(test: StatisticalTest) -> tuple[str, ...]:
    return (getattr(test, "metric"), *getattr(test, "also", ()))  # noqa: B009 - not every form has one


def _firsts(test: StatisticalTest, share: float) -> MadeUp:
    """All arms but the reference with this share of a clear effect in the claim's sense."""
    effects = {metric: share * _clear(test, metric) for metric in _metrics(test)}
    return MadeUp(effects=dict.fromkeys(test.variants[:-1], effects))


def _one_first(test: StatisticalTest, share: float) -> MadeUp:
    """All arms as the claim says, but the last before the reference in the last metric."""
    made = _firsts(test, 1.0)
    last, metric = test.variants[-2], _metrics(test)[-1]
    return replace(made, effects={**made.effects, last: {**made.effects[last], metric: share * _clear(test, metric)}})


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
    way = side * 3 * max(noise(metric), METRICS[metric].step / 3) * (-1 if condition.below is not None else 1)
    if isinstance(bound, float):
        bound *= 0.9 if condition.of_chance else 1.0
        of_pictures = 4.5 * (bound * (1 - bound) / 1000) ** 0.5 if METRICS[metric].pictures else 0.0
        levels[metric] = bound + (
            way if abs(way) > of_pictures else side * of_pictures * (1 if condition.above else -1)
        )
        return
    own = levels.setdefault(metric, LEVELS[metric][0])
    if condition.within is not None:
        levels[bound] = own + {1.0: 0.0, 0.0: 1.0, -1.0: 3.0}[side] * condition.within
    else:
        levels[bound] = own - way


def _printed(test: StatisticalTest, off: float) -> MadeUp:
    """The paper's numbers, the last of them off by this many of its margins."""
    assert isinstance(test, AbsoluteTest)
    levels = {number.metric: number.printed for number in test.numbers}
    last = test.numbers[-1]
    levels[last.metric] += off * (last.upper - last.printed)
    if test.members is not None:
        return MadeUp(levels={test.variants[0]: {"held_out_error": levels["ensemble_error"] + 0.026}}, averaging=0.026)
    return MadeUp(levels={test.variants[0]: levels})


def _gain(test: StatisticalTest, share: float) -> MadeUp:
    """The second way of answering errs less by this share of 3 points."""
    level = LEVELS["held_out_error"][0]
    return MadeUp(
        levels={test.variants[0]: {"held_out_error": level, "ten_view_error": level - 0.03 * share}},
        averaging=0.03 * share,
    )


def _towers(base: Any, dense: Any = "alike", **changes: Any) -> MadeUp:
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
        "supported": lambda test: _towers("split"),
        "contradicted": lambda test: _towers("alike", "split"),
        "inconclusive": lambda test: _towers("alike"),
    },
    "most_runs": {
        "supported": lambda test: _towers("split"),
        "contradicted": lambda test: _towers("alike"),
        "inconclusive": lambda test: _towers(["split", "alike"] * 6),
    },
    "every_run": {
        "supported": lambda test: _towers("split"),
        "contradicted": lambda test: _towers(["alike"] + ["split"] * 11),
        "inconclusive": lambda test: _towers(["unclear"] + ["split"] * 11),
    },
    "fair_coin": {
        "supported": lambda test: _towers("split"),
        "contradicted": lambda test: _towers("split", seeds=range(24), colour_tower="second"),
        "inconclusive": lambda test: _towers("split", colour_tower=[1] * 9 + [0] * 3),
    },
}
MIRRORED = ("direction", "any_of", "descending", "per_image", "tower_contrast")
"""Forms whose claims say which of two is larger: mirrored evidence must flip them."""


UNPLANNED = ("tower_contrast", "most_runs")
"""Forms for which the registry holds no effect that seeds could be planned for."""


def made_for(statement: str, test: StatisticalTest, outcome: str) -> MadeUp:
    """Evidence, of a study that can speak about the statement, by which its claim comes out like this."""
    return scaled(statement, FORMS[test.form][outcome](test))


def scaled(statement: str, made: MadeUp) -> MadeUp:
    """The same evidence from a study that can speak about the statement."""
    return replace(made, **SCALES.get(statement, {}))


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
    "trained": MadeUp(collapsed={"base": [0]}),
    "fitted": MadeUp(scalars={"base": {"train_error": 0.25}}),
    "normalisation_alive": MadeUp(
        scalars={"base": {"normalisation_alive_conv1": 1.001, "normalisation_alive_conv2": 1.0}}
    ),
    "kernels_moved": MadeUp(scalars={"base": {"kernel_cosine": 0.95}}),
    "dose": MadeUp(scalars={"base": {"decay_dose": 0.001}}),
    "untrained_control": MadeUp(initial_towers="split"),
    "tuned": MadeUp(tuned={}),
}
"""Evidence that shuts each gate, and no other."""


def preconditions(statement: str, test: StatisticalTest) -> dict[str, tuple[MadeUp, str]]:
    """Evidence that breaks each precondition, with the code that the verdict must have."""
    first = test.variants[0]
    needed = tuple(dict.fromkeys(("base", *test.variants)))
    broken = {
        "a run is missing": (MadeUp(missing={first: [3]}), "missing_runs"),
        "no runs of the base": (MadeUp(missing={"base": TWELVE}), "missing_runs"),
        "an unstable baseline": (MadeUp(collapsed={"base": [0, 1, 2]}), "unstable_baseline"),
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
    broken: Broken = {"dead kernels": (MadeUp(live=7), "kernels")}
    if "dense" in test.variants:
        broken["no control"] = (MadeUp(variants=("base",)), "missing_runs")
    return broken


def _never(test: StatisticalTest) -> float:
    """An arrival after the end of training; a held-out error that never moves would have converged at once."""
    return 20.0 * STEPS if getattr(test, "criterion", "") == "training_error" else 1.0 * STEPS


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


# ---- claims on definitions -------------------------------------------------------------------------

Facts = Mapping[str, Any]


class Mutated(Definition):
    """A definition with one thing changed: a layer's numbers, a fact, or a number of the paper."""

    def __init__(self, printed: Mapping[str, Any], facts: Facts | None, mutation: Mutation) -> None:
        super().__init__({**printed, **mutation.printed}, facts)
        self.mutation = mutation

    def table(self, fidelity: str = "paper", *, classes: int = 1000, **changes: Any) -> Table:
        table = super().table(fidelity, classes=classes, **changes)
        if changes and not self.mutation.also_changed:
            return table
        return self.mutation.apply(table)

    def fact(self, name: str, fidelity: str = "paper") -> Any:
        value = super().fact(name, fidelity)
        mutated = self.mutation.fact
        return _set(value, mutated[1:]) if mutated and mutated[0] == name else value


class Mutation:
    """What to change: `layers` by name, `net` settings, `printed` numbers, a `fact` by path and new value."""

    def __init__(
        self,
        *fact: Any,
        layers: Mapping[str, Mapping[str, Any]] | None = None,
        net: Mapping[str, Any] | None = None,
        printed: Mapping[str, Any] | None = None,
        without: str | None = None,
        also_changed: bool = False,
    ) -> None:
        self.fact = fact
        self.layers = layers or {}
        self.net = net or {}
        self.printed = printed or {}
        self.without = without
        self.also_changed = also_changed

    def apply(self, table: Table) -> Table:
        layers = tuple(
            replace(layer, **self.layers.get(layer.name, {})) for layer in table if layer.name != self.without
        )
        net = table.net.model_copy(update=dict(self.net))
        return replace(table, layers=layers, net=net)


def _set(value: Any, path: tuple[Any, ...]) -> Any:
    """A copy of nested mappings with one entry replaced: path is keys and, last, the new value."""
    if len(path) == 1:
        return path[0]
    return {**value, path[0]: _set(value[path[0]], path[1:])}


_NARROW = {"fc6": {"out_maps": 2048}, "fc7": {"in_maps": 2048}}
MUTATIONS: dict[str, list[Mutation]] = {
    "S03": [Mutation(printed={"sift_top1": 38.0}), Mutation(printed={"cnn_top5": 20.0})],
    "S04": [Mutation(layers=_NARROW)],
    "S05": [Mutation(layers={"conv1": {"out_maps": 64}})],
    "S06": [
        Mutation(without="conv4"),
        Mutation(layers={"fc8": {"out_maps": 10}}),
        Mutation(layers={"conv2": {"pool": None}}),
        Mutation(layers={"fc8": {"activation": "relu"}}),
    ],
    "S11d": [Mutation(layers={name: {"out_maps": 1} for name in ("conv1", "conv2", "conv3", "conv4")})],
    "S13": [Mutation(layers={"conv3": {"in_maps": 128}, "conv4": {"in_maps": 96}})],
    "S15": [Mutation(printed={"training_days": [1, 2]}), Mutation(layers={"conv1": {"in_maps": 64}})],
    "S18c": [Mutation("top_five_error", "sixth_fifth_first", [1.0, 1.0, 0.0])],
    "S18d": [
        Mutation("preparation", "side", [224, 224]),
        Mutation("preparation", "centre_offset", 16.0),
        Mutation("preparation", "largest_mean_after", 1.5),
        Mutation("preparation", "unscaled", False),
    ],
    "S26": [Mutation(printed={"gpu_memory_bytes": 8e9})],
    "S27": [
        Mutation("gradient_between_towers", "conv4", 0.1),
        Mutation("gradient_between_towers", "conv3", 0.0),
        Mutation("normalisation_between_towers", "conv1", 0.1),
        Mutation(layers={"conv1": {"towers": 1}}),
    ],
    "S28a": [
        Mutation(
            layers={f"conv{n}": {"in_maps": 1, "kernel": 1} for n in range(1, 6)}
            | {"fc6": {"in_maps": 1}, "fc7": {"in_maps": 1}, "fc8": {"in_maps": 1}}
        ),
        Mutation(layers={name: {"reads": "own"} for name in ("conv3", "fc6", "fc7", "fc8")}),
    ],
    "S29": [Mutation("gradient_between_towers", "conv3", 0.0)],
    "S31": [Mutation(layers=_NARROW), Mutation(layers={"fc6": {"in_maps": 256}}, also_changed=True)],
    "S32": [Mutation(layers={"fc6": {"in_maps": 30_000}}), Mutation(layers={"conv1": {"in_maps": 30}})],
    "S33": [Mutation(layers={"conv2": {"in_maps": 96}}), Mutation(layers={"conv2": {"in_maps": 8}})],
    "S34a": [
        Mutation("relu_gradient", "largest_without_positive_input", 0.01),
        Mutation("relu_gradient", "smallest_with_a_positive_input", 0.0),
        Mutation("relu_gradient", "at_a_large_input", 0.0),
    ],
    "S35": [
        Mutation("normalisation", "largest_difference_from_loop", 1e-3),
        Mutation("normalisation", "change_when_maps_are_permuted", 0.0),
        Mutation(layers={"conv2": {"normalisation": None}}),
    ],
    "S36": [
        Mutation("normalisation", "largest_derivative_in_window", 0.01),
        Mutation("normalisation", "largest_derivative_outside", 0.01),
    ],
    "S37": [Mutation("normalisation", "change_when_a_constant_is_added", 0.0)],
    "S40": [Mutation(layers={"conv1": {"pool": (2, 2)}}), Mutation(layers={"conv5": {"pool": None}})],
    "S42": [Mutation(layers={"conv1": {"out_side": 28}})],
    "S44": [Mutation("loss", "largest_difference", 0.1)],
    "S45": [
        Mutation(layers={"conv4": {"reads": "both"}}),
        Mutation(layers={"conv3": {"reads": "own"}}),
        Mutation(layers={"conv1": {"normalisation": None}}),
        Mutation(layers={"conv5": {"pool": None}}),
        Mutation(layers={"fc6": {"activation": "tanh"}}),
    ],
    "S46": [
        Mutation(layers={"conv1": {"kernel": 7}}),
        Mutation(layers={"conv1": {"stride": 2}}),
        Mutation(layers={"conv3": {"in_maps": 128}}),
        Mutation(layers={"fc7": {"out_maps": 2048}}),
        Mutation(layers={"conv1": {"in_side": 227}}),
    ],
    "S47": [Mutation(layers={"conv1": {"out_maps": 253_440, "conv_side": 1}})],
    "S48a": [Mutation(layers={"fc8": {"out_maps": 100}})],
    "S48b": [Mutation(printed={"training_pictures": 120_000_000})],
    "S49": [
        Mutation(
            layers={f"conv{n}": {"in_maps": 1, "kernel": 1} for n in range(1, 6)}
            | {"fc6": {"in_maps": 1}, "fc7": {"in_maps": 1}, "fc8": {"in_maps": 1}}
        )
    ],
    "S50": [Mutation(net={"geometry": Geometry(crop=225)})],
    "S53": [
        Mutation("ten_views", "offsets", [[0, 0]] * 5),
        Mutation("ten_views", "views", 5),
        Mutation("ten_views", "difference_from_mirrored", 1.0),
        Mutation("ten_views", "difference_from_mean_softmax", 0.1),
    ],
    "S55a": [
        Mutation("colour_noise", "setting", 0.2),
        Mutation("colour_noise", "relative_error_of_covariance", 0.5),
        Mutation("colour_noise", "variation_within_a_picture", 2.0),
        Mutation("colour_noise", "difference_between_uses", 0.0),
    ],
    "S57": [
        Mutation("dropout", "dropped_share", "fc6", 0.4),
        Mutation("dropout", "largest_output_of_dropped", 0.1),
        Mutation("dropout", "largest_gradient_of_dropped", 0.1),
        Mutation("dropout", "largest_gradient_of_kept", 0.0),
        Mutation(layers={"fc7": {"dropout": 0.0}}),
        Mutation(layers={"conv5": {"dropout": 0.5}}),
    ],
    "S61a": [
        Mutation("update_rule", "batch_size", 256),
        Mutation("update_rule", "momentum", 0.95),
        Mutation("update_rule", "weight_decay", 0.0),
        Mutation("update_rule", "largest_difference_from_recursion", 1e-3),
    ],
    "S62": [
        Mutation("initial_values", "conv4", "deviation", 0.03),
        Mutation("initial_values", "conv4", "mean_in_se", 50.0),
        Mutation("initial_values", "fc7", "biases", [0.1]),
        Mutation("initial_values", "conv1", "biases", [0.0, 1.0]),
    ],
    "S64": [Mutation("learning_rates", "conv1.bias", 0.02)],
    "S87a": [Mutation(layers={"fc7": {"out_maps": 64}}), Mutation(printed={"training_pictures": 1000})],
}
"""Changes that must turn each claim on definitions: to contradicted, or to supported for known errata."""


def turned(statement: Statement) -> str:
    """The verdict on a mutated definition."""
    return "contradicted" if statement.known_erratum is None else "supported"

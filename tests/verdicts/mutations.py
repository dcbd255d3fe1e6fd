"""Mutations that turn every claim on definitions round.

The tests are parametrised over the registry, so a new definition without an entry here fails.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from repro.net.table.settings import Geometry
from repro.verdicts.authoring.definition import Definition, Table
from repro.verdicts.registry.statement import Statement

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
    "S04": [Mutation(layers=_NARROW), Mutation(layers={"fc6": {"out_maps": 4200}})],
    "S05": [Mutation(layers={"conv1": {"out_maps": 64}}), Mutation(layers={"conv1": {"out_maps": 98}})],
    "S06": [
        Mutation(without="conv4"),
        Mutation(layers={"fc8": {"out_maps": 10}}),
        Mutation(layers={"conv2": {"pool": None}}),
        Mutation(layers={"fc8": {"activation": "relu"}}),
    ],
    "S11d": [Mutation(layers={name: {"out_maps": 1} for name in ("conv1", "conv2", "conv3", "conv4")})],
    "S13": [Mutation(layers={"conv3": {"in_maps": 128}, "conv4": {"in_maps": 96}})],
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
        Mutation(layers={name: {"reads": "both"} for name in ("conv2", "conv4", "conv5")}),
        Mutation(printed={"gpu_link_bytes_per_second": 1e9}),
    ],
    "S29": [Mutation("gradient_between_towers", "conv3", 0.0)],
    "S31": [Mutation(layers=_NARROW), Mutation(layers={"fc6": {"in_maps": 256}}, also_changed=True)],
    "S32": [Mutation(layers={"fc6": {"in_maps": 30_000}}), Mutation(layers={"conv1": {"in_maps": 30}})],
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
    "S37": [Mutation("normalisation", "change_when_a_constant_is_added", value) for value in (0.0, 1e-9, 0.5)],
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

"""What claims on definitions read: the layer table, facts measured on the code, numbers of the paper."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from repro.net.table.fidelity import FIDELITIES
from repro.net.table.layers import Layer, layer_table, multiply_adds, neurons, parameters, traffic
from repro.net.table.settings import NetSettings
from repro.settings import validated
from repro.verdicts.authoring.claim import CannotSay

SECONDS_PER_DAY = 86_400


@dataclass(frozen=True)
class Table:
    """A net's layer table with its totals."""

    net: NetSettings
    classes: int
    layers: tuple[Layer, ...]

    def __iter__(self) -> Iterator[Layer]:
        return iter(self.layers)

    def __getitem__(self, name: str) -> Layer:
        return next(layer for layer in self.layers if layer.name == name)

    @property
    def convolutions(self) -> tuple[Layer, ...]:
        return tuple(layer for layer in self.layers if layer.kind == "conv")

    @property
    def connected(self) -> tuple[Layer, ...]:
        """The fully connected layers."""
        return tuple(layer for layer in self.layers if layer.kind == "fc")

    @property
    def parameters(self) -> int:
        return parameters(self.layers)

    @property
    def neurons(self) -> int:
        return neurons(self.layers)

    @property
    def multiply_adds(self) -> int:
        return multiply_adds(self.layers)

    @property
    def training_operations(self) -> int:
        """Operations of one picture in one training step.

        A multiply-add is two of them, and the backward pass costs about twice the forward one.
        """
        return 2 * 3 * self.multiply_adds

    @property
    def inputs(self) -> int:
        """How many numbers an input picture has."""
        return 3 * self.layers[0].in_side ** 2

    @property
    def crossing_values(self) -> int:
        """How many values cross between the towers in the forward pass of one picture, both ways together."""
        return 2 * sum(crossing.values for crossing in traffic(self.layers))


class Definition:
    """What a claim on definitions gets as its parameter `definition`."""

    def __init__(self, printed: Mapping[str, Any], facts: Mapping[str, Mapping[str, Any]] | None) -> None:
        """facts: by fidelity, then by name, as in evidence's facts.json; None when no evidence holds any."""
        self.printed = printed
        self._facts = facts

    def table(self, fidelity: str = "paper", *, classes: int = 1000, **changes: Any) -> Table:
        """The layer table of a fidelity's net, with top-level settings of the net changed."""
        return _table(fidelity, classes, _frozen(changes))

    def training_rate(self, days: float) -> float:
        """Operations a second that the paper's whole training needs if it takes this many days."""
        pictures = self.printed["training_pictures"] * self.printed["epochs"]
        return float(pictures * self.table().training_operations / (days * SECONDS_PER_DAY))

    def fact(self, name: str, fidelity: str = "paper") -> Any:
        """The measured value of a fact. Raises CannotSay where no evidence holds it."""
        if self._facts is None:
            raise CannotSay("missing_facts", "no evidence with facts was given; `repro evaluate` measures them")
        facts = self._facts.get(fidelity, {})
        if name not in facts:
            raise CannotSay("missing_facts", f"the evidence holds no fact {name!r} for fidelity {fidelity}")
        return facts[name]["value"]


def _frozen(value: Any) -> Any:
    """Nested settings as something that can be a cache key."""
    if isinstance(value, Mapping):
        return tuple((key, _frozen(item)) for key, item in sorted(value.items()))
    return tuple(value) if isinstance(value, list) else value


@lru_cache(maxsize=32)
def _table(fidelity: str, classes: int, changes: tuple[tuple[str, Any], ...]) -> Table:
    settings = {**FIDELITIES[fidelity].get("net", {})}
    for key, value in changes:
        nested = isinstance(value, tuple) and value and all(isinstance(item, tuple) for item in value)
        settings[key] = {**settings.get(key, {}), **dict(value)} if nested else value
    net = validated(NetSettings, settings, f"net of fidelity {fidelity}")
    return Table(net, classes, layer_table(net, classes))

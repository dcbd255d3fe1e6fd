"""A convolutional layer before its shapes are known: what an architecture says of it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from repro.errors import UserError
from repro.net.table.settings import NetSettings


@dataclass(frozen=True)
class ConvPlan:
    """One layer of kernels, by the numbers that settings give it."""

    name: str
    kind: Literal["conv", "local"]
    kernels: int
    kernel: int
    stride: int
    padding: tuple[int, int]
    crosses: bool
    pools: int
    takes_initial_values_of: str


def check_listed(net: NetSettings, names: Collection[str], hint: str = "") -> None:
    """UserError when normalisation or pooling lists a layer that is not among `names`, the net's own."""
    for key, listed in (
        ("normalisation.layers", net.normalisation.layers),
        ("normalisation.before_activation", net.normalisation.before_activation),
        ("normalisation.after_pooling", net.normalisation.after_pooling),
        ("normalisation.spatial_layers", net.normalisation.spatial_layers),
        ("pooling.layers", net.pooling.layers),
    ):
        check_known(key, listed, names, hint)


def check_known(key: str, listed: Collection[str], names: Collection[str], hint: str = "") -> None:
    """UserError when `net.<key>` lists a layer that is not among `names`."""
    if unknown := sorted(set(listed) - set(names)):
        raise UserError(
            f"net.{key}: {', '.join(unknown)} is not in this net, which has {', '.join(sorted(names))}{hint}"
        )

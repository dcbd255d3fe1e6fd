"""The values of a net by tower: one set of names for every form and placement of the net.

A file holds `tower0.conv2.weight` and so on, each tower its own kernels or units (an odd number of
classes gives tower 0 one more); a net of one tower has `tower0.` only. So whatever wrote a checkpoint,
anything can read it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import torch
from torch import Tensor

from repro.errors import UserError
from repro.net.initial_values import bias_shape, parameter_name, weight_shape
from repro.net.table.layer import Layer


class Net(Protocol):
    """A form of the net: `by_tower` says that its parameters already have the towers' names.

    `towers_here` are the towers that this process holds: all of them, unless the net is placed in ranks.
    """

    table: tuple[Layer, ...]
    by_tower: bool
    towers_here: tuple[int, ...]

    def state_dict(self) -> dict[str, Tensor]: ...


def tower_shapes(table: tuple[Layer, ...]) -> dict[str, tuple[int, ...]]:
    """Name and shape of every tower's parameters, tower by tower."""
    shapes: dict[str, tuple[int, ...]] = {}
    for tower in range(table[0].towers):
        for layer in table:
            kernels = len(layer.shares[tower])
            shapes[parameter_name(tower, layer.name, "weight")] = weight_shape(layer, kernels)
            shapes[parameter_name(tower, layer.name, "bias")] = bias_shape(layer, kernels)
    return shapes


def tower_state(net: Net, values: Mapping[str, Tensor] | None = None) -> dict[str, Tensor]:
    """`values` (by parameter name, e.g. gradients or velocities; by default the parameters) by tower.

    Of the towers in this process. The result is detached and contiguous, and shares no memory with the net.
    """
    values = net.state_dict() if values is None else values
    result: dict[str, Tensor] = {}
    for tower in net.towers_here:
        for layer in net.table:
            rows = layer.shares[tower]
            for kind in ("weight", "bias"):
                name = parameter_name(tower, layer.name, kind)
                part = values[name] if net.by_tower else values[f"{layer.name}.{kind}"][rows.start : rows.stop]
                result[name] = part.detach().clone(memory_format=torch.contiguous_format)
    return result


def from_tower_state(net: Net, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The reverse of `tower_state`: `state`, of all towers, by the net's own parameter names.

    Raises UserError for a missing or unknown name, or a wrong shape.
    """
    shapes = tower_shapes(net.table)
    if missing := [name for name in shapes if name not in state]:
        raise UserError(f"{_named(missing)} missing from the saved net; it is damaged or of another net")
    if unknown := sorted(set(state) - set(shapes)):
        raise UserError(f"{_named(unknown)} of the saved net not in this net; it was saved from another net")
    for name, shape in shapes.items():
        if tuple(state[name].shape) != shape:
            raise UserError(
                f"{name} of the saved net has shape {tuple(state[name].shape)}, this net's has {shape}; "
                "it was saved from a net with other settings"
            )
    if net.by_tower:
        here = tuple(f"tower{tower}." for tower in net.towers_here)
        return {name: state[name] for name in shapes if name.startswith(here)}
    towers = range(net.table[0].towers)
    return {
        f"{layer.name}.{kind}": torch.cat([state[parameter_name(tower, layer.name, kind)] for tower in towers])
        for layer in net.table
        for kind in ("weight", "bias")
    }


def load_tower_state(net: Net, state: Mapping[str, Tensor]) -> None:
    """Copy `state` into the net's parameters. Raises UserError as `from_tower_state` does."""
    own = net.state_dict()
    with torch.no_grad():
        for name, value in from_tower_state(net, state).items():
            own[name].copy_(value)


def _named(names: list[str]) -> str:
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    return f"{shown} {'is' if len(names) == 1 else 'are'}"

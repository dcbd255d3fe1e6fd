"""The net in two pieces, as the paper has it on two GPUs: a module per tower, joined where the paper joins them.

Where the towers live is a matter of `repro.net.joins`: both in one process on one device or on two, or
one in each of two processes. Values pass between them only there, at the layers that read both towers
and at the logits; everything else is a tower's own.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from repro.net.dropout import DropoutKey
from repro.net.input_positions import input_positions
from repro.net.joins import Joins
from repro.net.layer_module import LayerModule
from repro.net.table.layer import Layer
from repro.net.table.layers import layer_table
from repro.net.table.settings import NetSettings


class Tower(nn.Module):
    """One tower: its share of the kernels and units of every layer."""

    def __init__(self, table: tuple[Layer, ...], tower: int, seed: int, dtype: torch.dtype) -> None:
        super().__init__()
        self.tower = tower
        self.layers = [LayerModule(layer, range(tower, tower + 1), seed, dtype) for layer in table]
        for layer in self.layers:
            self.add_module(layer.layer.name, layer)

    def forward(
        self,
        position: int,
        x: Tensor,
        dropout: DropoutKey | None = None,
        capture: dict[str, Tensor] | None = None,
    ) -> Tensor:
        """This tower's output of the layer at `position` of the table, from what that layer reads."""
        output: Tensor = self.layers[position](x, dropout, capture, f"tower{self.tower}.")
        return output


class TowerNet(nn.Module):
    """The same net as `AlexNet`, as separate towers; the same seed gives the same function.

    It holds the towers that `joins` says are in this process, each on its device (by default all of them
    on the CPU). Parameters carry the towers' names (tower0.conv1.weight). Raises UserError as `layer_table`.
    """

    by_tower = True

    def __init__(
        self,
        net: NetSettings,
        classes: int,
        seed: int,
        dtype: torch.dtype = torch.float32,
        joins: Joins | None = None,
    ) -> None:
        super().__init__()
        self.net = net
        self.table: tuple[Layer, ...] = layer_table(net, classes)
        self.joins = joins or Joins(net.towers)
        self.towers_here = self.joins.towers
        self.input_positions = input_positions(net)
        self.towers = [
            Tower(self.table, tower, seed, dtype).to(device)
            for tower, device in zip(self.joins.towers, self.joins.devices, strict=True)
        ]
        for tower in self.towers:
            self.add_module(f"tower{tower.tower}", tower)

    def forward(
        self,
        x: Tensor | Sequence[Tensor],
        *,
        dropout: DropoutKey | None = None,
        capture: dict[str, Tensor] | None = None,
    ) -> Tensor:
        """Logits as from `AlexNet.forward`, on the device where the loss is computed; `x` may be a copy a tower.

        Captured names begin with the tower's, e.g. tower1.conv1.out.
        """
        pictures = [x] * len(self.towers) if isinstance(x, Tensor) else x
        devices = self.joins.devices
        parts = [
            self.input_positions(copy.to(device)).contiguous(memory_format=torch.channels_last)
            for copy, device in zip(pictures, devices, strict=True)
        ]
        keys = [dropout and DropoutKey(dropout.key, dropout.sample_ids.to(device)) for device in devices]
        for position, layer in enumerate(self.table):
            if layer.reads == "both":
                parts = self.joins.for_towers(layer.name, parts)
            parts = [
                tower(position, part, key, capture) for tower, part, key in zip(self.towers, parts, keys, strict=True)
            ]
        return self.joins.for_loss(parts, self.table[-1].shares)

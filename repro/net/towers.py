"""The net in two pieces, as the paper has it on two GPUs: a module per tower, joined where it joins them.

Both towers live in one process here. Values pass between them only in `TowerNet.join`, at the layers
that read both towers and at the logits; everything else is a tower's own.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from repro.net.dropout import DropoutKey
from repro.net.layer import Layer
from repro.net.layer_module import LayerModule
from repro.net.layers import layer_table
from repro.net.settings import NetSettings


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

    Parameters carry the towers' names (tower0.conv1.weight). Raises UserError as `layer_table` does.
    """

    by_tower = True

    def __init__(self, net: NetSettings, classes: int, seed: int, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.net = net
        self.table: tuple[Layer, ...] = layer_table(net, classes)
        self.towers = [Tower(self.table, tower, seed, dtype) for tower in range(net.towers)]
        for tower in self.towers:
            self.add_module(f"tower{tower.tower}", tower)

    def forward(
        self, x: Tensor, *, dropout: DropoutKey | None = None, capture: dict[str, Tensor] | None = None
    ) -> Tensor:
        """Logits as `AlexNet.forward`; captured names begin with the tower's, e.g. tower1.conv1.out."""
        parts = [x.contiguous(memory_format=torch.channels_last)] * len(self.towers)
        for position, layer in enumerate(self.table):
            if layer.reads == "both":
                parts = self.join(parts)
            parts = [
                tower(position, part, dropout, capture)
                for tower, part in zip(self.towers, parts, strict=True)
            ]
        return self.join(parts)[0]

    def join(self, parts: Sequence[Tensor]) -> list[Tensor]:
        """For each tower, all towers' parts in order along the maps (or units, or classes)."""
        return [torch.cat(list(parts), 1)] * len(parts)

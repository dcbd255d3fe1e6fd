"""The net in one piece, for one device: both towers as grouped convolutions (the fastest form)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from repro.net.dropout import DropoutKey, HeldKeys
from repro.net.input_positions import input_positions
from repro.net.layer_module import LayerModule
from repro.net.state import from_tower_state, load_tower_state, tower_state
from repro.net.table.layer import Layer
from repro.net.table.layers import layer_table
from repro.net.table.settings import NetSettings

__all__ = ["AlexNet", "DropoutKey", "from_tower_state", "load_tower_state", "tower_state"]


class AlexNet(nn.Module):
    """The net of `net` with `classes` outputs, initialised by `seed`; the layer table alone decides its shape.

    Every layer holds all towers' kernels, tower 0's first. Parameters are named conv1.weight and so on;
    `tower_state` and `load_tower_state` give and take them by tower. Raises UserError as `layer_table`.
    """

    by_tower = False

    def __init__(self, net: NetSettings, classes: int, seed: int, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.net = net
        self.table: tuple[Layer, ...] = layer_table(net, classes)
        towers = range(net.towers)
        self.towers_here = tuple(towers)
        self.input_positions = input_positions(net)
        self.layers = [LayerModule(layer, towers, seed, dtype) for layer in self.table]
        for layer in self.layers:
            self.add_module(layer.layer.name, layer)

    def forward(
        self, x: Tensor, *, dropout: DropoutKey | HeldKeys | None = None, capture: dict[str, Tensor] | None = None
    ) -> Tensor:
        """Logits (N, classes) of crops `x` (N, 3, crop, crop), less the training mean, divided by `input_divisor`.

        In training mode a net with dropout needs `dropout`. `capture` is filled with intermediate
        values: for each layer L "L.linear" (weighted sum and bias), "L.activation" (not fc8),
        "L.normalisation_scale" (s = k + alpha * sum of squares, where the layer is normalised) and "L.out"
        (what the next layer reads: after normalisation, pooling and dropout or its scaling).
        """
        x = self.input_positions(x).contiguous(memory_format=torch.channels_last)
        for layer in self.layers:
            x = layer(x, dropout, capture)
        return x

"""One layer of the table as a module: the weighted sum and what follows it up to the next layer.

The same module is all towers' share of a layer (a grouped convolution) or one tower's, so the net in
one piece and the net in two towers run the same code.
"""

from __future__ import annotations

from typing import assert_never

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from repro.net.dropout import DropoutKey, HeldKeys, dropout, scaled_in_evaluation
from repro.net.initial_values import initial_bias, initial_weight
from repro.net.normalisation import CrossMapNormalisation, SpatialNormalisation
from repro.net.table.activation import ACTIVATIONS
from repro.net.table.layer import Layer

Capture = dict[str, Tensor]


class LayerModule(nn.Module):
    """The kernels of `towers` (neighbouring numbers, in order) of one layer.

    Input (N, maps, side, side), for fully connected layers anything of the right number of values per
    picture; output (N, kernels, out_side, out_side) or (N, units). With all towers the maps of tower 0
    come first, in input and output.
    """

    def __init__(self, layer: Layer, towers: range, seed: int, dtype: torch.dtype) -> None:
        super().__init__()
        self.layer = layer
        self.kernels = range(layer.shares[towers[0]].start, layer.shares[towers[-1]].stop)
        self.groups = layer.groups if len(towers) > 1 else 1
        weight = torch.cat([initial_weight(layer, tower, seed) for tower in towers]).to(dtype)
        if layer.kind == "conv":
            weight = weight.contiguous(memory_format=torch.channels_last)
        self.weight = nn.Parameter(weight)
        self.bias = nn.Parameter(torch.cat([initial_bias(layer, tower, seed) for tower in towers]).to(dtype))
        rule = layer.normalisation
        self.normalisation: CrossMapNormalisation | None = None
        if rule is not None:
            blocks = rule.blocks * len(towers) // layer.towers
            self.normalisation = CrossMapNormalisation(rule, len(self.kernels), blocks)
        spatial = layer.spatial_normalisation
        self.spatial_normalisation = SpatialNormalisation(spatial) if spatial is not None else None

    def forward(
        self, x: Tensor, key: DropoutKey | HeldKeys | None = None, capture: Capture | None = None, prefix: str = ""
    ) -> Tensor:
        """The layer's output; `capture` collects linear, activation, normalisation_scale and out."""
        layer = self.layer
        name = f"{prefix}{layer.name}"
        x = self._weighted_sum(x)
        _record(capture, f"{name}.linear", x)
        normalised_at = layer.normalisation.place if layer.normalisation is not None else None
        if normalised_at == "before_activation":
            x = self._normalised(x, name, capture)
        x = self._activated(x, name, capture)
        if normalised_at == "after_activation":
            x = self._normalised(x, name, capture)
        if self.spatial_normalisation is not None:
            x = self.spatial_normalisation(x)
        if layer.pool is not None:
            size, stride = layer.pool
            ceil = {"floor": False, "ceil": True}[layer.pool_rounding]
            for _ in range(layer.pools):
                x = F.max_pool2d(x, size, stride, ceil_mode=ceil)
        if normalised_at == "after_pooling":
            x = self._normalised(x, name, capture)
        if layer.dropout:
            x = self._dropped(x, key)
        _record(capture, f"{name}.out", x)
        return x

    def _weighted_sum(self, x: Tensor) -> Tensor:
        kind = self.layer.kind
        if kind == "conv":
            before, after = self.layer.padding
            if before != after:
                x = F.pad(x, (before, after, before, after))
                before = 0
            return F.conv2d(x, self.weight, self.bias, self.layer.stride, before, groups=self.groups)
        if kind == "local":
            return unshared_convolution(x, self.weight, self.bias, self.layer.padding[0])
        if kind == "fc":
            x = x.flatten(1)
            if self.groups == 1:
                return F.linear(x, self.weight, self.bias)
            parts = zip(x.chunk(self.groups, 1), self.weight.chunk(self.groups), strict=True)
            return torch.cat([F.linear(values, weight) for values, weight in parts], 1) + self.bias
        assert_never(kind)

    def _activated(self, x: Tensor, name: str, capture: Capture | None) -> Tensor:
        if self.layer.activation is not None:
            # In place, because nothing else reads the weighted sum, unless it was captured just before.
            x = ACTIVATIONS[self.layer.activation](x, capture is None)
        _record(capture, f"{name}.activation", x)
        return x

    def _normalised(self, x: Tensor, name: str, capture: Capture | None) -> Tensor:
        if self.normalisation is None:
            return x
        if capture is not None:
            with torch.no_grad():
                capture[f"{name}.normalisation_scale"] = self.normalisation.scale(x)
        # A training step goes back once through its graph; whoever captures values may go back from each.
        normalised: Tensor = self.normalisation(x, backward_once=capture is None)
        return normalised

    def _dropped(self, x: Tensor, key: DropoutKey | HeldKeys | None) -> Tensor:
        layer = self.layer
        if not self.training:
            return scaled_in_evaluation(x, layer.dropout, layer.dropout_rule)
        if key is None:
            raise ValueError(f"{layer.name} drops units in training: pass a DropoutKey, or call eval() first")
        per_kernel = layer.out_side**2
        units = range(self.kernels.start * per_kernel, self.kernels.stop * per_kernel)
        return dropout(x, key.of_layer(layer.name), units, layer.dropout, layer.dropout_rule)


def _record(capture: Capture | None, name: str, value: Tensor) -> None:
    if capture is not None:
        capture[name] = value


def unshared_convolution(x: Tensor, weight: Tensor, bias: Tensor, padding: int) -> Tensor:
    """Unshared convolution with a stride of 1: every position of `x` (N, maps, side, side) has kernels of its own.

    weight (kernels, rows, columns, maps, kernel, kernel) and bias (kernels, rows, columns), where rows and
    columns are the sides of the result (N, kernels, rows, columns).
    """
    kernels, rows, columns, *kernel = weight.shape
    patches = F.unfold(x, (kernel[1], kernel[2]), padding=padding)  # (N, maps x kernel x kernel, positions)
    sums = torch.einsum("nfp,kpf->nkp", patches, weight.reshape(kernels, rows * columns, -1))
    return sums.reshape(-1, kernels, rows, columns) + bias

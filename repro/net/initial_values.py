"""Initial weights and biases (section 5), drawn by seed and parameter name.

The name is that of the tower's parameter, so a tower starts with the same values wherever it lives,
whatever else is built before it, and in any precision (draws are float32).
"""

from __future__ import annotations

import math
from typing import assert_never

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from repro import randomness
from repro.net.table.layers import Layer


def parameter_name(tower: int, layer: str, kind: str) -> str:
    """The placement-free name of a tower's parameter, e.g. tower0.conv2.weight."""
    return f"tower{tower}.{layer}.{kind}"


def weight_shape(layer: Layer, kernels: int) -> tuple[int, ...]:
    """Shape of the weights of `kernels` kernels (or units) of the layer."""
    if layer.kind == "fc":
        return (kernels, layer.in_maps)
    kernel = (layer.in_maps, layer.kernel, layer.kernel)
    return (*bias_shape(layer, kernels), *kernel)


def bias_shape(layer: Layer, kernels: int) -> tuple[int, ...]:
    """Shape of the biases of `kernels` kernels (or units) of the layer."""
    return (kernels, layer.conv_side, layer.conv_side) if layer.kind == "local" else (kernels,)


def initial_weight(layer: Layer, tower: int, seed: int) -> Tensor:
    """Initial weights of one tower's share of the layer, float32 (kernels, maps read, side, side),
    local (kernels, rows, columns, maps read, side, side), or (units, inputs)."""
    shape = weight_shape(layer, len(layer.shares[tower]))
    return _draw(layer, shape, seed, parameter_name(tower, layer.name, "weight"))


def initial_bias(layer: Layer, tower: int, seed: int) -> Tensor:
    """Initial biases of one tower's share of the layer, float32 (kernels,), local (kernels, rows, columns)."""
    shape = bias_shape(layer, len(layer.shares[tower]))
    if layer.initial_rule == "uniform":
        return _draw(layer, shape, seed, parameter_name(tower, layer.name, "bias"))
    return torch.full(shape, layer.initial_bias)


def _draw(layer: Layer, shape: tuple[int, ...], seed: int, name: str) -> Tensor:
    source = randomness.generator(seed, "initial", name)
    rule = layer.initial_rule
    values: npt.NDArray[np.float32]
    if rule == "uniform":
        bound = math.sqrt(3) * layer.initial_deviation
        values = (2 * source.random(shape, dtype=np.float32) - 1) * np.float32(bound)
    elif rule == "normal":
        values = source.standard_normal(shape, dtype=np.float32) * np.float32(layer.initial_deviation)
    else:
        assert_never(rule)
    return torch.from_numpy(values)

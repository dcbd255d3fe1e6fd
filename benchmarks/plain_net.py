"""The project's net as a PyTorch user writes it: torch's own modules in a row, in NCHW memory, groups for towers."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from repro.net.alexnet import AlexNet
from repro.net.table.layer import Layer

ACTIVATIONS = {"relu": nn.ReLU}


class TowerNormalisation(nn.Module):
    """torch's LocalResponseNorm that does not cross from one tower's maps into the other's."""

    def __init__(self, layer: Layer) -> None:
        super().__init__()
        rule = layer.normalisation
        assert rule is not None
        assert rule.place == "after_activation"
        self.blocks = rule.blocks
        # torch divides alpha by the size of the window; the paper does not (section 3.3).
        self.rule = nn.LocalResponseNorm(rule.size, rule.alpha * rule.size, rule.beta, rule.k)

    def forward(self, x: Tensor) -> Tensor:
        count, maps, *sides = x.shape
        return self.rule(x.reshape(count * self.blocks, maps // self.blocks, *sides)).reshape(x.shape)


def plain_net(like: AlexNet) -> nn.Sequential:
    """A net of torch's modules with the weights of `like`, whose scores it gives in evaluation mode."""
    parts: list[nn.Module] = []
    for layer, own in zip(like.table, like.layers, strict=True):
        parts += _modules(layer, own)
    return nn.Sequential(*parts)


def _modules(layer: Layer, own: Any) -> list[nn.Module]:
    parts: list[nn.Module] = []
    learned: nn.Conv2d | nn.Linear
    if layer.kind == "fc":
        parts.append(nn.Flatten())
        learned = nn.Linear(layer.in_maps, layer.out_maps)
    else:
        before, after = layer.padding
        if before != after:
            parts.append(nn.ZeroPad2d((before, after, before, after)))
        inputs = layer.in_maps * layer.groups
        padding = before if before == after else 0
        learned = nn.Conv2d(inputs, layer.out_maps, layer.kernel, layer.stride, padding, groups=layer.groups)
    with torch.no_grad():
        learned.weight.copy_(own.weight.contiguous())
        assert learned.bias is not None
        learned.bias.copy_(own.bias)
    parts.append(learned)
    if layer.activation is not None:
        parts.append(ACTIVATIONS[layer.activation](inplace=True))
    if layer.normalised:
        parts.append(TowerNormalisation(layer))
    if layer.pool:
        size, stride = layer.pool
        parts.append(nn.MaxPool2d(size, stride, ceil_mode=layer.pool_rounding == "ceil"))
    if layer.dropout:
        parts.append(nn.Dropout(layer.dropout))
    return parts

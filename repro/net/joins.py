"""Where values pass between towers, and nowhere else (section 3.5, figure 2).

Two joins with the same forward pass and different backward passes:

- a layer that reads both towers is *partitioned*: each tower computes other outputs from the joined
  values, so the gradient of a tower's part is the sum over both readers;
- the loss is *computed once* for the run, from all classes' logits: each tower's part gets its slice of
  one gradient. Summing what several copies of the loss say would count the gradient once for each.

A wrong join still gives the right logits in the first step and a loss that falls; only gradients tell.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor

from repro.net.table.placement import LOSS

Direction = Literal["forward", "backward"]


class Joins:
    """Both towers in this process and on one device, where joining is concatenation.

    `towers` are the towers in this process, `devices` theirs, `sent` the bytes that these towers have
    handed to the other, by (tower, reader, direction).
    """

    def __init__(self, towers: int, device: torch.device | None = None) -> None:
        self.towers: tuple[int, ...] = tuple(range(towers))
        self.devices: tuple[torch.device, ...] = (device or torch.device("cpu"),) * towers
        self.sent: Counter[tuple[int, str, Direction]] = Counter()

    def for_towers(self, reader: str, parts: Sequence[Tensor]) -> list[Tensor]:
        """For each tower here what the layer `reader` reads: all parts in order along the maps (or units)."""
        return [torch.cat(list(parts), 1)] * len(parts)

    def for_loss(self, parts: Sequence[Tensor], shares: Sequence[range]) -> Tensor:
        """All classes' logits, from the towers' parts; `shares` are the classes of each tower."""
        return torch.cat(list(parts), 1)

    def count(self, tower: int, reader: str, direction: Direction, values: Tensor) -> None:
        """Note that a tower hands `values` to the other."""
        self.sent[tower, reader, direction] += values.numel() * values.element_size()


class DeviceJoins(Joins):
    """Both towers in this process, each on its own device; the loss is computed on tower 0's."""

    def __init__(self, devices: Sequence[torch.device]) -> None:
        super().__init__(len(devices))
        self.devices = tuple(devices)

    def for_towers(self, reader: str, parts: Sequence[Tensor]) -> list[Tensor]:
        return [self._joined(reader, parts, target) for target in self.towers]

    def for_loss(self, parts: Sequence[Tensor], shares: Sequence[range]) -> Tensor:
        return self._joined(LOSS, parts, 0)

    def move(self, values: Tensor, target: int) -> Tensor:
        """A copy of `values` on a tower's device: the one operation by which a value leaves its tower."""
        return values.to(self.devices[target], copy=True, non_blocking=True)

    def _joined(self, reader: str, parts: Sequence[Tensor], target: int) -> Tensor:
        return torch.cat(
            [
                part if source == target else _Send.apply(part, self, reader, source, target)
                for source, part in enumerate(parts)
            ],
            1,
        )


class _Send(torch.autograd.Function):
    """One tower's part on the other's device; its gradient goes back the same way."""

    @staticmethod
    def forward(ctx: Any, part: Tensor, joins: DeviceJoins, reader: str, source: int, target: int) -> Tensor:
        ctx.joins, ctx.reader, ctx.source, ctx.target = joins, reader, source, target
        joins.count(source, reader, "forward", part)
        return joins.move(part, target)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        ctx.joins.count(ctx.target, ctx.reader, "backward", grad)
        return ctx.joins.move(grad, ctx.source), None, None, None, None

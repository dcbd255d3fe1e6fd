"""The joins of towers that live in two processes, by collectives of `torch.distributed`.

Each process (rank) holds one tower and computes the same loss from the same joined logits. Two towers
add exactly two terms wherever gradients meet, and adding two numbers commutes: the bits are those of
both towers in one process. `all_gather` is the only collective, on gloo and NCCL alike.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch.nn import functional as F

from repro.net.joins import Direction, Joins
from repro.net.table.placement import LOSS


class LostRankError(RuntimeError):
    """The other tower's process has ended, hangs, or cannot be reached."""


@contextlib.contextmanager
def waiting_for_other(rank: int) -> Iterator[None]:
    """Turns the many errors of a collective that failed into one sentence."""
    try:
        yield
    except RuntimeError as error:
        # As in "[.../tcp/pair.cc:545] Connection reset by peer. This is typically caused by ..."
        reason = re.sub(r"\[\S+:\d+\] ", "", str(error).strip()).split(". ")[0] or type(error).__name__
        raise LostRankError(
            f"rank {rank} has lost rank {1 - rank}, which holds the other tower ({reason}); "
            "the same command again resumes from the last checkpoint"
        ) from None


class RankJoins(Joins):
    """The tower whose number is this process's rank in `group`; the other rank holds the other."""

    def __init__(self, rank: int, device: torch.device, group: dist.ProcessGroup) -> None:
        super().__init__(2)
        self.rank = rank
        self.group = group
        self.towers, self.devices = (rank,), (device,)

    def for_towers(self, reader: str, parts: Sequence[Tensor]) -> list[Tensor]:
        (part,) = parts
        joined: Tensor = _ForTowers.apply(part, self, reader)
        return [joined]

    def for_loss(self, parts: Sequence[Tensor], shares: Sequence[range]) -> Tensor:
        (part,) = parts
        joined: Tensor = _ForLoss.apply(part, self, shares)
        return joined

    def exchanged(self, values: Tensor, reader: str, direction: Direction) -> list[Tensor]:
        """What each rank gives, in order of ranks; all give the same shape (N, maps, ...)."""
        # Maps last: a tensor in channels_last memory is sent as it lies, and the result lies likewise.
        own = values.detach().movedim(1, -1).contiguous()
        gathered = [torch.empty_like(own) for _ in range(2)]
        with waiting_for_other(self.rank):
            dist.all_gather(gathered, own, group=self.group)
        self.count(self.rank, reader, direction, own)
        return [part.movedim(-1, 1) for part in gathered]


class _ForTowers(torch.autograd.Function):
    """Joined values for a partitioned reader: backward sums both ranks' gradients of this rank's part."""

    @staticmethod
    def forward(ctx: Any, part: Tensor, joins: RankJoins, reader: str) -> Tensor:
        ctx.joins, ctx.reader = joins, reader
        return torch.cat(joins.exchanged(part, reader, "forward"), 1)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        rank = ctx.joins.rank
        halves = grad.chunk(2, 1)
        # Each rank gives the slice that the other needs, so no more comes back than went out.
        back = ctx.joins.exchanged(halves[1 - rank], ctx.reader, "backward")
        return halves[rank] + back[1 - rank], None, None


class _ForLoss(torch.autograd.Function):
    """Joined logits for the loss, which every rank computes alike: backward keeps the own slice, no sum."""

    @staticmethod
    def forward(ctx: Any, part: Tensor, joins: RankJoins, shares: Sequence[range]) -> Tensor:
        ctx.own = shares[joins.rank]
        # An odd number of classes gives tower 0 one more; collectives want equal shapes.
        most = max(len(share) for share in shares)
        parts = joins.exchanged(F.pad(part, (0, most - part.shape[1])), LOSS, "forward")
        return torch.cat([values[:, : len(share)] for values, share in zip(parts, shares, strict=True)], 1)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        return grad[:, ctx.own.start : ctx.own.stop], None, None

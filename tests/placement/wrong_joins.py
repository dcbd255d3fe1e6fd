"""Joins that are silently wrong: right logits in the first step, a loss that falls, wrong gradients."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.distributed as dist
from torch import Tensor

from repro.net.joins import DeviceJoins, Joins
from repro.net.rank_joins import RankJoins
from repro.training.devices.ranks import Ranks
from repro.training.devices.run_placement import RunPlacement


class LogitsJoinedLikeALayer(RankJoins):
    """The gradient of the logits is summed over ranks that computed the same loss: counted twice."""

    def for_loss(self, parts: Sequence[Tensor], shares: Sequence[range]) -> Tensor:
        return self.for_towers("loss", parts)[0]


class PlainGather(RankJoins):
    """`dist.all_gather` has no gradient: what the other tower makes of this part is lost."""

    def for_towers(self, reader: str, parts: Sequence[Tensor]) -> list[Tensor]:
        gathered = self.exchanged(parts[0], reader, "forward")
        gathered[self.rank] = parts[0]
        return [torch.cat(gathered, 1)]


class LayersJoinedLikeTheLoss(RankJoins):
    """Backward keeps the own slice where it must sum."""

    def for_towers(self, reader: str, parts: Sequence[Tensor]) -> list[Tensor]:
        maps = parts[0].shape[1]
        return [super().for_loss(parts, [range(maps), range(maps, 2 * maps)])]


class Averaged(RankJoins):
    """Backward averages over the ranks, as data parallelism does."""

    def for_towers(self, reader: str, parts: Sequence[Tensor]) -> list[Tensor]:
        (joined,) = super().for_towers(reader, parts)
        joined.register_hook(lambda gradient: gradient / 2)
        return [joined]


class DistributedTensor(RankJoins):
    """DTensor's `to_local` without `grad_placements` takes the gradient for one that is the same on both."""

    def for_towers(self, reader: str, parts: Sequence[Tensor]) -> list[Tensor]:
        # Imported by the two ranks alone: it takes a second and a half, and whoever collects the tests need not wait.
        from torch.distributed.device_mesh import DeviceMesh
        from torch.distributed.tensor import DTensor, Replicate, Shard

        mesh = DeviceMesh("cpu", [0, 1])
        shared = DTensor.from_local(parts[0], mesh, [Shard(1)]).redistribute(placements=[Replicate()])
        return [shared.to_local()]


class Detached(DeviceJoins):
    """Two devices, one process: what a layer reads from the other tower has forgotten where it came from."""

    def for_towers(self, reader: str, parts: Sequence[Tensor]) -> list[Tensor]:
        joined = []
        for target in self.towers:
            known = [part if source == target else part.detach() for source, part in enumerate(parts)]
            joined.append(self._joined(reader, known, target))
        return joined


WRONG_RANKS: tuple[type[RankJoins], ...] = (
    LogitsJoinedLikeALayer,
    PlainGather,
    LayersJoinedLikeTheLoss,
    Averaged,
    DistributedTensor,
)


class WrongRanks(Ranks):
    """A placement whose net is joined wrongly."""

    def __init__(self, right: Ranks, joins: type[RankJoins], group: dist.ProcessGroup) -> None:
        super().__init__(right.rank, right.device, group)
        self._wrong = joins(right.rank, right.device, group)

    def _joins(self) -> Joins:
        return self._wrong


class WrongSplit(RunPlacement):
    """The same for two devices in one process."""

    def __init__(self, joins: Joins) -> None:
        super().__init__(*joins.devices)
        self._wrong = joins

    def _joins(self) -> Joins:
        return self._wrong

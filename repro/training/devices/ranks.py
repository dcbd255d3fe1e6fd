"""A run of two processes, a tower in each: how they find, wait for and lose one another.

`torchrun` starts them and says which is which. Two timeouts: a generous one for the start, when a
process may still be importing and reading, and a tight one for every exchange after it.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Collection, Iterator
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.distributed_c10d import PrefixStore
from torch.distributed.rendezvous import rendezvous

from repro.errors import UserError
from repro.net.joins import Joins
from repro.net.rank_joins import RankJoins, waiting_for_other
from repro.net.state import tower_shapes
from repro.training.devices.run_placement import AnyNet, RunPlacement, Value

STARTING = timedelta(minutes=3)
EXCHANGING = timedelta(seconds=90)
"""More than writing a checkpoint takes. torchrun needs up to 30 s more to end a process that hangs."""


class Ranks(RunPlacement):
    """This process's part in a run of two: its tower is its rank, rank 0 leads."""

    def __init__(self, rank: int, device: torch.device, group: dist.ProcessGroup) -> None:
        super().__init__(device)
        self.name = "ranks"
        self.rank = rank
        self.leads = rank == 0
        self._group = group
        self._names = self._gathered(str(device))
        self._accelerators = [name for names in self._gathered(super().accelerators) for name in names]

    @property
    def accelerators(self) -> list[str]:
        return self._accelerators

    def _joins(self) -> Joins:
        return RankJoins(self.rank, self.device, self._group)

    def together(self, work: Callable[[], Value]) -> Value:
        """What `work` gives in this process, once it has worked in both.

        A mistake of the user's in either is raised in the leading one, and ends the other without a word.
        """
        try:
            value, mistake = work(), None
        except UserError as error:
            value, mistake = None, str(error)
        mistakes = [text for text in self._gathered(mistake) if text is not None]
        if mistakes:
            if self.leads:
                raise UserError(mistakes[0])
            raise SystemExit(2)
        return value  # type: ignore[return-value]

    def agree(self, *wishes: bool) -> tuple[bool, ...]:
        flags = torch.tensor(wishes, dtype=torch.uint8)
        with waiting_for_other(self.rank):
            dist.all_reduce(flags, dist.ReduceOp.MAX, group=self._group)
        return tuple(bool(flag) for flag in flags)

    def leads_number(self, value: float) -> float:
        return self._gathered(value)[0]

    def total(self, value: float) -> float:
        return sum(self._gathered(value))

    def check_common(self, name: str, value: int) -> None:
        values = self._gathered(value)
        if len(set(values)) > 1:
            raise UserError(
                f"{name}: rank 0 has {values[0]}, rank 1 has {values[1]}; both must see the same REPRO_STORE"
            )

    def whole(self, net: AnyNet, state: dict[str, Tensor], names: Collection[str] | None = None) -> dict[str, Tensor]:
        shapes = {name: shape for name, shape in tower_shapes(net.table).items() if names is None or name in names}
        dtype = next(iter(state.values())).dtype
        result: dict[str, Tensor] = {}
        with waiting_for_other(self.rank):
            for name, shape in shapes.items():
                if self.leads and name not in state:
                    result[name] = torch.empty(shape, dtype=dtype)
                    dist.recv(result[name], 1, group=self._group)
                elif self.leads:
                    result[name] = state[name]
                elif name in state:
                    dist.send(state[name].cpu(), 0, group=self._group)
        return result or state

    def record(self) -> dict[str, object]:
        return {**super().record(), "devices": self._names}

    def _gathered(self, value: Value) -> list[Value]:
        """Each rank's value, in the order of ranks."""
        values: list[Value] = [value, value]
        with waiting_for_other(self.rank):
            dist.all_gather_object(values, value, group=self._group)
        return values


def check_device(device: str) -> None:
    """UserError unless both ranks, on this host, have what `device` says: cpu, or cuda (one for each)."""
    if device not in ("cpu", "cuda"):
        raise UserError(f"--device {device}: with --placement ranks it is cpu or cuda; CUDA_VISIBLE_DEVICES chooses")
    if device == "cuda" and (visible := torch.cuda.device_count()) < 2:
        raise UserError(
            f"--device cuda: --placement ranks takes two CUDA devices and there are {visible} here; use cpu"
        )


@contextlib.contextmanager
def joined_ranks(
    rank: int, device: str, *, starting: timedelta = STARTING, exchanging: timedelta = EXCHANGING
) -> Iterator[Ranks]:
    """This process's part of the run, once the other process is there; `device` as `check_device` accepts it."""
    own_device = torch.device("cpu")
    if device == "cuda":
        own_device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(own_device)
    backend = "cpu:gloo,cuda:nccl" if own_device.type == "cuda" else "gloo"
    with waiting_for_other(rank):
        store, _, size = next(rendezvous("env://", timeout=starting))
        # torchrun's store outlives a restart, and with it the addresses of processes that are gone.
        own = PrefixStore(f"attempt {os.environ.get('TORCHELASTIC_RESTART_COUNT', 0)}", store)
        dist.init_process_group(backend, store=own, rank=rank, world_size=size, timeout=starting)
        group = dist.new_group(timeout=exchanging)
    assert isinstance(group, dist.ProcessGroup)
    yield Ranks(rank, own_device, group)
    dist.destroy_process_group()

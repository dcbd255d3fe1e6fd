"""Owners of tensors, so that a CPU notices what two GPUs would refuse: an operation on both towers' values.

Every tensor that comes from a tower's parameters belongs to that tower; one that comes from the host (the
pictures, their labels) belongs to nobody. Owners are kept by storage, so views and saved tensors have them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from repro.net.joins import DeviceJoins
from repro.net.towers import TowerNet


class MixedOwnersError(Exception):
    """An operation read values of both towers."""


class Owners(TorchDispatchMode):
    """While active, knows the owner of every tensor and refuses operations that mix owners."""

    def __init__(self) -> None:
        super().__init__()
        # The storages are kept alive, so that no address is used twice.
        self._owners: dict[int, tuple[torch.UntypedStorage, int]] = {}
        self._target: int | None = None
        self.operations = 0

    def own(self, tensor: Tensor, tower: int) -> None:
        storage = tensor.untyped_storage()
        self._owners[storage._cdata] = (storage, tower)

    def own_net(self, net: TowerNet) -> None:
        """Parameters and buffers belong to their towers."""
        for tower in net.towers:
            for tensor in (*tower.parameters(), *tower.buffers()):
                self.own(tensor, tower.tower)

    def owner(self, tensor: Tensor) -> int | None:
        return self._owners.get(tensor.untyped_storage()._cdata, (None, None))[1]

    @contextlib.contextmanager
    def moving_to(self, tower: int) -> Iterator[None]:
        """Declares a transfer: what is made here belongs to `tower`."""
        self._target, before = tower, self._target
        try:
            yield
        finally:
            self._target = before

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        self.operations += 1
        if func.name().startswith("aten::_foreach_"):  # one operation for each place of the lists
            lists = [value for value in args if isinstance(value, (list, tuple))]
            for tensors in zip(*lists, strict=True):
                self._common_owner(func, tensors)
            return func(*args, **kwargs)
        owner = self._target
        if owner is None:
            owner = self._common_owner(func, tree_leaves((args, kwargs)))
        result = func(*args, **kwargs)
        if owner is not None:
            for tensor in tree_leaves(result):
                if isinstance(tensor, Tensor):
                    self.own(tensor, owner)
        return result

    def _common_owner(self, func: Any, values: Any) -> int | None:
        owners = {self.owner(value) for value in values if isinstance(value, Tensor)} - {None}
        if len(owners) > 1:
            raise MixedOwnersError(f"{func} reads values of both towers")
        return owners.pop() if owners else None


class DeclaredJoins(DeviceJoins):
    """The real joins, whose one way of moving a value is a declared transfer."""

    def __init__(self, owners: Owners) -> None:
        super().__init__([torch.device("cpu")] * 2)
        self._mode = owners

    def move(self, values: Tensor, target: int) -> Tensor:
        with self._mode.moving_to(target):
            return super().move(values, target)

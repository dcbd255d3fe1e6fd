"""Nothing crosses between towers but what the joins send."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from torch import Tensor

from repro.net.joins import Joins
from repro.net.towers import TowerNet
from tests.placement.owners import DeclaredJoins, MixedOwnersError, Owners
from tests.placement.traces import NETS, settings_of, trace, training
from tests.placement.wrong_joins import WrongSplit


class NotSent(DeclaredJoins):
    """Joins the parts where they lie."""

    def _joined(self, reader: str, parts: Sequence[Tensor], target: int) -> Tensor:
        return torch.cat(list(parts), 1)


class LossNotSent(DeclaredJoins):
    """The layers are joined rightly, the logits are not."""

    def for_loss(self, parts: Sequence[Tensor], shares: Sequence[range]) -> Tensor:
        return torch.cat(list(parts), 1)


class GradientNotSent(DeclaredJoins):
    """Values are moved, their gradients stay where they were made."""

    def move(self, values: Tensor, target: int) -> Tensor:
        return super().move(values, target) if values.requires_grad else values


def owned_steps(store: Path, net: str, owners: Owners, joins: Joins, steps: int) -> TowerNet:
    run = training(store, settings_of(net, "float32"), WrongSplit(joins))
    assert isinstance(run.net, TowerNet)
    owners.own_net(run.net)
    for name, velocity in run.rule.velocities.items():
        owners.own(velocity, int(name.removeprefix("tower")[0]))
    with owners:
        trace(run, steps)
    return run.net


@pytest.mark.parametrize("net", NETS)
def test_no_operation_mixes_towers_but_where_a_transfer_is_declared(tmp_path, net):
    owners = Owners()
    placed = owned_steps(tmp_path, net, owners, DeclaredJoins(owners), 3)
    assert owners.operations > 500
    for tower in placed.towers:
        gradients = {owners.owner(value.grad) for value in tower.parameters() if value.grad is not None}
        assert gradients == {tower.tower}


@pytest.mark.parametrize("joins", [NotSent, LossNotSent, GradientNotSent])
def test_a_transfer_that_is_not_declared_is_refused(tmp_path, joins):
    owners = Owners()
    with pytest.raises(MixedOwnersError):
        owned_steps(tmp_path, "as in the paper", owners, joins(owners), 1)


def test_a_value_keeps_its_owner_through_views_and_arithmetic():
    owners = Owners()
    first, second = torch.ones(4), torch.ones(4)
    owners.own(first, 0)
    owners.own(second, 1)
    with owners:
        assert owners.owner(first[:2] + torch.ones(2)) == 0
        with pytest.raises(MixedOwnersError):
            first[1:].mul_(second[:3])

"""The two forms of the net are one function, and a net's state passes between them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from hypothesis import given, settings
from torch import Tensor, nn
from torch.nn import functional as F

from repro.errors import UserError
from repro.net.alexnet import AlexNet, DropoutKey
from repro.net.joins import Joins
from repro.net.state import from_tower_state, load_tower_state, tower_shapes, tower_state
from repro.net.table.settings import NetSettings
from repro.net.towers import TowerNet
from tests.net.nets import TINY, net, nets

DOUBLE = torch.float64
CLOSE = {"rtol": 1e-10, "atol": 1e-12}


def pictures(settings: NetSettings, count: int, seed: int) -> Tensor:
    side = settings.geometry.crop
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, 3, side, side, generator=generator, dtype=DOUBLE)


def gradients(model: AlexNet | TowerNet) -> dict[str, Tensor]:
    found = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
    return tower_state(model, found)


@given(settings=nets())
@settings(max_examples=40, deadline=None)
def test_logits_and_gradients_are_equal(settings: NetSettings) -> None:
    whole, towers = AlexNet(settings, 3, 1, DOUBLE), TowerNet(settings, 3, 1, DOUBLE)
    key = DropoutKey(4, torch.tensor([3, 1]))
    x = pictures(settings, 2, 0)
    for model in (whole, towers):
        model.zero_grad()
    logits = [model(x, dropout=key) for model in (whole, towers)]
    torch.testing.assert_close(logits[0], logits[1], **CLOSE)
    for output in logits:
        F.cross_entropy(output, torch.tensor([0, 2])).backward()
    first, second = gradients(whole), gradients(towers)
    for name, value in first.items():
        torch.testing.assert_close(second[name], value, **CLOSE)


def train(model: nn.Module, settings: NetSettings, steps: int) -> None:
    """The paper's update rule on fixed made-up pictures, with dropout."""
    velocities = {name: torch.zeros_like(p) for name, p in model.named_parameters()}
    for step in range(steps):
        model.zero_grad()
        ids = torch.arange(step, step + 4)
        loss = F.cross_entropy(model(pictures(settings, 4, step), dropout=DropoutKey(step, ids)), ids % 5)
        loss.backward()
        with torch.no_grad():
            for name, p in model.named_parameters():
                assert p.grad is not None
                velocities[name].mul_(0.9).add_(p, alpha=-5e-6).add_(p.grad, alpha=-0.01)
                p.add_(velocities[name])


def test_twenty_updates_with_dropout_give_the_same_net() -> None:
    settings = net(TINY)
    whole, towers = AlexNet(settings, 5, 1, DOUBLE), TowerNet(settings, 5, 1, DOUBLE)
    start = tower_state(whole)
    for model in (whole, towers):
        train(model, settings, 20)
    first, second = tower_state(whole), tower_state(towers)
    for name, value in first.items():
        torch.testing.assert_close(second[name], value, **CLOSE)
        assert not torch.equal(value, start[name])


class Noted(Joins):
    """Keeps what it is given of how the towers share the classes; only ranks need it."""

    def for_loss(self, parts: Sequence[Tensor], shares: Sequence[range]) -> Tensor:
        self.parts, self.shares = [part.shape[1] for part in parts], list(shares)
        return super().for_loss(parts, shares)


def test_the_loss_is_joined_by_the_towers_shares_of_the_classes() -> None:
    joins = Noted(2)
    model = TowerNet(net(TINY), 5, 0, joins=joins).eval()
    model(pictures(model.net, 1, 0).float())
    assert joins.shares == [range(3), range(3, 5)]
    assert joins.parts == [3, 2]


def test_towers_hold_half_of_every_layer() -> None:
    model = TowerNet(net(TINY), 5, 0)
    counts = [sum(p.numel() for p in tower.parameters()) for tower in model.towers]
    last = model.table[-1]
    assert sum(counts) == sum(layer.parameters for layer in model.table)
    assert counts[0] - counts[1] == last.fan_in + 1  # 5 classes: one more in tower 0
    assert model.tower0.conv2.weight.shape == (4, 4, 5, 5)


def test_state_has_tower_names_and_shapes() -> None:
    for model in (AlexNet(net(TINY), 5, 0), TowerNet(net(TINY), 5, 0)):
        state = tower_state(model)
        assert {name: tuple(value.shape) for name, value in state.items()} == tower_shapes(model.table)
        assert state["tower0.fc8.weight"].shape == (3, 16)
        assert state["tower1.fc8.weight"].shape == (2, 16)
        assert state["tower1.conv3.weight"].shape == (6, 8, 3, 3)
    assert all(name.startswith("tower0.") for name in tower_state(AlexNet(net(TINY, {"towers": 1}), 5, 0)))


@pytest.mark.parametrize(("source", "target"), [(AlexNet, TowerNet), (TowerNet, AlexNet), (AlexNet, AlexNet)])
def test_state_passes_between_the_forms(source: type[AlexNet | TowerNet], target: type[AlexNet | TowerNet]) -> None:
    one, other = source(net(TINY), 5, 1, DOUBLE).eval(), target(net(TINY), 5, 2, DOUBLE).eval()
    x = pictures(net(TINY), 2, 0)
    assert not torch.allclose(one(x), other(x))
    load_tower_state(other, tower_state(one))
    torch.testing.assert_close(one(x), other(x), **CLOSE)
    assert all(torch.equal(value, tower_state(one)[name]) for name, value in tower_state(other).items())


def test_state_is_a_copy() -> None:
    model = AlexNet(net(TINY), 5, 0)
    state = tower_state(model)
    state["tower0.conv1.weight"].zero_()
    assert model.layers[0].weight.abs().max() > 0


def test_other_values_round_trip() -> None:
    """Velocities are saved by tower, like weights."""
    model = AlexNet(net(TINY), 5, 0)
    velocities = {name: torch.randn_like(p) for name, p in model.named_parameters()}
    back = from_tower_state(model, tower_state(model, velocities))
    assert all(torch.equal(back[name], value) for name, value in velocities.items())


def test_wrong_state_is_refused_by_name() -> None:
    model = AlexNet(net(TINY), 5, 0)
    before = tower_state(model)
    state = tower_state(model)
    missing = {name: value for name, value in state.items() if name != "tower1.conv4.bias"}
    with pytest.raises(UserError, match=r"tower1\.conv4\.bias is missing"):
        load_tower_state(model, missing)
    with pytest.raises(UserError, match=r"tower0\.conv9\.bias"):
        load_tower_state(model, {**state, "tower0.conv9.bias": torch.zeros(1)})
    with pytest.raises(UserError, match=r"tower0\.conv1\.weight .*\(1,\)"):
        load_tower_state(model, {**state, "tower0.conv1.weight": torch.zeros(1)})
    with pytest.raises(UserError, match=r"tower1"):
        load_tower_state(model, tower_state(AlexNet(net(TINY, {"towers": 1}), 5, 0)))
    assert all(torch.equal(value, before[name]) for name, value in tower_state(model).items())

"""A net whose crops are shuffled is the net itself on shuffled crops, and has lost nothing but neighbourhoods."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from repro import randomness
from repro.net.alexnet import AlexNet
from repro.net.input_positions import ShuffledPositions, input_positions
from repro.net.table.settings import NetSettings
from repro.net.towers import TowerNet
from tests.net.nets import TINY
from tests.net.nets import net as small_net

CLASSES = 4


def settings(**changes: object) -> NetSettings:
    return small_net(TINY, changes)


def crops(net: NetSettings, seed: int = 0) -> torch.Tensor:
    side = net.geometry.crop
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(3, 3, side, side)))


def test_one_permutation_moves_the_pixels_of_all_channels_and_pictures() -> None:
    x = torch.arange(2 * 3 * 5 * 5).reshape(2, 3, 5, 5)
    moved = ShuffledPositions(5)(x)
    sources = randomness.permutation(randomness.key("places of pixels"), 25)
    assert sorted(sources) == list(range(25))
    assert list(sources) != list(range(25))
    for picture in range(2):
        for channel in range(3):
            flat = x[picture, channel].flatten()
            assert moved[picture, channel].flatten().tolist() == [int(flat[source]) for source in sources]


def test_the_paper_reads_pixels_in_place() -> None:
    assert isinstance(input_positions(NetSettings()), nn.Identity)


def test_the_net_is_that_on_shuffled_crops_with_the_same_initial_values() -> None:
    plain, shuffled = settings(), settings(input_positions="shuffled")
    x = crops(plain)
    nets = [AlexNet(net, CLASSES, 1, torch.float64).eval() for net in (plain, shuffled)]
    assert [name for name, _ in nets[0].state_dict().items()] == [name for name, _ in nets[1].state_dict().items()]
    moved = ShuffledPositions(plain.geometry.crop)(x)
    assert torch.equal(nets[1](x), nets[0](moved))
    assert not torch.allclose(nets[1](x), nets[0](x))


def test_both_forms_of_the_net_shuffle_alike() -> None:
    net = settings(input_positions="shuffled")
    x = crops(net)
    one, towers = AlexNet(net, CLASSES, 1, torch.float64).eval(), TowerNet(net, CLASSES, 1, torch.float64).eval()
    torch.testing.assert_close(towers(x), one(x), rtol=1e-12, atol=1e-12)

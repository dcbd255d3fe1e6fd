"""What each device holds and what crosses, by the table, against what is really there and really sent."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
import torch
from torch import Tensor

from repro.errors import UserError
from repro.net.alexnet import AlexNet, DropoutKey
from repro.net.joins import DeviceJoins
from repro.net.table.layers import layer_table, parameters
from repro.net.table.placement import (
    PLACEMENTS,
    holdings,
    placement_named,
    placement_record,
    placement_text,
    sendings,
)
from repro.net.table.settings import NetSettings
from repro.net.towers import TowerNet
from repro.training.devices.run_placement import RunPlacement
from tests.net.nets import TINY, net
from tests.placement.traces import NETS, PRECISIONS, sent, settings_of, trace, training
from tests.small_project import repro

CPU = torch.device("cpu")
BATCH = settings_of("as in the paper", "float32").training.batch_size


def expected(name: str, classes: int, placement: str, value_bytes: int) -> dict[tuple[int, str, str], int]:
    table = layer_table(settings_of(name, "float32").net, classes)
    return {
        (item.tower, item.reader, direction): values * BATCH * value_bytes
        for item in sendings(table, placement_named(placement))
        for direction, values in (("forward", item.forward), ("backward", item.backward))
        if values
    }


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("classes", [4, 5])
def test_split_sends_what_the_table_says(tmp_path, name, classes):
    run = training(tmp_path, settings_of(name, "float32"), RunPlacement(CPU, CPU), classes)
    trace(run, 1)
    assert sent(run) == expected(name, classes, "split", 4)


@pytest.mark.parametrize(("case", "classes", "value_bytes"), [("sent", 4, 4), ("sent, odd classes, float64", 5, 8)])
def test_ranks_send_what_the_table_says(two_ranks, case, classes, value_bytes):
    first, second = two_ranks.both(case)
    assert {**first, **second} == expected("as in the paper", classes, "ranks", value_bytes)
    assert not first.keys() & second.keys()
    for booked, given in zip((first, second), two_ranks.both(f"{case}, given to collectives"), strict=True):
        # Collectives want equal shapes: of an odd number of classes, tower 1 gives a logit more than it has.
        assert sorted(given) == sorted(booked.values())


class Measured(DeviceJoins):
    """Counts the values that are joined, by device."""

    def __init__(self) -> None:
        super().__init__([CPU, CPU])
        self.joined = [0, 0]

    def _joined(self, reader: str, parts: Sequence[Tensor], target: int) -> Tensor:
        joined = super()._joined(reader, parts, target)
        self.joined[target] += joined[0].numel()
        return joined


@pytest.mark.parametrize("classes", [4, 5])
def test_a_device_holds_what_the_table_says(classes):
    joins = Measured()
    model = TowerNet(net(TINY), classes, 0, joins=joins)
    captured: dict[str, Tensor] = {}
    model(torch.zeros(1, 3, 23, 23), dropout=DropoutKey(0, torch.zeros(1, dtype=torch.int64)), capture=captured)
    for tower, holding in zip(model.towers, holdings(model.table, "split"), strict=True):
        assert holding.parameters == sum(value.numel() for value in tower.parameters())
        linear = [captured[f"tower{tower.tower}.{layer.name}.linear"] for layer in model.table]
        assert holding.activations == sum(value[0].numel() for value in linear)
        assert holding.joined_inputs == joins.joined[tower.tower]
    (whole,) = holdings(model.table, "single")
    assert whole.parameters == sum(value.numel() for value in AlexNet(net(TINY), classes, 0).parameters())


@pytest.mark.parametrize(("name", "precision"), [(name, precision) for name in NETS for precision in PRECISIONS])
def test_a_rank_holds_half_of_the_parameters(two_ranks, name, precision):
    whole = parameters(layer_table(settings_of(name, precision).net, 4))
    assert two_ranks.both(f"{name} {precision} parameters") == [whole // 2, whole // 2]


def test_the_papers_net_on_two_devices():
    table = layer_table(NetSettings(), 1000)
    assert [holding.parameters for holding in holdings(table, "split")] == [60_965_224 // 2] * 2
    assert [holding.activations for holding in holdings(table, "ranks")] == [659_272 // 2] * 2
    # conv3, fc6, fc7, fc8: half of 128 x 13 x 13, 128 x 6 x 6 and 2048 units twice; then 500 logits.
    forward = {(item.tower, item.reader): item.forward for item in sendings(table, "ranks")}
    one_way = {"conv3": 21_632, "fc6": 4_608, "fc7": 2_048, "fc8": 2_048, "loss": 500}
    assert forward == {(tower, reader): values for reader, values in one_way.items() for tower in (0, 1)}


@pytest.mark.parametrize("placement", PLACEMENTS)
def test_the_text_has_the_records_numbers(placement):
    table = layer_table(NetSettings(), 1000)
    record, text = placement_record(table, placement, 128), placement_text(table, placement, 128)
    numbers = [device[key] for device in record["devices"] for key in ("parameters", "activations")]
    numbers += [item[key] for item in record["sent"] for key in ("forward_bytes", "backward_bytes")]
    assert all(f"{number:,}" in text for number in numbers)
    assert max(map(len, text.splitlines())) <= 100
    assert all(before != after for before, after in pairwise(text.splitlines()))


@pytest.mark.parametrize("placement", ["split", "ranks"])
def test_a_net_of_one_tower_is_not_placed_on_two_devices(placement):
    assert placement_named("single", towers=1) == "single"
    with pytest.raises(UserError, match=f"--placement {placement}: this net has one tower"):
        placement_named(placement, towers=1)


def test_describe_shows_a_placement(tmp_path):
    answer = repro(tmp_path, "describe", "--placement", "split", "--batch", "64")
    assert answer.code == 0
    assert "30,482,612" in answer.out
    assert "step of 64 pictures" in answer.out
    answer = repro(tmp_path, "describe", "--placement", "elsewhere")
    assert (answer.code, answer.err) == (2, "error: --placement elsewhere: allowed are single, split, ranks\n")

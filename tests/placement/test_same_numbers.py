"""Two ranks, two devices, two modules in one process: the same bits. Grouped convolutions: the same numbers."""

from __future__ import annotations

import itertools

import pytest
import torch

from repro.net.joins import DeviceJoins, Joins
from repro.training.devices.run_placement import RunPlacement
from tests.placement.traces import (
    NETS,
    PRECISIONS,
    differing,
    largest_relative_difference,
    merged,
    settings_of,
    trace,
    training,
)
from tests.placement.two_ranks import STEPS_WRONG
from tests.placement.wrong_joins import WRONG_RANKS, Detached, WrongSplit

CPU = torch.device("cpu")
SPLIT = RunPlacement(CPU, CPU)
CASES = list(itertools.product(NETS, PRECISIONS))


@pytest.mark.parametrize(("net", "precision"), CASES)
def test_split_has_the_bits_of_both_towers_on_one_device(tmp_path, net, precision):
    settings = settings_of(net, precision)
    together = trace(training(tmp_path, settings, WrongSplit(Joins(2))))
    assert differing(together, trace(training(tmp_path, settings, SPLIT))) == []


@pytest.mark.parametrize(("net", "precision"), CASES)
def test_ranks_have_the_bits_of_split(two_ranks, net, precision):
    split = trace(training(two_ranks.folder / "steps", settings_of(net, precision), SPLIT))
    assert differing(split, merged(two_ranks.both(f"{net} {precision}"))) == []


def test_towers_of_unequal_numbers_of_classes_agree_too(two_ranks):
    settings = settings_of("as in the paper", "float32")
    split = trace(training(two_ranks.folder / "steps", settings, SPLIT, classes=5))
    assert split["0 logits"].shape[1] == 5
    assert differing(split, merged(two_ranks.both("odd classes"))) == []


@pytest.mark.parametrize("net", NETS)
def test_single_agrees_to_rounding(tmp_path, net):
    settings = settings_of(net, "float64")
    single = trace(training(tmp_path, settings, RunPlacement(CPU)))
    assert largest_relative_difference(single, trace(training(tmp_path, settings, SPLIT))) < 1e-10


@pytest.mark.parametrize("wrong", [joins.__name__ for joins in WRONG_RANKS])
def test_a_wrong_join_of_ranks_is_seen_in_gradients_and_only_there(two_ranks, wrong):
    right = trace(training(two_ranks.folder / "steps", settings_of("as in the paper", "float64"), SPLIT), STEPS_WRONG)
    found = differing(right, merged(two_ranks.both(wrong)))
    assert "0 logits" not in found
    assert any(name.startswith("0 gradient") for name in found)


def test_a_wrong_join_of_devices_is_seen_in_gradients_and_only_there(tmp_path):
    settings = settings_of("as in the paper", "float64")
    right = trace(training(tmp_path, settings, SPLIT), STEPS_WRONG)
    found = differing(right, trace(training(tmp_path, settings, WrongSplit(Detached([CPU, CPU]))), STEPS_WRONG))
    assert "0 logits" not in found
    assert any(name.startswith("0 gradient") for name in found)


def test_the_joins_of_two_devices_move_values_even_where_both_are_one_device():
    joins = DeviceJoins([CPU, CPU])
    values = torch.ones(2, 3)
    assert joins.move(values, 1).data_ptr() != values.data_ptr()

"""Dropout masks: the project's hash bit for bit, alike for any part of a batch, fair, the paper's rule."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from repro import randomness
from repro.net import dropout
from repro.net.dropout import DropoutKey, keep_mask

KEYS = st.integers(0, 2**64 - 1)


@given(
    key=KEYS,
    ids=st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=6),
    first=st.integers(0, 2**40),
    count=st.integers(1, 50),
    probability=st.floats(0, 1, exclude_max=True),
)
@settings(max_examples=200, deadline=None)
def test_equal_to_the_projects_hash(key: int, ids: list[int], first: int, count: int, probability: float) -> None:
    units = range(first, first + count)
    mask = keep_mask(DropoutKey(key, torch.tensor(ids)), units, probability)
    drawn = randomness.uniform(key, np.array(ids, np.int64)[:, None], np.array(units)[None, :])
    assert (mask.numpy() == (drawn >= probability)).all()


@given(
    key=KEYS,
    rows=st.integers(1, 40),
    cut=st.tuples(st.integers(0, 40), st.integers(0, 60)),
    block=st.integers(1, 3000),
)
@settings(max_examples=50, deadline=None)
def test_any_part_is_that_part_of_the_whole(key: int, rows: int, cut: tuple[int, int], block: int) -> None:
    ids = torch.arange(100, 100 + rows)
    whole = keep_mask(DropoutKey(key, ids), range(60), 0.5)
    row, unit = min(cut[0], rows - 1), min(cut[1], 59)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dropout, "_BLOCK", block)
        part = keep_mask(DropoutKey(key, ids[row:]), range(unit, 60), 0.5)
    assert torch.equal(part, whole[row:, unit:])


@pytest.mark.parametrize("probability", [0.2, 0.5])
def test_fair_and_independent_between_neighbours_layers_and_steps(probability: float) -> None:
    ids = torch.arange(256)
    masks = [
        keep_mask(DropoutKey(key, ids).of_layer(name), range(1024), probability).double()
        for key, name in ((1, "fc6"), (1, "fc7"), (2, "fc6"))
    ]
    values = masks[0].numel()
    deviation = (probability * (1 - probability)) ** 0.5
    for mask in masks:
        assert abs(mask.mean().item() - (1 - probability)) < 5 * deviation / values**0.5
    first = (masks[0] - (1 - probability)) / deviation
    others = [(mask - (1 - probability)) / deviation for mask in masks[1:]]
    pairs = [(first[1:], first[:-1]), (first[:, 1:], first[:, :-1]), (first, others[0]), (first, others[1])]
    for one, other in pairs:
        assert abs((one * other).mean().item()) < 5 / one.numel() ** 0.5


def test_probability_zero_keeps_everything() -> None:
    assert keep_mask(DropoutKey(3, torch.arange(8)), range(100), 0.0).all()


@pytest.mark.parametrize(("rule", "kept"), [("mask", 1.0), ("inverted", 2.0)])
def test_dropped_units_give_neither_value_nor_gradient(rule: str, kept: float) -> None:
    key = DropoutKey(5, torch.arange(4))
    x = torch.ones(4, 30, requires_grad=True)
    y = dropout.dropout(x, key, range(30), 0.5, rule)
    y.sum().backward()
    mask = keep_mask(key, range(30), 0.5)
    assert torch.equal(y.detach(), mask * kept)
    assert x.grad is not None
    assert torch.equal(x.grad, mask * kept)

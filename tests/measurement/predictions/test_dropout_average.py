"""The geometric mean over dropout's nets, against an enumeration of all of them."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from repro.measurement.predictions import dropout_average
from repro.measurement.predictions.dropout_average import divergence_of, geometric_mean, mean_log_probabilities
from repro.measurement.subject import Subject, through
from tests.measurement.subjects import small_packed, subject_of
from tests.small_runs import small_settings

FEW = {"widths": {"conv": [8, 8, 8, 8, 8], "fc": [2, 4]}}


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    """Two units in fc6 and four in fc7: 64 nets."""
    exact = small_settings(net=FEW, precision="float64")
    subject = subject_of(small_packed(tmp_path_factory.mktemp("store")), exact)
    with torch.no_grad():
        for layer in subject.net.layers[-3:]:
            layer.bias.fill_(0.5)
            layer.weight.mul_(3)
        subject.net.layers[-1].weight.mul_(200)  # from an initial deviation of 0.01
    return subject


def _enumerated(subject: Subject, x: Tensor) -> Tensor:
    """log p of every net (nets, pictures, classes)."""
    fc6, fc7, fc8 = subject.net.layers[-3:]
    outputs = []
    with torch.inference_mode():
        for first in itertools.product((0.0, 1.0), repeat=2):
            for second in itertools.product((0.0, 1.0), repeat=4):
                hidden = torch.relu(fc6._weighted_sum(x)) * torch.tensor(first, dtype=x.dtype)
                hidden = torch.relu(fc7._weighted_sum(hidden)) * torch.tensor(second, dtype=x.dtype)
                outputs.append(torch.log_softmax(fc8(hidden), 1))
    return torch.stack(outputs)


def _read(subject: Subject, pictures: int) -> tuple[Tensor, np.ndarray]:
    ids = np.arange(pictures)
    pixels, _ = next(subject.inputs.batches(subject.pictures.held_out, ids, pictures))
    with torch.inference_mode():
        return through(subject.net.layers[:-3], pixels, ())[0], ids


def test_many_masks_come_near_all_nets(subject: Subject) -> None:
    x, ids = _read(subject, 12)
    every = _enumerated(subject, x)
    with torch.inference_mode():
        mean_log = mean_log_probabilities(subject.net.layers[-3:], x, ids, 6000, subject.seed)
    spread = every.std(0) / 6000**0.5
    assert ((mean_log - every.mean(0)).abs() <= 5 * spread + 1e-12).all()
    assert spread.max() > 1e-3  # the nets differ, so this says something
    assert not any(layer.training for layer in subject.net.layers)


def test_the_divergence_from_single_masks_is_minus_log_z(subject: Subject) -> None:
    every = _enumerated(subject, _read(subject, 12)[0])
    log_g, single = geometric_mean(every.mean(0))
    torch.testing.assert_close(log_g.exp().sum(1), torch.ones(12, dtype=torch.float64))
    each = torch.stack([divergence_of(log_g, log_p) for log_p in every])
    torch.testing.assert_close(single, each.mean(0))


def test_masks_are_keyed_by_picture_and_number(subject: Subject) -> None:
    x, ids = _read(subject, 12)
    layers = subject.net.layers[-3:]
    with torch.inference_mode():
        whole = mean_log_probabilities(layers, x, ids, 7, subject.seed)
        part = mean_log_probabilities(layers, x[5:8], ids[5:8], 7, subject.seed)
        other = mean_log_probabilities(layers, x[5:8], ids[:3], 7, subject.seed)
    torch.testing.assert_close(whole[5:8], part)
    assert not torch.allclose(part, other)


@given(st.integers(1, 5), st.integers(2, 6), st.integers(0, 9))
@settings(deadline=None, max_examples=25)
def test_dropout_just_before_the_softmax_is_averaged_exactly_by_scaling(units: int, classes: int, seed: int) -> None:
    """Section 4.2's exact case, by enumeration: one layer between the mask and the softmax."""
    source = np.random.default_rng(seed)
    weight, hidden = source.standard_normal((classes, units)) * 3, source.random(units)
    masks = np.array(list(itertools.product((0.0, 1.0), repeat=units)))
    log_p = torch.log_softmax(torch.from_numpy(masks * hidden @ weight.T), 1)
    log_g, _ = geometric_mean(log_p.mean(0, keepdim=True))
    log_w = torch.log_softmax(torch.from_numpy(hidden * 0.5 @ weight.T)[None], 1)
    assert float(divergence_of(log_g, log_w)) == pytest.approx(0, abs=1e-12)


def test_measured_numbers_fit_together(subject: Subject) -> None:
    scalars = dropout_average.measure(subject, dropout_pictures=20, dropout_masks=500).scalars
    assert 0 < scalars["dropout_kl_scaled"] < scalars["dropout_kl_single"]
    assert scalars["dropout_kl_ratio"] == pytest.approx(scalars["dropout_kl_scaled"] / scalars["dropout_kl_single"])
    in_parts = dropout_average.measure(subject, dropout_pictures=20, dropout_masks=500).scalars
    assert in_parts == scalars
    assert scalars["dropout_pictures"] == 20


@pytest.mark.parametrize("place", ["after", "before"])
@pytest.mark.parametrize("rule", ["mask", "inverted"])
def test_every_place_and_rule_of_dropout_is_averaged(tmp_path: Path, place: str, rule: str) -> None:
    net = {"dropout": {"probability": 0.3, "place": place, "rule": rule}}
    scalars = dropout_average.measure(
        subject_of(small_packed(tmp_path), small_settings(net=net)), dropout_pictures=5, dropout_masks=20
    ).scalars
    assert 0 <= scalars["dropout_kl_scaled"] < scalars["dropout_kl_single"]


def test_a_net_without_dropout_has_no_such_numbers(tmp_path: Path) -> None:
    none = subject_of(small_packed(tmp_path), small_settings(net={"dropout": {"probability": 0.0}}))
    assert set(dropout_average.measure(none, dropout_pictures=5, dropout_masks=20).scalars.values()) == {None}

"""Batches are functions of seed, epoch and offset, in whatever order they are asked for."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from repro.data.augmentation import draw, training_batch
from repro.data.packed import open_packed
from repro.runs.store import RunSpec
from repro.training import batches
from repro.training.batches import Batches
from repro.training.evaluation import Inputs
from tests.packed_pictures import make_packed
from tests.small_runs import small_settings

SEED = 3


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    store = tmp_path_factory.mktemp("store")
    return open_packed(store / make_packed(store))


@pytest.fixture(autouse=True)
def two_batches_are_drawn_at_once(monkeypatch):
    monkeypatch.setattr(batches, "DRAWN_AT_ONCE", 2)


asked = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 40)), min_size=1, max_size=6)


@given(asked, st.sampled_from(["per_picture", "per_32", "centre"]), st.sampled_from([None, 1]))
def test_a_batch_depends_on_nothing_that_was_asked_before(packed, asked, crops, off):
    augmentation = {"crops": crops, "colour_noise_off_epoch": off, "divide_after_noise": 1.1}
    settings = small_settings(augmentation=augmentation)
    inputs = Inputs.of(settings, packed, torch.device("cpu"))
    made = Batches(RunSpec(settings, SEED, packed.digest, "pictures"), packed)
    for epoch, number in asked:
        order = made.order(epoch)
        offset = number % made.per_epoch * made.size
        samples = order[offset : offset + made.size]
        ids = packed.train.ids_of(samples)
        draws = draw(
            settings.training.augmentation,
            packed.colour,
            seed=SEED,
            epoch=epoch,
            samples=ids,
            offset=offset,
            size=packed.train.pictures.shape[1],
            crop=inputs.crop,
        )
        scale = inputs.scale / (1.0 if off is not None and epoch >= off else 1.1)
        expected = training_batch(packed.train.pictures, samples, draws, inputs.crop_means, scale)
        pixels, labels, found = made.at(epoch, order, offset, inputs)
        assert torch.equal(pixels, inputs.tensor(expected))
        assert labels.tolist() == packed.train.labels[samples].tolist()
        assert found.tolist() == ids.tolist()


def test_another_order_of_the_same_epoch_is_drawn_anew(packed):
    settings = small_settings()
    inputs = Inputs.of(settings, packed, torch.device("cpu"))
    made = Batches(RunSpec(settings, SEED, packed.digest, "pictures"), packed)
    order = made.order(0)
    backwards = np.ascontiguousarray(order[::-1])
    first, *_ = made.at(0, order, 0, inputs)
    made.at(0, backwards, 0, inputs)
    again, *_ = made.at(0, order, 0, inputs)
    other, *_ = Batches(RunSpec(settings, SEED, packed.digest, "pictures"), packed).at(0, backwards, 0, inputs)
    assert torch.equal(first, again)
    assert torch.equal(other, made.at(0, backwards, 0, inputs)[0])

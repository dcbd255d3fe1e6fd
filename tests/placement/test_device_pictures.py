"""Batches made on the device from raw bytes are the CPU's batches, bit by bit. No GPU was at hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from repro.data.augmentation import CropMeans, Draws, centre_batch, mean_to_subtract, training_batch
from repro.randomness import generator
from repro.training.devices.device_pictures import DevicePictures
from repro.training.devices.run_placement import RunPlacement
from tests.placement.traces import differing, settings_of, trace, training

CPU = torch.device("cpu")
PICTURES = generator("device pictures").integers(0, 256, (12, 21, 21, 3), dtype=np.uint8)
MEAN = PICTURES.mean(axis=0).astype(np.float32)


def draws(count: int, offsets: int) -> Draws:
    random = generator("draws", count)
    return Draws(
        top=random.integers(0, offsets, count),
        left=random.integers(0, offsets, count),
        mirrored=random.random(count) < 0.5,
        shift=random.normal(0, 20, (count, 3)),
    )


@pytest.mark.parametrize("kind", ["picture", "centre_of_picture", "channel"])
@pytest.mark.parametrize("crop", [21, 16])
@pytest.mark.parametrize("scale", [1.0, 1 / 64, 1 / 1.1, 2.0])
def test_training_batches_are_the_same_bits(kind, crop, scale):
    mean, samples = mean_to_subtract(MEAN, kind, crop), np.array([3, 11, 0, 3, 7])
    made = draws(len(samples), 21 - crop + 1)
    place = DevicePictures(CPU, mean, crop)
    for drawn in (made, replace(made, shift=np.zeros((len(samples), 3)))):
        expected = training_batch(PICTURES, samples, drawn, CropMeans(mean, crop), scale)
        found = place.training(PICTURES[samples], drawn, scale)
        assert found.is_contiguous(memory_format=torch.channels_last)
        assert np.array_equal(found.permute(0, 2, 3, 1).numpy(), expected)


@pytest.mark.parametrize("kind", ["picture", "centre_of_picture", "channel"])
def test_central_crops_are_the_same_bits(kind):
    mean = mean_to_subtract(MEAN, kind, 16)
    found = DevicePictures(CPU, mean, 16).centre(PICTURES, 1 / 64)
    assert np.array_equal(found.permute(0, 2, 3, 1).numpy(), centre_batch(PICTURES, mean, 16, 1 / 64))


@pytest.mark.parametrize("placement", [RunPlacement(CPU), RunPlacement(CPU, CPU)])
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_a_run_whose_devices_make_their_batches_has_the_same_bits(tmp_path, placement, precision):
    settings = settings_of("as in the paper", precision)
    usual, other = training(tmp_path, settings, placement), training(tmp_path, settings, placement)
    other.inputs = replace(other.inputs, raw=True)
    assert differing(trace(usual, 8), trace(other, 8)) == []
    split = other.packed.held_out
    sample = np.arange(len(split.labels))
    for (one, _), (two, _) in zip(
        usual.inputs.placed_batches(split, sample, 10), other.inputs.placed_batches(split, sample, 10), strict=True
    ):
        assert isinstance(one, torch.Tensor)
        assert all(torch.equal(one, copy) for copy in (two if isinstance(two, tuple) else (two,)))

"""The first layer along training: which points are kept, that they are the run's, and what a restart leaves."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from repro.data.packed import open_packed
from repro.errors import UserError
from repro.net.alexnet import AlexNet
from repro.runs.store import Run
from repro.training.devices.run_placement import RunPlacement
from repro.training.loop import Interrupted, Training
from repro.training.records.kept_kernels import kept_kernels
from tests.packed_pictures import make_packed
from tests.small_runs import small_run, small_settings

CPU = torch.device("cpu")
STEPS_PER_EPOCH = 7


def train(run: Run, *devices: torch.device, **options) -> Run:
    Training(run, open_packed(run.store / run.spec().pictures), RunPlacement(*(devices or (CPU,)))).train(**options)
    return run


def fresh(store: Path, **training) -> Run:
    return small_run(store, make_packed(store), small_settings(**training))


def contents(run: Run) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (run.folder / "kernels").iterdir()}


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Run:
    return train(fresh(tmp_path_factory.mktemp("store")))


def test_the_first_and_the_last_point_are_the_runs_own_kernels(whole):
    found = kept_kernels(whole.folder)
    assert list(found) == [0, *(STEPS_PER_EPOCH * epoch for epoch in (1, 2, 3))]
    weights = load_file(whole.checked_weights())
    last = np.concatenate([weights[f"tower{tower}.conv1.weight"].numpy() for tower in (0, 1)])
    np.testing.assert_array_equal(found[21], last)
    initial = AlexNet(whole.spec().settings.net, 4, whole.spec().seed).state_dict()["conv1.weight"].numpy()
    np.testing.assert_array_equal(found[0], initial)
    assert found[0].dtype == np.float32


def test_points_are_those_of_the_whole_learning_curve_alone(tmp_path):
    run = train(fresh(tmp_path, curve_every=2, curve_every_steps=3, epochs=5))
    assert list(kept_kernels(run.folder)) == [0, *(STEPS_PER_EPOCH * epoch for epoch in (2, 4, 5))]


def test_an_interrupted_run_ends_with_the_same_files(whole, tmp_path):
    run = fresh(tmp_path)
    for steps in (3, 6, 9):
        calls = itertools.count(1)
        with pytest.raises(Interrupted):
            train(run, should_stop=lambda calls=calls, steps=steps: next(calls) > steps)
    assert contents(train(run)) == contents(whole)


def test_towers_on_two_devices_are_kept_as_one_layer(whole, tmp_path):
    found = kept_kernels(train(fresh(tmp_path), CPU, CPU).folder)
    assert list(found) == list(kept_kernels(whole.folder))
    for step, kernels in kept_kernels(whole.folder).items():
        np.testing.assert_allclose(found[step], kernels, rtol=1e-3, atol=1e-5)


def test_a_run_without_them_has_none_and_a_damaged_one_is_named(whole, tmp_path):
    assert kept_kernels(tmp_path) == {}
    (tmp_path / "kernels").mkdir()
    (tmp_path / "kernels" / "step-00000007.npy").write_bytes(contents(whole)["step-00000007.npy"][:200])
    with pytest.raises(UserError, match=r"step-00000007\.npy is damaged .*delete it"):
        kept_kernels(tmp_path)

"""A run gives the same bits however often it is interrupted, and its numbers are pinned."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file

from repro.data.packed import open_packed
from repro.errors import UserError
from repro.runs.store import Run
from repro.study.identity import TRAINING_VERSION
from repro.training.loop import Interrupted, Training
from tests.packed_pictures import make_packed
from tests.small_runs import small_run, small_settings

CPU = torch.device("cpu")
GOLDEN = Path(__file__).with_name("golden.json")


def train(run: Run, pictures: str, **options) -> str:
    Training(run, open_packed(run.store / pictures), CPU).train(**options)
    return run.result()["weights_digest"]


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory) -> tuple[str, list[dict]]:
    store = tmp_path_factory.mktemp("store")
    pictures = make_packed(store)
    run = small_run(store, pictures)
    return train(run, pictures), run.log()


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(stops=st.lists(st.integers(1, 20), min_size=1, max_size=3))
def test_interruptions_change_no_bit(uninterrupted, tmp_path_factory, stops):
    store = tmp_path_factory.mktemp("store")
    pictures = make_packed(store)
    run = small_run(store, pictures)
    for steps in stops:
        calls = itertools.count(1)
        training = Training(run, open_packed(store / pictures), CPU)
        try:
            training.train(should_stop=lambda calls=calls, steps=steps: next(calls) > steps)
        except Interrupted:
            continue
        break
    digest = run.result()["weights_digest"] if run.finished else train(run, pictures)
    assert (digest, run.log()) == uninterrupted


def test_checkpoints_between_change_no_bit(uninterrupted, tmp_path):
    pictures = make_packed(tmp_path)
    run = small_run(tmp_path, pictures)
    assert train(run, pictures, checkpoint_seconds=0.0) == uninterrupted[0]


def test_other_seeds_give_other_nets(uninterrupted, tmp_path):
    pictures = make_packed(tmp_path)
    assert train(small_run(tmp_path, pictures, seed=2), pictures) != uninterrupted[0]


def test_the_numbers_of_this_training_version_are_pinned(tmp_path):
    """If this fails because training now gives other numbers on purpose: raise TRAINING_VERSION, remake golden.json."""
    pictures = make_packed(tmp_path)
    run = small_run(tmp_path, pictures, small_settings(precision="float64"))
    train(run, pictures)
    weights = load_file(run.checked_weights())
    found = {
        "training_version": TRAINING_VERSION,
        "weights": {name: float(value.abs().sum()) for name, value in sorted(weights.items())},
        "losses": [row["train_loss"] for row in run.log()],
    }
    golden = json.loads(GOLDEN.read_text())
    assert found["training_version"] == golden["training_version"]
    assert found["weights"] == pytest.approx(golden["weights"], rel=1e-9)
    assert found["losses"] == pytest.approx(golden["losses"], rel=1e-9)


def test_a_plateau_schedule_reads_the_validation_error(tmp_path):
    pictures = make_packed(tmp_path, validation=12)
    run = small_run(
        tmp_path,
        pictures,
        small_settings(schedule={"kind": "plateau", "patience": 1}, validation_per_class=3, epochs=30),
    )
    train(run, pictures)
    rows = run.log()
    assert all("validation_error" in row for row in rows)
    assert len(rows) < 30
    assert len({row["learning_rate"] for row in rows}) == 4


def test_a_diverged_run_is_recorded_as_such(tmp_path):
    pictures = make_packed(tmp_path)
    run = small_run(tmp_path, pictures, small_settings(learning_rate=1e6))
    train(run, pictures)
    assert run.result()["status"] == "diverged"


def test_a_damaged_checkpoint_is_named(tmp_path):
    pictures = make_packed(tmp_path)
    run = small_run(tmp_path, pictures)
    calls = itertools.count(1)
    training = Training(run, open_packed(tmp_path / pictures), CPU)
    with pytest.raises(Interrupted):
        training.train(should_stop=lambda: next(calls) > 4)
    checkpoint = run.folder / "checkpoint.pt"
    checkpoint.write_bytes(checkpoint.read_bytes()[:-500])
    with pytest.raises(UserError, match=r"checkpoint\.pt is damaged .* delete it"):
        train(run, pictures)


def test_training_learns(uninterrupted):
    losses = [row["train_loss"] for row in uninterrupted[1]]
    assert np.diff(losses).max() < 0

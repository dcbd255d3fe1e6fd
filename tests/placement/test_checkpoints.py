"""A checkpoint does not know its placement: whatever wrote it, anything goes on from it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from repro.net.state import tower_shapes
from repro.net.table.layers import layer_table
from repro.runs.store import runs_in
from repro.training.devices.run_placement import RunPlacement
from tests.placement.conftest import CPU, begin
from tests.placement.traces import Trace, differing, largest_relative_difference, settings_of, training
from tests.placement.two_ranks import SEPARATE_STORES, STOP_AFTER

SINGLE, SPLIT = RunPlacement(CPU), RunPlacement(CPU, CPU)
SETTINGS = settings_of("as in the paper", "float64")


def finished(store: Path, placement: RunPlacement) -> Trace:
    """The final weights of the store's run, resumed or begun at `placement`."""
    run = training(store, SETTINGS, placement)
    run.train()
    assert run.run.result()["provenance"]["placement"] == placement.name
    return load_file(run.run.checked_weights())


def weights_in(store: Path) -> Trace:
    (run,) = runs_in(store)
    return load_file(run.checked_weights())


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory) -> Trace:
    return finished(tmp_path_factory.mktemp("split"), SPLIT)


def test_ranks_write_one_file_that_holds_all_towers(two_ranks):
    (run,) = runs_in(two_ranks.folder / "interrupted")
    state = torch.load(run.folder / "checkpoint.pt", weights_only=True)
    assert state["step"] == STOP_AFTER
    shapes = tower_shapes(layer_table(SETTINGS.net, 4))
    for kind in ("weights", "velocities"):
        assert {name: tuple(value.shape) for name, value in state[kind].items()} == shapes
        assert list(state[kind]) == list(shapes)


def test_what_ranks_began_goes_on_in_one_process(two_ranks, tmp_path, uninterrupted):
    shutil.copytree(two_ranks.folder / "interrupted", tmp_path / "split")
    shutil.copytree(two_ranks.folder / "interrupted", tmp_path / "single")
    assert differing(uninterrupted, finished(tmp_path / "split", SPLIT)) == []
    assert largest_relative_difference(uninterrupted, finished(tmp_path / "single", SINGLE)) < 1e-10


def test_what_one_process_began_goes_on_in_ranks(two_ranks, uninterrupted):
    resumed = weights_in(two_ranks.folder / "resumed")
    assert largest_relative_difference(uninterrupted, resumed) < 1e-10
    (run,) = runs_in(two_ranks.folder / "resumed")
    assert run.result()["sittings"] == 2
    assert run.result()["provenance"]["placement"] == "ranks"
    assert run.result()["provenance"]["devices"] == ["cpu", "cpu"]
    assert run.result()["provenance"]["accelerators"] == []


def test_a_whole_run_of_ranks_has_the_bits_of_split(two_ranks, uninterrupted):
    assert differing(uninterrupted, weights_in(two_ranks.folder / "whole")) == []


def test_both_ranks_time_their_batches(two_ranks):
    (run,) = runs_in(two_ranks.folder / "whole")
    result = run.result()
    assert result["provenance"]["accelerators"] == ["a card", "a card"]
    assert min(result[name] for name in ("clock_seconds", "augmented_step_seconds", "plain_step_seconds")) > 0


@pytest.mark.parametrize(("first", "then"), [(SINGLE, SPLIT), (SPLIT, SINGLE), (SPLIT, SPLIT)])
def test_one_process_changes_its_placement_midway(tmp_path, uninterrupted, first, then):
    begin(tmp_path, first)
    end = finished(tmp_path, then)
    if first.name == then.name == "split":
        assert differing(uninterrupted, end) == []
    assert largest_relative_difference(uninterrupted, end) < 1e-10


def test_the_run_is_the_same_run_wherever_it_is_placed(two_ranks, tmp_path):
    identities = {training(tmp_path, SETTINGS, SPLIT).run.identity}
    for store in SEPARATE_STORES:
        identities |= {run.identity for run in runs_in(two_ranks.folder / store)}
    assert len(identities) == 1


def test_logs_and_records_of_ranks_are_those_of_one_process(two_ranks, tmp_path):
    finished(tmp_path, SPLIT)
    (one,), (other,) = runs_in(tmp_path), runs_in(two_ranks.folder / "whole")
    assert one.log() == other.log()
    assert one.result()["weights_digest"] == other.result()["weights_digest"]
    kept = [{path.name: path.read_bytes() for path in (run.folder / "kernels").iterdir()} for run in (one, other)]
    assert kept[0] == kept[1]
    assert len(kept[0]) == SETTINGS.training.epochs + 1

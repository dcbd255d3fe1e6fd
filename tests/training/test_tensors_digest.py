"""The digest of a net's tensors: what it depends on, and that every finished run has it."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import load_file

from repro.data.packed import open_packed
from repro.errors import UserError
from repro.measurement.run_record import provenance_of
from repro.runs.store import Run
from repro.study.identity import TRAINING_VERSION
from repro.training.loop import Training
from repro.training.records.tensors_digest import tensors_digest
from tests.packed_pictures import make_packed
from tests.small_runs import small_run, small_settings


def some() -> dict[str, torch.Tensor]:
    return {"a": torch.arange(6.0).reshape(2, 3), "b": torch.ones(2)}


def test_order_and_memory_do_not_matter():
    turned = torch.arange(6.0).reshape(2, 3).t().contiguous().t()
    assert tensors_digest({"b": torch.ones(2), "a": turned}) == tensors_digest(some())


@pytest.mark.parametrize(
    "change",
    [
        {"a": torch.arange(6.0).reshape(3, 2)},
        {"a": torch.arange(6.0, dtype=torch.float64).reshape(2, 3)},
        {"a": torch.arange(6.0).reshape(2, 3) + torch.tensor([0, 0, 1e-6])},
        {"c": torch.ones(1)},
    ],
)
def test_values_types_shapes_and_names_do(change):
    assert tensors_digest({**some(), **change}) != tensors_digest(some())
    renamed = some()
    renamed["c"] = renamed.pop("b")
    assert tensors_digest(renamed) != tensors_digest(some())


@pytest.fixture
def run(tmp_path) -> Run:
    made = small_run(tmp_path, make_packed(tmp_path), small_settings(epochs=1))
    Training(made, open_packed(tmp_path / "pictures" / "pictures-key"), torch.device("cpu")).train()
    return made


def test_a_finished_run_has_it_and_the_version_of_its_training(run):
    digest = tensors_digest(load_file(run.checked_weights()))
    assert run.result()["tensors_digest"] == digest
    found = provenance_of(run, run.result())
    assert (found["tensors_digest"], found["training_version"]) == (digest, TRAINING_VERSION)


def test_a_run_of_an_older_version_has_it_from_its_weights(run):
    record = run.result()
    digest = record.pop("tensors_digest")
    (run.folder / "run.json").write_text(json.dumps(record))
    assert provenance_of(run, run.result())["tensors_digest"] == digest
    (run.folder / "weights.safetensors").write_bytes(b"other")
    with pytest.raises(UserError, match="not what training wrote"):
        provenance_of(run, run.result())

"""The end of a run in the store: its final weights, then the record that marks it as finished."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from safetensors.torch import save
from torch import Tensor

from repro.files import digest_of_file, write_bytes, write_json
from repro.runs.store import Run
from repro.training.records.tensors_digest import tensors_digest


def write_finished(run: Run, weights: Mapping[str, Tensor], outcome: Mapping[str, Any]) -> None:
    """Write the weights, then `run.json` with their digests and the outcome; drop what only unfinished runs need."""
    path = run.folder / "weights.safetensors"
    write_bytes(path, save(dict(weights), metadata={"run": run.identity}))
    digests = {"weights_digest": digest_of_file(path), "tensors_digest": tensors_digest(weights)}
    write_json(run.folder / "run.json", {"identity": run.identity, **digests, **outcome})
    for name in ("checkpoint.pt", "progress.json"):
        (run.folder / name).unlink(missing_ok=True)

"""A digest of what a net's tensors hold: equal for equal nets, whatever file they are in and whoever wrote it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from safetensors.torch import load_file
from torch import Tensor

from repro.files import canonical_json
from repro.runs.store import Run


def tensors_digest(tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 (hex) over names, types, shapes and bytes, in the order of names.

    A file of weights has a digest of its own, but holds the run's identity too: two runs that ended with the same
    weights have other files, and the same tensors.
    """
    digest = hashlib.sha256()
    for name in sorted(tensors):
        values = tensors[name].detach().cpu().contiguous().numpy()
        digest.update(canonical_json([name, str(values.dtype), list(values.shape)]).encode())
        digest.update(values.tobytes())
    return digest.hexdigest()


def tensors_digest_of_run(run: Run) -> str:
    """Of a finished run's final weights; computed from them for runs of versions that did not record it."""
    recorded = run.result().get("tensors_digest")
    return str(recorded) if recorded else tensors_digest(load_file(run.checked_weights()))

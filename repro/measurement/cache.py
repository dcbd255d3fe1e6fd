"""What was measured of runs, kept beside them in the store: a file a measurement.

    <store>/measurements/<identity>/<name>-<version>-<digest>.npz

The digest is of the settings that the measurement reads and of the run's weights. So a new measurement,
a raised version or another sample size measures just that again. Files are written atomically and can be
deleted at any time.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from repro.errors import UserError
from repro.files import DAMAGED_ARCHIVE, canonical_json, digest_of, write_bytes
from repro.measurement.subject import Measured
from repro.runs.store import Run

_SCALARS = "scalars as JSON"


def kept_path(run: Run, name: str, version: int, settings: Mapping[str, Any]) -> Path:
    """Where a measurement of a finished run is kept."""
    wanted = {"settings": dict(settings), "weights": run.result()["weights_digest"]}
    return run.store / "measurements" / run.identity / f"{name}-{version}-{digest_of(wanted)[:12]}.npz"


def keep(path: Path, taken: Measured) -> None:
    """Write a measurement. Its numbers must be finite: what cannot be measured is None."""
    buffer = io.BytesIO()
    scalars = np.array(canonical_json(taken.scalars))
    np.savez(buffer, allow_pickle=False, **{_SCALARS: scalars}, **taken.arrays)
    write_bytes(path, buffer.getvalue())


def read_kept(path: Path) -> Measured:
    """A measurement that was kept; UserError when its file is damaged."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        scalars = json.loads(str(arrays.pop(_SCALARS)))
    except (*DAMAGED_ARCHIVE, AttributeError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(f"{path} is damaged ({first}); delete that file to measure the run again") from None
    return Measured(scalars, arrays)

"""What a run records of the program and the libraries that it was trained with."""

from __future__ import annotations

import platform
from datetime import datetime, timedelta

import numpy as np
import pytest
import scipy
import torch

from repro.training.records import provenance
from repro.version import VERSION


def test_versions_are_of_what_runs_here() -> None:
    found = provenance.versions()
    assert found["alexnet-repro"] == VERSION
    assert found["python"] == platform.python_version()
    assert (found["numpy"], found["scipy"]) == (np.__version__, scipy.__version__)
    assert found["torch"].partition("+")[0] == torch.__version__.partition("+")[0]
    assert {"torchvision", "pillow", "dvc", "pytest"} <= set(found)


def test_a_library_that_is_not_there_is_recorded_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provenance, "_LIBRARIES", ("numpy", "no-such-library"))
    found = provenance.versions()
    assert (found["numpy"], found["no-such-library"]) == (np.__version__, "not installed")


def test_times_are_in_utc_to_the_second() -> None:
    found = datetime.fromisoformat(provenance.now())
    assert found.utcoffset() == timedelta(0)
    assert found.microsecond == 0

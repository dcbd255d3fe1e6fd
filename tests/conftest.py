"""Fixtures of tests that need a whole project; no test is failed for being slow on a busy machine."""

from __future__ import annotations

from pathlib import Path

import hypothesis
import pytest
import torch

from repro.cores import usable_cores
from tests.small_project import Place, copy_of, make_small_project
from tests.workers_here import use_workers_here

hypothesis.settings.register_profile("busy", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("busy")
# As in every process that trains: on some processors two threads round otherwise than one.
torch.set_num_threads(1)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """`-n auto`: one more than there are cores, in a container those of its quota: many tests wait for processes."""
    return usable_cores() + 1


@pytest.fixture(scope="session")
def finished_project(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Made once; nobody writes to it."""
    return make_small_project(tmp_path_factory.mktemp("small") / "place")


@pytest.fixture
def place(finished_project: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A finished project of this test's own."""
    monkeypatch.delenv("REPRO_STORE", raising=False)
    return copy_of(finished_project, tmp_path / "place")


@pytest.fixture
def workers_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """`repro train` trains and `repro evaluate` measures in this process."""
    use_workers_here(monkeypatch)

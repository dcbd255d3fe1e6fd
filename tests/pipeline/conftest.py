"""Commands that a test runs in its own process start no others; test_killed.py starts real ones."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _workers_here(workers_here: None) -> None:
    pass

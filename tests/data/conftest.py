"""Fixtures that several tests of the data use."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.data import miniatures


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An empty repository."""
    folder = tmp_path / "repository"
    folder.mkdir()
    return folder


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """An ImageFolder of five classes, outside the repository."""
    return miniatures.image_folder(tmp_path / "pictures of mine")

"""bin/install: which installer gets which packages, with stand-ins for Python and uv that write down their calls."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LOCK = "nvidia-cublas==13.1\n    # via torch\nnumpy==2.0\ntorch==2.14.1\ntriton==3.1\nuv==0.13.9\n    # via us\n"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "bin").mkdir()
    shutil.copy(ROOT / "bin" / "install", tmp_path / "bin")
    (tmp_path / "requirements.lock").write_text(LOCK)
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    stand_in(tmp_path, "python")
    return tmp_path


def stand_in(place: Path, name: str, code: int = 0) -> None:
    program = place / ".venv" / "bin" / name
    program.write_text(f'#!/bin/sh\necho "{name} $*" >>calls\nexit {code}\n')
    program.chmod(0o755)


def install(place: Path, **environment: str) -> tuple[int, list[str], str]:
    """Exit code, the calls but for pip's own settings, and what was said."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_", "TORCH"))}
    done = subprocess.run(
        ["sh", "bin/install"], cwd=place, env=inherited | environment, capture_output=True, text=True, check=False
    )
    calls = (place / "calls").read_text().splitlines()
    return done.returncode, [call for call in calls if " config get " not in call], done.stderr


def test_uv_installs_everything_where_it_can_be_had(place: Path) -> None:
    stand_in(place, "uv")
    code, calls, _ = install(place)
    assert code == 0
    assert calls[0].endswith("install --quiet uv==0.13.9")
    assert [call for call in calls if call.startswith("uv ")] == [
        "uv pip install --python .venv/bin/python -r requirements.lock"
    ]
    assert not any("-r requirements.lock" in call for call in calls if call.startswith("python "))


@pytest.mark.parametrize("there", [False, True])
def test_pip_goes_on_where_uv_is_missing_or_fails(place: Path, there: bool) -> None:
    if there:
        stand_in(place, "uv", code=1)
    code, calls, said = install(place)
    assert code == 0
    assert any("-r requirements.lock" in call for call in calls if call.startswith("python "))
    assert "pip goes on" in said


def test_the_cpu_build_leaves_cuda_out(place: Path) -> None:
    stand_in(place, "uv")
    code, calls, _ = install(place, TORCH="cpu")
    assert code == 0
    assert "uv pip install --python .venv/bin/python --torch-backend cpu -r .venv/cpu.lock" in calls
    packages = (place / ".venv" / "cpu.lock").read_text()
    assert "torch==2.14.1" in packages
    assert "nvidia" not in packages
    assert "triton" not in packages


def test_a_cpu_build_that_cannot_be_had_is_said_and_nothing_else_installed(place: Path) -> None:
    stand_in(place, "uv", code=1)
    code, calls, said = install(place, TORCH="cpu")
    assert code == 1
    assert "download.pytorch.org" in said
    assert not any("--editable" in call for call in calls)


def test_an_unknown_build_is_refused(place: Path) -> None:
    stand_in(place, "uv")
    code, _, said = install(place, TORCH="gpu")
    assert code == 2
    assert "TORCH=gpu is not known; allowed: cpu" in said


def test_the_index_that_pip_was_given_is_uvs_too(place: Path) -> None:
    (place / ".venv" / "bin" / "uv").write_text('#!/bin/sh\necho "uv from $UV_DEFAULT_INDEX" >>calls\n')
    (place / ".venv" / "bin" / "uv").chmod(0o755)
    _, calls, _ = install(place, PIP_INDEX_URL="https://packages.example/simple")
    assert "uv from https://packages.example/simple" in calls


def test_further_indexes_that_pip_was_given_are_uvs_too(place: Path) -> None:
    (place / ".venv" / "bin" / "uv").write_text('#!/bin/sh\necho "uv and $UV_EXTRA_INDEX_URL" >>calls\n')
    (place / ".venv" / "bin" / "uv").chmod(0o755)
    _, calls, _ = install(place, PIP_EXTRA_INDEX_URL="https://more.example/simple")
    assert "uv and https://more.example/simple" in calls


@pytest.mark.parametrize(("environment", "compiled"), [({"PYTHONDONTWRITEBYTECODE": "1"}, "1"), ({}, "")])
def test_what_the_first_import_may_not_keep_is_compiled_when_it_is_installed(
    environment: dict[str, str], compiled: str, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    (place / ".venv" / "bin" / "uv").write_text('#!/bin/sh\necho "uv compiles: $UV_COMPILE_BYTECODE" >>calls\n')
    (place / ".venv" / "bin" / "uv").chmod(0o755)
    _, calls, _ = install(place, **environment)
    assert f"uv compiles: {compiled}" in calls

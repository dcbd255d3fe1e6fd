"""A temporary copy of the project's own files, in which commands run as a user runs them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]


def copy_project(folder: Path, studies: Mapping[str, str]) -> Path:
    """The project in `folder`, a DVC repository without git, with `studies` in params.yaml."""
    (folder / ".dvc").mkdir(parents=True)
    for name in ("studies", "claims"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("variants.yaml", "dvc.yaml"):
        shutil.copy(ROOT / name, folder / name)
    write_yaml(folder / "params.yaml", {"studies": dict(studies)})
    (folder / ".dvc" / "config").write_text("[core]\n    no_scm = true\n    analytics = false\n")
    return folder


def write_yaml(path: Path, value: object) -> None:
    path.write_text(yaml.safe_dump(value, sort_keys=False))


def edit_yaml(path: Path, **changes: Any) -> None:
    """Change keys of a YAML mapping; a mapping is merged into the one that is there."""
    content = yaml.safe_load(path.read_text())
    for key, value in changes.items():
        content[key] = {**content.get(key, {}), **value} if isinstance(value, dict) else value
    write_yaml(path, content)


def surroundings(root: Path, **environment: str) -> dict[str, str]:
    """The environment of a command in `root`: this package and this Python first, one thread."""
    package = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return {
        **{key: value for key, value in os.environ.items() if not key.startswith("REPRO_")},
        "PYTHONPATH": package,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
        "OMP_NUM_THREADS": "1",
        "SHELL": "/bin/sh",  # what DVC starts stages with where nobody is logged in
        "DVC_SITE_CACHE_DIR": str(root / ".dvc" / "site"),
        **environment,
    }


def start_command(root: Path, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    """`repro ARGUMENTS` in `root`, as a process of its own, its output piped."""
    return _start(root, "repro", arguments, environment)


def start_dvc(root: Path, *arguments: str) -> subprocess.Popen[str]:
    """`dvc ARGUMENTS` in `root`, the same way."""
    return _start(root, "dvc", arguments, {})


def _start(root: Path, module: str, arguments: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.Popen(
        command,
        cwd=root,
        env=surroundings(root, **environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run_command(root: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`repro ARGUMENTS` in `root`, to its end."""
    return ended(start_command(root, *arguments, **environment))


def ended(process: subprocess.Popen[str]) -> subprocess.CompletedProcess[str]:
    """The process when it has ended, with what it said."""
    out, err = process.communicate()
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)

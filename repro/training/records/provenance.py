"""What a number was made with: versions, machine, device. Recorded, never part of a run's identity."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

import torch

from repro.cores import processor_name
from repro.version import VERSION

_OF_A_HOOK = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX")
_LIBRARIES = ("torch", "torchvision", "numpy", "scipy", "pillow", "dvc", "pytest")


def versions() -> dict[str, str]:
    """Versions of the program, of Python and of the libraries that numbers depend on."""
    installed = {"alexnet-repro": VERSION, "python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            installed[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            installed[name] = "not installed"
    return installed


def machine() -> dict[str, Any]:
    """The kind of machine, without its name: processor, cores, memory, accelerators."""
    return {
        "system": f"{platform.system()} {platform.release()}",
        "processor": processor_name(),
        "cores": os.cpu_count(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "accelerators": [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())],
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
    }


def provenance(device: torch.device) -> dict[str, Any]:
    """Versions, machine, device and time of a run that ends now."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else processor_name()
    return {
        "versions": versions(),
        "machine": machine(),
        "device": f"{device.type}: {name}",
        "threads": torch.get_num_threads(),
        "finished": now(),
    }


REGISTERED = ("data.dvc", "params.yaml", "dvc.lock")
"""Files that change as pictures are registered and stages run: names of data sets and digests, no program."""


def now() -> str:
    """The time in UTC, to the second."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def git_commit(root: Path) -> str | None:
    """The commit of the project's files, with `+changes` when what runs differs from it; None outside git.

    Which pictures a user has registered, and for which studies, is on record beside the commit: the files that say so
    (`REGISTERED`) are no change of the program. A copy of the project without a git
    history of its own counts as outside git, even in a folder of another repository.
    """
    if _git(root, "ls-files", "--error-unmatch", "params.yaml") is None:
        return None
    commit = _git(root, "describe", "--always", "--abbrev=40", "--exclude=*")
    others = [f":(exclude){name}" for name in REGISTERED]
    changed = _git(root, "--no-optional-locks", "status", "--porcelain", "--untracked-files=no", "--", ".", *others)
    return f"{commit}+changes" if commit and changed else commit


def _git(root: Path, *arguments: str) -> str | None:
    """What git says of the repository that holds `root`, whoever owns it; None when it fails.

    Git refuses repositories of other users, whose settings name programs that it would start. The code of this one is
    running already. A hook's environment names a repository too, which need not be the one that holds `root`.
    """
    environment = {name: value for name, value in os.environ.items() if name not in _OF_A_HOOK}
    command = ["git", "-c", "safe.directory=*", "-C", str(root), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=20, env=environment)
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return None
    return done.stdout.strip() or None

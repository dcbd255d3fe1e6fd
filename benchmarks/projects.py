"""Copies of the project in a temporary folder, in which benchmarks prepare, train, judge and report."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from repro.errors import UserError
from repro.study.load import ResolvedStudy, load_study
from tests.project_copy import ROOT, copy_project, write_yaml

EMBEDDED = "procedural"
STUDY = "measured"


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """A temporary folder, gone after the block."""
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name:
        yield Path(name)


def scaled_study(seeds: list[int], tiny: bool, **training: Any) -> dict[str, Any]:
    """studies/decay.yaml on the embedded set `procedural`, which everybody has: its net, recipe and measurements."""
    study: dict[str, Any] = yaml.safe_load((ROOT / "studies" / "decay.yaml").read_text())
    study |= {"study": STUDY, "variants": ["base"], "seeds": seeds}
    study["data"] = {key: study["data"][key] for key in ("size", "train_per_class")}
    study["training"] |= training
    if tiny:
        study["data"] |= {"train_per_class": 8}
        study["training"] |= {"epochs": 1, "curve_every": 1, "curve_pictures": 20}
        study["evaluation"] |= {"train_sample": 20}
    return study


def project_with_pictures(target: Path, study: dict[str, Any]) -> Path:
    """A project whose one study is `study`, with the embedded set `procedural`."""
    pictures = ROOT / "data" / EMBEDDED
    if not (pictures / "manifest.json").is_file():
        raise UserError(f"{pictures} is not here; run `dvc pull data.dvc`")
    root = copy_project(target, {STUDY: EMBEDDED})
    shutil.copytree(pictures, root / "data" / EMBEDDED)
    write_yaml(root / "studies" / f"{STUDY}.yaml", study)
    return root


def whole_project(target: Path, study: str) -> Path:
    """All files of the project, as in a downloaded archive, with `study` alone in params.yaml."""
    left_out = {".git", ".venv", ".store", "results", "evidence", "dvcstore", "dvc.lock", ".data-paths.json", ".dvc"}
    caches = shutil.ignore_patterns("__pycache__", ".*_cache", ".hypothesis", "*.egg-info")

    def ignored(folder: str, names: list[str]) -> set[str]:
        return caches(folder, names) | (left_out & set(names) if Path(folder) == ROOT else set())

    shutil.copytree(ROOT, target, ignore=ignored)
    (target / ".dvc").mkdir()
    (target / ".dvc" / "config").write_text("[core]\n    no_scm = true\n    analytics = false\n")
    write_yaml(target / "params.yaml", {"studies": {study: EMBEDDED}})
    return target


def resolved(study: str) -> ResolvedStudy:
    """A study of the repository, resolved; its pictures are not needed."""
    with folder() as parent:
        return load_study(copy_project(parent / "project", {study: EMBEDDED}), study)

"""Projects with made-up recorded evidence, as its studies register it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import yaml

from repro.report.page.results import README
from repro.verdicts.registry.registry import load_registry
from tests.made_up import MadeUp
from tests.project_copy import ROOT, copy_project

CLAIMS = ROOT / "claims"
REGISTRY = load_registry(CLAIMS / "statements.yaml")


def nothing_recorded(root: Path) -> Path:
    """The project in `root`, without any recorded evidence."""
    copy_project(root, {})
    shutil.copy(ROOT / README, root / README)
    return root


def record(root: Path, study: str, **made: Any) -> None:
    """Made-up evidence of a study, registered as its file says."""
    text = yaml.safe_load((root / "studies" / f"{study}.yaml").read_text())
    named = {name: REGISTRY.digest(name) for name in text["family"]}
    known = {"study": study, "family": text["family"], "looks": text.get("looks", "fixed"), "registry": named}
    MadeUp(**{**known, "registered": {}, "seeds": text["seeds"], "variants": text["variants"], **made}).write(
        root / "evidence" / study
    )

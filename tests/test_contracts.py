"""What a package must not import (`make check`): each contract of pyproject.toml is kept, and notices a breach."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CONTRACTS = [
    contract["name"]
    for contract in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
]
BREACHES = {
    "repro/evidence/record.py": "import repro.report.page.page",
    "repro/verdicts/registry/metrics.py": "import repro.verdicts.judging.decision",
    "repro/measurement/first_layer/chroma.py": "import repro.measurement.predictions.errors",
    "repro/runs/lease.py": "import torch",
    "repro/net/dropout.py": "import repro.data.packed",
    "repro/report/cases/rows.py": "import repro.training.loop",
    "repro/report/drawing/words.py": "import repro.report.page.page",
    "repro/report/page/masthead.py": "import repro.verdicts.judging.decision",
}
"""A module, and an import that it must not have: one for each contract, in their order."""


def linted(place: Path) -> dict[str, bool]:
    """Whether each contract is kept by the copy of the package in `place`."""
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()"]
    done = subprocess.run(
        [*command, "--no-logo", "--no-cache"],
        cwd=place,
        env={"PYTHONPATH": str(place), "COLUMNS": "300"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    kept = {name: f"{name} KEPT" in done.stdout for name in CONTRACTS}
    assert done.returncode == (0 if all(kept.values()) else 1), done.stdout
    return kept


@pytest.fixture
def place(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "repro", tmp_path / "repro", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_every_contract_is_kept_and_one_forbidden_import_breaks_each(place: Path) -> None:
    assert len(BREACHES) == len(CONTRACTS)
    assert all(linted(place).values())
    for path, forbidden in BREACHES.items():
        module = place / path
        module.write_text(module.read_text() + f"\n{forbidden}\n")
    assert not any(linted(place).values())

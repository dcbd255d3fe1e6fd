"""Which evidence is judged when none is named: what the pipeline made, else what is recorded in git."""

from __future__ import annotations

from pathlib import Path

from repro.project import Project


def default_evidence(root: Path) -> list[Path]:
    """Per study in `params.yaml`: results/STUDY/evidence, else evidence/STUDY, where one of them is there."""
    if not (root / "params.yaml").is_file():
        return []
    chosen = []
    for study in Project(root).studies:
        folders = (root / "results" / study / "evidence", root / "evidence" / study)
        chosen += [folder for folder in folders if folder.is_dir()][:1]
    return chosen

"""What was registered when a study's runs began: its family, and what decides each of its statements."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from repro.study.load import ResolvedStudy


def registered_now(root: Path, resolved: ResolvedStudy) -> dict[str, Any]:
    """The note that a run gets when it is created."""
    from repro.verdicts.registry import load_registry

    registry = load_registry(root / "claims" / "statements.yaml")
    return {
        "study": resolved.name,
        "family": list(resolved.study.family),
        "registry": {entry: registry.digest(entry) for entry in resolved.study.family},
    }


def registered_for_all(resolved: ResolvedStudy, notes: Collection[Mapping[str, Any]]) -> dict[str, str]:
    """Per statement of the family what was registered when the runs began, if it was the same for all."""
    registered = {}
    for statement in resolved.study.family:
        digests = {note.get("registry", {}).get(statement, "not registered") for note in notes}
        registered[statement] = digests.pop() if len(digests) == 1 else "differs between runs"
    return registered

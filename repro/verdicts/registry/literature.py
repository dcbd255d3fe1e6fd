"""What later work found about the paper's statements: `claims/literature.yaml`. Decides nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from repro.errors import UserError
from repro.settings import Settings, validated
from repro.verdicts.registry.registry import Registry
from repro.yaml_file import read_versioned_yaml

LITERATURE_FILE = "literature.yaml"
SCHEMA = 1
Text = Annotated[str, Field(min_length=1)]


class LaterFinding(Settings):
    """One result of later work that bears on a statement."""

    direction: Literal["for", "against", "mixed"]
    found: Text
    source: Text = Field(description="an arXiv number, or a repository with a file")


class _File(Settings):
    findings: dict[str, Annotated[tuple[LaterFinding, ...], Field(strict=False, min_length=1)]]


def load_literature(path: Path, registry: Registry) -> Mapping[str, tuple[LaterFinding, ...]]:
    """What later work found, by statement.

    Raises UserError that names the entry for an unknown statement, key or direction, and for a finding that
    stands at a statement which repeats another.
    """
    raw = read_versioned_yaml(path, SCHEMA)
    findings = validated(_File, raw, str(path)).findings
    for statement in findings:
        if statement not in registry.statements:
            raise UserError(f"{path}: findings: there is no statement {statement} in {registry.path}")
        if original := registry[statement].repeats:
            raise UserError(f"{path}: findings: {statement} repeats {original}; put what was found there")
    return findings


def literature_on(
    findings: Mapping[str, tuple[LaterFinding, ...]], registry: Registry, statement: str
) -> tuple[LaterFinding, ...]:
    """The findings on a statement, which are those on the statement that it repeats."""
    return findings.get(registry.original(statement), ())

"""The registry of statements, `claims/statements.yaml`: what the paper says and how each claim is decided.

Everything that can change a verdict stands in the file, not in the claims' code, and has a digest per
entry; paraphrases, notes and the paper's numbers stand there for readers and do not enter it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from repro.errors import UserError
from repro.files import digest_of
from repro.project import PACKAGE
from repro.settings import Settings, validated
from repro.verdicts.registry.gate_rules import Gates
from repro.verdicts.registry.statement import Statement
from repro.verdicts.registry.test_types import DECIDES_NOTHING, FORMS
from repro.yaml_file import read_versioned_yaml

REGISTRY_FILE = "statements.yaml"
SCHEMA = 1
_ALWAYS_DIGESTED = ("smallest_effect", "at_paper_scale")
"""Fields that entered digests at their defaults too, from the first version on."""


@dataclass(frozen=True)
class Registry:
    """All statements in the paper's order, the gates' thresholds, and the numbers that the paper prints."""

    path: Path
    statements: Mapping[str, Statement]
    gates: Gates
    printed: Mapping[str, Any]

    def __iter__(self) -> Iterator[Statement]:
        return iter(self.statements.values())

    def __getitem__(self, statement: str) -> Statement:
        try:
            return self.statements[statement]
        except KeyError:
            raise UserError(f"{self.path}: there is no statement {statement}; ids look like S61c") from None

    def original(self, statement: str) -> str:
        """The statement that this one repeats, or itself."""
        return self[statement].repeats or statement

    def scope(self, statement: str) -> str | None:
        """What the claim on the statement, or on the one that it repeats, reads (`Statement.scope`)."""
        return self[self.original(statement)].scope

    @property
    def repeats(self) -> dict[str, str]:
        """Each statement that repeats another, with the one that it repeats."""
        return {entry.id: entry.repeats for entry in self if entry.repeats is not None}

    @property
    def after(self) -> dict[str, str]:
        """Chains: each statement that follows another, with the one before it."""
        return {entry.id: entry.after for entry in self if entry.after is not None}

    @property
    def hypotheses(self) -> tuple[str, ...]:
        """Statements that are tested over runs: all that could be asked of a study's evidence."""
        return tuple(entry.id for entry in self if entry.scope == "statistical")

    @property
    def definitions(self) -> frozenset[str]:
        """Statements that no statistics will decide: they never count in a family."""
        return frozenset(
            entry.id for entry in self if entry.scope in ("definition", "record") or entry.untestable is not None
        )

    def digest(self, statement: str) -> str:
        """Digest of what decides the verdict: the test with the thresholds of its gates; not the prose."""
        entry = self[statement]
        if entry.repeats is not None:
            return digest_of({"repeats": self.digest(entry.repeats)})
        if entry.test is None:
            return digest_of({"untestable": entry.untestable is not None})
        # Later versions may add fields: at their defaults they leave the digests of older entries alone.
        test = entry.test.model_dump(mode="json", exclude_defaults=True)
        test |= {
            name: getattr(entry.test, name)
            for name in _ALWAYS_DIGESTED
            if hasattr(entry.test, name) and name not in test
        }
        if hasattr(entry.test, "unit"):  # a key of the file in the first version, now given by the form and the metric
            test["unit"] = entry.test.unit
        gates = self.gates.model_dump(mode="json")
        return digest_of(
            {
                "test": _deciding(test),
                "gates": {name: gates[name] for name in test.get("gates", [])},
                "known_erratum": entry.known_erratum is not None,
                "after": entry.after,
            }
        )


def _deciding(value: Any) -> Any:
    """Nested values without the fields on which no verdict depends."""
    if isinstance(value, dict):
        return {key: _deciding(part) for key, part in value.items() if key not in DECIDES_NOTHING}
    return [_deciding(part) for part in value] if isinstance(value, list) else value


class _File(Settings):
    gates: Gates
    printed: dict[str, Any]


@lru_cache(maxsize=8)
def load_registry(path: Path) -> Registry:
    """The registry in the file `statements.yaml`; each file is read once.

    Raises UserError that names the statement, the key, the value and what is allowed.
    """
    raw = read_versioned_yaml(path, SCHEMA)
    rows = raw.pop("statements", None)
    if not isinstance(rows, list) or not rows:
        raise UserError(f"{path}: statements: must be a list of statements")
    head = validated(_File, raw, str(path))
    statements: dict[str, Statement] = {}
    for index, row in enumerate(rows, 1):
        entry = _statement(row, f"{path}: statement {index}")
        if entry.id in statements:
            raise UserError(f"{path}: {entry.id} stands there twice; ids are unique")
        statements[entry.id] = entry
    for entry in statements.values():
        target = statements.get(entry.repeats or entry.id)
        if target is None or (entry.repeats and target.repeats):
            raise UserError(f"{path}: {entry.id}: repeats: {entry.repeats!r} must be a statement that repeats no other")
        before = statements.get(entry.after) if entry.after else None
        if entry.after and (before is None or before.scope != "statistical" or before.after):
            raise UserError(
                f"{path}: {entry.id}: after: {entry.after!r} must be a statement that is tested over runs and follows "
                "no other itself"
            )
    return Registry(path, statements, head.gates, head.printed)


def _statement(row: Any, where: str) -> Statement:
    if not isinstance(row, dict):
        raise UserError(f"{where} must be a mapping with id, section, statement and kind")
    where = f"{where} ({row.get('id', 'without id')})"
    test = row.get("test")
    if test is not None:
        if not isinstance(test, dict) or test.get("form") not in FORMS:
            form = test.get("form") if isinstance(test, dict) else test
            raise UserError(f"{where}: test.form: {form!r} is not a form; allowed: {', '.join(FORMS)}")
        row = {**row, "test": validated(FORMS[test["form"]], test, f"{where}: test")}
    return validated(Statement, row, where)


def claims_folder(start: Path | None = None) -> Path:
    """The project's `claims/`: in `start` (by default here) or beside the installed package's sources.

    Raises UserError when neither has a registry.
    """
    here = (start or Path.cwd()) / "claims"
    beside = PACKAGE.parent / "claims"
    for folder in (here, beside):
        if (folder / REGISTRY_FILE).is_file():
            return folder
    raise UserError(f"{here / REGISTRY_FILE} does not exist; run this from the project's folder")

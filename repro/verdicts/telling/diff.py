"""Which verdicts two evidences, or two files of verdicts, do not share, and why: `repro diff`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from repro.errors import UserError
from repro.evidence.difference import EvidenceDifference, Seeds, difference
from repro.evidence.directory import FILES, Evidence
from repro.files import read_json
from repro.settings import validated
from repro.verdicts.judging.judged_from import verdict_rows
from repro.verdicts.judging.ledger import make_ledger
from repro.verdicts.judging.verdict import Outcome
from repro.verdicts.registry.registry import REGISTRY_FILE, Registry, load_registry
from repro.verdicts.registry.test_types import StatisticalTest

Cause = Literal["evidence", "registry", "code", "not recorded"]
Key = tuple[str, str | None]
"""A statement and the study that it was judged on."""


class JudgedFrom(BaseModel):
    """Digests of what a verdict rests on (`repro.verdicts.judging.judged_from`)."""

    model_config = ConfigDict(frozen=True)
    evidence: str | None
    entry: str
    printed: str
    code: str
    version: str


class Row(BaseModel):
    """The part of a verdict's row that is compared. Files of earlier versions do not say what they were judged from."""

    model_config = ConfigDict(frozen=True)
    id: str
    study: str | None
    statement: str
    verdict: Outcome | None
    reason: str
    n: list[int] | None
    flags: list[str]
    judged_from: JudgedFrom | None = None


@dataclass(frozen=True)
class Side:
    """One of the two things compared: its rows, and its evidence where that was judged just now."""

    path: Path
    rows: Mapping[Key, Row]
    evidence: Evidence | None

    @property
    def studies(self) -> set[str]:
        return {study for _, study in self.rows if study is not None}


@dataclass(frozen=True)
class Why:
    """One cause of a change, in a phrase."""

    cause: Cause
    sentence: str


@dataclass(frozen=True)
class Change:
    """One verdict that is not the same on both sides; None where a side has no such row."""

    before: Row | None
    after: Row | None
    why: tuple[Why, ...]

    @property
    def row(self) -> Row:
        row = self.after or self.before
        assert row is not None
        return row


@dataclass(frozen=True)
class VerdictDiff:
    """All changes in the paper's order, how many verdicts stayed, and in what two evidences differ."""

    before: Path
    after: Path
    changes: tuple[Change, ...]
    unchanged: int
    evidence: EvidenceDifference | None

    def as_json(self) -> dict[str, Any]:
        return {
            "before": str(self.before),
            "after": str(self.after),
            "changes": [
                {
                    "id": change.row.id,
                    "study": change.row.study,
                    "before": None if change.before is None else _json(change.before),
                    "after": None if change.after is None else _json(change.after),
                    "why": [{"cause": why.cause, "told": why.sentence} for why in change.why],
                }
                for change in self.changes
            ],
            "unchanged": self.unchanged,
            "evidence": None if self.evidence is None else self.evidence.as_json(),
        }


def _json(row: Row) -> dict[str, Any]:
    return row.model_dump(mode="json", include={"verdict", "reason", "n", "flags"})


def verdict_diff(claims: Path, before: Path, after: Path) -> VerdictDiff:
    """Compare two evidences by the present registry and code, or files of verdicts by what they say.

    A verdict changed when its outcome or one of its flags did. Raises UserError for a path that is neither, and for two
    sides that speak about different studies.
    """
    old, new = _side(claims, before), _side(claims, after)
    if old.studies and new.studies and not old.studies & new.studies:
        raise UserError(
            f"{before} has verdicts on {_listed(old.studies)}, {after} on {_listed(new.studies)}; a verdict is about "
            "one study, so give two evidences of the same one"
        )
    differing = None
    if old.evidence is not None and new.evidence is not None:
        differing = difference(old.evidence, new.evidence)
    causes = _Causes(load_registry(claims / REGISTRY_FILE), old, new, differing)
    changes = tuple(
        Change(old.rows.get(key), new.rows.get(key), causes.of(key))
        for key in dict.fromkeys((*new.rows, *old.rows))
        if _standing(old.rows.get(key)) != _standing(new.rows.get(key))
    )
    unchanged = len({*old.rows, *new.rows}) - len(changes)
    return VerdictDiff(before, after, changes, unchanged, differing)


def _standing(row: Row | None) -> tuple[Any, ...] | None:
    return None if row is None else (row.verdict, sorted(row.flags))


def _side(claims: Path, path: Path) -> Side:
    evidence = None
    if path.is_dir():
        ledger = make_ledger(claims, [path])
        (evidence,) = ledger.evidences.values()
        raw: Any = verdict_rows(ledger)
    elif path.exists():
        raw = read_json(path)
    else:
        raise UserError(f"{path} does not exist; give evidence folders or files that pytest --verdicts FILE.json wrote")
    if not isinstance(raw, list) or not all(isinstance(row, dict) for row in raw):
        raise UserError(
            f"{path} is no list of verdicts; give an evidence directory (a folder with {', '.join(FILES)}) or a file "
            "that `pytest claims/ --verdicts FILE.json` wrote"
        )
    rows = [validated(Row, row, f"{path}: verdict {index}") for index, row in enumerate(raw, 1)]
    by_key = {(row.id, row.study): row for row in rows}
    if len(by_key) < len(rows):
        raise UserError(f"{path}: a statement stands there twice on one study; make the file again")
    return Side(path, by_key, evidence)


def _listed(names: set[str]) -> str:
    return ", ".join(sorted(names))


@dataclass(frozen=True)
class _Causes:
    """Why verdicts differ: the evidence, the registry, or, where neither changed, the code."""

    registry: Registry
    old: Side
    new: Side
    difference: EvidenceDifference | None

    def of(self, key: Key) -> tuple[Why, ...]:
        before, after = self.old.rows.get(key), self.new.rows.get(key)
        if before is None or after is None:
            return (self._one_sided(key, self.new if before is None else self.old),)
        a, b = before.judged_from, after.judged_from
        if a is None or b is None:
            path = self.old.path if a is None else self.new.path
            return (Why("not recorded", f"{path} does not say what it was judged from; write it again"),)
        causes = []
        if a.evidence != b.evidence:
            causes.append(Why("evidence", self._evidence(before, after)))
        if a.entry != b.entry:
            causes.append(Why("registry", f"the entry of {key[0]} changed"))
        if not causes and a.printed != b.printed:
            causes.append(Why("registry", "the numbers that it has from the paper changed"))
        if not causes and (others := self._other_entries()):
            causes.append(
                Why("registry", f"its own entry did not change; others did, which may share its level: {others}")
            )
        if not causes:
            same = "; what else the program uses may be another" if a.code == b.code else ""
            causes.append(Why("code", f"neither the evidence nor the registry changed{same}"))
        return tuple(causes)

    def _one_sided(self, key: Key, having: Side) -> Why:
        statement, study = key
        other = self.old if having is self.new else self.new
        if statement not in {name for name, _ in other.rows}:
            return Why("registry", f"only {having.path} has the statement")
        return Why("evidence", f"only {having.path} judged it {f'on {study}' if study else 'without evidence'}")

    def _other_entries(self) -> str:
        entries = [
            {row.id: row.judged_from.entry for row in side.rows.values() if row.judged_from is not None}
            for side in (self.old, self.new)
        ]
        names = dict.fromkeys((*entries[1], *entries[0]))
        return ", ".join(name for name in names if entries[0].get(name) != entries[1].get(name))

    def _evidence(self, before: Row, after: Row) -> str:
        if self.difference is None:
            if before.n != after.n:
                return f"{_seeds(before)} before, {_seeds(after)} now"
            return "it holds other runs, numbers or facts"
        if self.registry.scope(after.id) == "definition":
            return "other facts about the program's nets"
        test = self.registry[self.registry.original(after.id)].test
        if isinstance(test, StatisticalTest):
            own = difference_in_words(self.difference, (*test.variants, *test.otherwise))
            return own or f"not its own runs, but of its study: {difference_in_words(self.difference)}"
        return difference_in_words(self.difference)


def _seeds(row: Row) -> str:
    return " + ".join(map(str, row.n)) + " seeds" if row.n else "no seeds"


def difference_in_words(differing: EvidenceDifference, variants: Collection[str] | None = None) -> str:
    """In what two evidences differ, in a phrase, facts left out; empty where they do not.

    variants: only what differs in their runs and in the study's record.
    """
    parts = []
    for said, seeds in (
        ("runs added", differing.added),
        ("runs removed", differing.removed),
        ("other runs under the same seeds", differing.replaced),
        ("other numbers of the same runs", differing.changed),
        ("more or less measured of the same runs", differing.measured),
    ):
        if runs := _runs_in_words(seeds, variants):
            parts.append(f"{said}: {runs}")
    if differing.study:
        parts.append(f"the study's record differs in {', '.join(key.replace('_', ' ') for key in differing.study)}")
    if variants is None and differing.averages:
        parts.append("other averages of nets")
    return "; ".join(parts)


def _runs_in_words(seeds: Seeds, variants: Collection[str] | None) -> str:
    of = {variant: of_variant for variant, of_variant in seeds.items() if variants is None or variant in variants}
    return ", ".join(f"{variant} {_ranges(of_variant)}" for variant, of_variant in of.items())


def _ranges(seeds: Iterable[int]) -> str:
    """Seeds as they follow each other, for instance 20-25 and 27."""
    runs: list[list[int]] = []
    for seed in seeds:
        if runs and seed == runs[-1][-1] + 1:
            runs[-1].append(seed)
        else:
            runs.append([seed])
    return " and ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)

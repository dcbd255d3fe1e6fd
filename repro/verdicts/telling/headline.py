"""The headline statements on recorded evidence: `claims/headline.yaml`, with what came out.

One row a statement, on the study that was made for it. Where that study has no recorded evidence the row says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import wrap
from typing import Annotated

from pydantic import Field

from repro.errors import UserError
from repro.evidence.directory import Evidence, load_evidence
from repro.files import read_json
from repro.settings import Settings, validated
from repro.study.load import read_study
from repro.verdicts.finding import NotEvaluated
from repro.verdicts.judging.ledger import Entry, Ledger, make_ledger
from repro.verdicts.judging.reasons import shown_estimate
from repro.verdicts.judging.verdict import Verdict, not_evaluated
from repro.verdicts.registry.registry import Registry
from repro.verdicts.registry.statement import Statement
from repro.verdicts.telling.summary import WIDTH
from repro.yaml_file import read_versioned_yaml

HEADLINE_FILE = "headline.yaml"
SCHEMA = 1
Text = Annotated[str, Field(min_length=1)]
NOTED_FLAGS = ("exploratory", "fragile", "few_seeds")
"""Flags that a reader must see beside the verdict's word."""


class Headline(Settings):
    """The study that was made for a statement, and what evidence of its kind cannot say."""

    study: Text
    limits: Text


class _File(Settings):
    statements: dict[str, Headline] = Field(min_length=1)


@dataclass(frozen=True)
class HeadlineRow:
    """One statement with its verdict on its study.

    evidence: None where nothing of the study is recorded. registered: the study's seeds.
    """

    statement: Statement
    study: str
    limits: str
    verdict: Verdict
    evidence: Evidence | None
    registered: tuple[int, ...]

    @property
    def word(self) -> str:
        """The verdict in words, with the flags that a reader must know of."""
        return verdict_word(self.verdict)

    @property
    def effect(self) -> str | None:
        """Estimate with its interval; None where nothing was estimated."""
        return effect_of(self.verdict)

    @property
    def came_out(self) -> str:
        """The effect, or in a few words why there is none: the gate that is shut, the runs that are missing."""
        return self.effect or self.verdict.reason.partition(":")[0]

    @property
    def seeds(self) -> str:
        """Seeds that the verdict rests on, or that are recorded, of those registered."""
        return f"{self._seeds_read} of {len(self.registered)}"

    @property
    def _seeds_read(self) -> str:
        if self.verdict.n is not None:
            return " + ".join(map(str, self.verdict.n))
        if self.evidence is None:
            return "0"
        needed = [name for name in getattr(self.statement.test, "variants", ()) if name in self.evidence.study.variants]
        return str(min((len(self.evidence.of(name)) for name in needed), default=0))


@dataclass(frozen=True)
class Recorded:
    """All recorded evidence of a project, judged."""

    ledger: Ledger
    evidences: Mapping[str, Evidence]
    headlines: tuple[HeadlineRow, ...]


def recorded_results(root: Path, claims: Path) -> Recorded:
    """All recorded evidence, judged; it takes seconds, and nothing is trained.

    Raises UserError for evidence, a registry or claims that cannot be read.
    """
    folders = recorded_folders(root)
    ledger = make_ledger(claims, folders)
    evidences = {label: load_evidence(folder) for label, folder in zip(ledger.studies, folders, strict=True)}
    headline = load_headline(claims / HEADLINE_FILE, ledger.registry)
    rows = tuple(_row(root, ledger, evidences, name, entry) for name, entry in headline.items())
    return Recorded(ledger, evidences, rows)


def headline_lines(recorded: Recorded) -> list[str]:
    """The headlines for a terminal of 80 columns, two lines each."""
    counts = ", ".join(f"{label} ({len(evidence.runs)} runs)" for label, evidence in recorded.evidences.items())
    lines = [*wrap(f"Recorded evidence: {counts or 'none'}. Nothing is trained for this.", WIDTH), ""]
    for row in recorded.headlines:
        head = f"{row.statement.id:<5} {row.study:<12} {row.word:<14} {row.came_out}; {row.seeds} seeds"
        for text, first in ((head, 0), (row.statement.statement, 6)):
            lines += wrap(text, WIDTH, initial_indent=" " * first, subsequent_indent=" " * 6)
    return [*lines, "", "docs/results.md says what each can and cannot say, and lists all statements."]


def recorded_folders(root: Path) -> list[Path]:
    """The folders of recorded evidence, by name. Raises UserError for one that is not named after its study.

    A copy under another name would be a second study of the same name, and no verdict would belong to either.
    """
    # What starts with a dot is what a killed process was writing.
    files = [path for path in (root / "evidence").glob("*/study.json") if not path.parent.name.startswith(".")]
    for path in files:
        record = read_json(path)
        study = record.get("study") if isinstance(record, dict) else None
        if isinstance(study, str) and study != path.parent.name:
            raise UserError(
                f"evidence/{path.parent.name} has evidence of the study {study}; a folder under evidence/ is named "
                "after its study: move a copy elsewhere"
            )
    return sorted(path.parent for path in files)


def load_headline(path: Path, registry: Registry) -> Mapping[str, Headline]:
    """The headline statements in their order. Raises UserError for an unknown key or statement."""
    raw = read_versioned_yaml(path, SCHEMA)
    statements = validated(_File, raw, str(path)).statements
    for statement in statements:
        if statement not in registry.statements:
            raise UserError(f"{path}: statements: there is no statement {statement} in {registry.path}")
    return statements


def verdict_word(verdict: Verdict) -> str:
    """The verdict's word, with the flags beside it that a reader must see."""
    flags = [flag.replace("_", " ") for flag in NOTED_FLAGS if flag in verdict.flags]
    return verdict.outcome.replace("_", " ") + (f" ({', '.join(flags)})" if flags else "")


def effect_of(verdict: Verdict) -> str | None:
    """Estimate with its interval and that one's level; of several parts the weakest. None without an estimate."""
    if verdict.finding is None or verdict.estimate is None:
        return None
    part = verdict.finding.details.get("weakest")
    return f"{'' if part is None else f'{part}: '}{shown_estimate(verdict, verdict.finding)}"


def _row(
    root: Path, ledger: Ledger, evidences: Mapping[str, Evidence], statement: str, headline: Headline
) -> HeadlineRow:
    study, evidence = headline.study, evidences.get(headline.study)
    registered = evidence.study.seeds if evidence is not None else _seeds_of(root, study)
    verdict = _NOT_RECORDED if evidence is None else _verdict(ledger.entries, statement, study)
    return HeadlineRow(ledger.registry[statement], study, headline.limits, verdict, evidence, registered)


_NOT_RECORDED = not_evaluated(NotEvaluated("missing_runs", "none of its runs are recorded yet"))


def _verdict(entries: Sequence[Entry], statement: str, study: str) -> Verdict:
    verdicts = (
        entry.verdict
        for entry in entries
        if (entry.statement.id, entry.study) in ((statement, study), (statement, None))
    )
    return next((verdict for verdict in verdicts if verdict is not None), _NOT_RECORDED)


def _seeds_of(root: Path, study: str) -> tuple[int, ...]:
    path = root / "studies" / f"{study}.yaml"
    return read_study(path).seeds

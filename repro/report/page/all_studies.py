"""All studies side by side: every statement once, with its verdict on each study that is at hand.

A verdict always names its study, and nothing here merges verdicts across studies.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from repro.evidence.directory import Evidence
from repro.report.cases.choices import Rules
from repro.report.cases.rows import NO_CLAIM, Row, rows_on
from repro.report.drawing import words
from repro.report.figures.retrieval.figure import RetrievalFigure
from repro.report.page.entries import Literature, StatementEntry, counts, sections, statement_entry
from repro.report.page.judgements import Basis
from repro.report.page.masthead import scope
from repro.report.page.matrix import matrix
from repro.report.page.page import literature_beside
from repro.report.page.rendering import rendered
from repro.verdicts.registry.registry import Registry

_BY_WEIGHT = ("contradicted", "supported", "inconclusive", "not_evaluated", "untestable", None)
"""Of several verdicts on a definition, made with different facts, the first of these is shown."""


@dataclass(frozen=True)
class StudyResults:
    """A study's evidence with its verdicts; `page` is the address of its own report, beside this page."""

    evidence: Evidence
    rows: list[Row]
    page: str | None = None
    retrieval: RetrievalFigure | None = None

    @property
    def name(self) -> str:
        return self.evidence.study.study


@dataclass(frozen=True)
class StudyLine:
    """A study in the table of studies."""

    name: str
    summary: str
    scope: str
    pictures: str
    seeds: str
    runs: str
    counts: tuple[tuple[str, int], ...]
    page: str | None


def all_studies_html(results: Sequence[StudyResults], registry: Registry) -> str:
    """The page as text."""
    literature = literature_beside(registry)
    rows = {item.name: rows_on(item.rows, item.name) for item in results}
    rules = {item.name: Rules(item.evidence, registry, rows[item.name]) for item in results}
    names = [entry.id for entry in registry]
    names += [name for item in results for name in rows[item.name] if name not in registry.statements]
    entries = []
    for name in dict.fromkeys(names):
        judged = [(rows[item.name][name], item) for item in results if name in rows[item.name]]
        if judged:
            entries.append(_entry(judged, registry, literature, rules))
    ordered = sections(entries)
    studies = [item.name for item in results]
    judgements = [item for entry in entries for item in entry.judgements]
    return rendered(
        "all_studies.html",
        studies=studies,
        lines=[_line(item, rows[item.name]) for item in results],
        on_page=frozenset(entry.id for entry in entries),
        kinds=tuple(sorted({entry.kind for entry in entries})),
        counts=counts(judgements),
        total=len(entries),
        matrix=matrix(ordered, studies),
        sections=ordered,
    )


def _entry(
    judged_rows: Sequence[tuple[Row, StudyResults]],
    registry: Registry,
    literature: Literature,
    rules: Mapping[str, Rules],
) -> StatementEntry:
    """A statement on all studies; one that needs none has a single judgement."""
    judged = [(row, item) for row, item in judged_rows if row["study"] is not None]
    if judged:
        bases = [Basis(row, item.evidence, item.retrieval, rules[item.name]) for row, item in judged]
        return statement_entry(bases, registry, literature)
    row, _ = min(judged_rows, key=lambda pair: _BY_WEIGHT.index(pair[0]["verdict"]))
    return statement_entry([Basis(row)], registry, literature)


def _line(item: StudyResults, rows: dict[str, Row]) -> StudyLine:
    study = item.evidence.study
    counted = study.data.get("counts", {})
    runs = sum(len(item.evidence.of(variant)) for variant in study.variants)
    verdicts = [row["verdict"] or NO_CLAIM for row in rows.values() if row["study"] is not None]
    by_verdict = [
        (name, verdicts.count(name)) for name in ("supported", "contradicted", "inconclusive", "not_evaluated")
    ]
    return StudyLine(
        name=study.study,
        summary=study.summary,
        scope=scope(item.evidence),
        pictures=f"{study.data.get('name', 'unnamed')}, {words.count(study.classes)} classes, "
        f"{words.count(counted.get('train'))} training pictures, {words.count(study.data.get('crop'))} px",
        seeds=words.count(len(study.seeds)),
        runs=f"{words.count(runs)} of {words.count(len(study.variants) * len(study.seeds))}",
        counts=tuple(by_verdict),
        page=item.page,
    )

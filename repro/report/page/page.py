"""A study's report: one HTML file that shows its evidence and every verdict on it.

It reads what its study left and nothing of others, so that a study's page never depends on which other studies
happen to be there; `repro.report.page.all_studies` sets them side by side.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from repro.evidence.directory import Evidence
from repro.files import write_text
from repro.report.cases.choices import Rules
from repro.report.cases.rows import checked_rows, rows_on
from repro.report.figures.curves.variant_curves import curve_figure
from repro.report.figures.kernels.tower_figure import specific_above, tower_figure
from repro.report.figures.retrieval.figure import RetrievalFigure
from repro.report.page.entries import Literature, counts, sections, statement_entry
from repro.report.page.gate_table import gate_rows
from repro.report.page.judgements import Basis
from repro.report.page.masthead import masthead
from repro.report.page.matrix import matrix
from repro.report.page.rendering import rendered
from repro.report.page.variant_table import departures, error_strip, failed_runs, variant_rows
from repro.verdicts.registry.literature import LITERATURE_FILE, load_literature
from repro.verdicts.registry.registry import REGISTRY_FILE, Registry, claims_folder, load_registry


def write_report(
    path: Path,
    evidence: Evidence,
    verdicts: list[dict[str, Any]],
    registry: Registry | None = None,
    retrieval: RetrievalFigure | None = None,
) -> None:
    """Write the page of one study to `path`; the same evidence and verdicts give the same bytes.

    verdicts: what `pytest claims/ --verdicts FILE` writes; those on other studies are left out.
    registry: for gates, units and what tests cover; by default the project's `claims/statements.yaml`.
    retrieval: pictures with their neighbours, where the prepared pictures are at hand.

    Raises UserError when `verdicts` has another shape, or when files cannot be read or written.
    """
    registered = registry or load_registry(claims_folder() / REGISTRY_FILE)
    write_text(path, report_html(evidence, verdicts, registered, retrieval, literature_beside(registered)))


def literature_beside(registry: Registry) -> Literature:
    """What later work found, from the file beside the registry; nothing where there is none."""
    path = registry.path.parent / LITERATURE_FILE
    return load_literature(path, registry) if path.is_file() else {}


def report_html(
    evidence: Evidence,
    verdicts: Any,
    registry: Registry,
    retrieval: RetrievalFigure | None = None,
    literature: Literature | None = None,
) -> str:
    """The page as text."""
    study = evidence.study.study
    rows = rows_on(checked_rows(verdicts), study)
    rules = Rules(evidence, registry, rows)
    bases = [Basis(row, evidence, retrieval, rules) for row in rows.values()]
    entries = [statement_entry([basis], registry, literature or {}) for basis in bases]
    judgements = [item for entry in entries for item in entry.judgements]
    ordered = sections(entries)
    by_id = {entry.id: entry for entry in entries}
    return rendered(
        "report.html",
        head=masthead(evidence),
        studies=(study,),
        on_page=frozenset(by_id),
        kinds=_kinds(entries),
        counts=counts(judgements),
        total=len(entries),
        errata=sum(entry.erratum is not None and "contradicted" in entry.verdicts for entry in entries),
        family=[by_id[name] for name in evidence.study.family if name in by_id],
        matrix=matrix(ordered, [study]),
        gates=gate_rows([item.case for item in judgements if item.case is not None]),
        towers=tower_figure(evidence, specific_above(registry)),
        curves=curve_figure(evidence),
        variants=variant_rows(evidence),
        held_out=error_strip(evidence, "held_out_error", "Held-out error"),
        train=error_strip(evidence, "train_error", "Training error"),
        departures=departures(evidence),
        failed=failed_runs(evidence),
        sections=ordered,
    )


def _kinds(entries: Sequence[Any]) -> tuple[str, ...]:
    return tuple(sorted({entry.kind for entry in entries}))

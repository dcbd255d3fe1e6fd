"""The report: one HTML file that holds everything it shows, without scripts and without the network."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from repro.evidence.directory import Evidence
from repro.files import write_text
from repro.report import words
from repro.report.curve_panels import curve_figure
from repro.report.entries import NO_CLAIM, VERDICTS, counts, sections, statement_entries
from repro.report.gate_table import gate_rows
from repro.report.masthead import masthead
from repro.report.tower_figure import tower_figure
from repro.report.variant_table import departures, error_strip, failed_runs, variant_rows
from repro.verdicts.registry import REGISTRY_FILE, Registry, claims_folder, load_registry

TEMPLATES = Path(__file__).parent / "templates"
SYMBOLS = {
    "supported": "✓",
    "contradicted": "✕",
    "inconclusive": "≈",
    "not_evaluated": "○",
    "untestable": "∅",
    NO_CLAIM: "…",
}
"""Before each verdict's word, so that neither colour nor form alone carries it."""


def write_report(
    path: Path, evidence: Evidence, verdicts: list[dict[str, Any]], registry: Registry | None = None
) -> None:
    """Write the page of one study to `path`; the same evidence and verdicts give the same bytes.

    verdicts: what `pytest claims/ --verdicts FILE` writes; those on other studies are left out.
    registry: for gates, units and what tests cover; by default the project's `claims/statements.yaml`.

    Raises UserError when `verdicts` has another shape, or when files cannot be read or written.
    """
    write_text(
        path, report_html(evidence, verdicts, registry or load_registry(claims_folder() / REGISTRY_FILE))
    )


def report_html(evidence: Evidence, verdicts: Sequence[Mapping[str, Any]], registry: Registry) -> str:
    """The page as text."""
    entries = statement_entries(evidence, verdicts, registry)
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_typeset,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["named"] = words.named
    by_id = {entry.id: entry for entry in entries}
    return environment.get_template("report.html").render(
        style=Markup((TEMPLATES / "report.css").read_text(encoding="utf-8")),
        symbols=SYMBOLS,
        verdict_names=VERDICTS,
        no_claim=NO_CLAIM,
        head=masthead(evidence),
        counts=counts(entries),
        total=len(entries),
        errata=sum(entry.erratum is not None and entry.verdict == "contradicted" for entry in entries),
        family=[by_id[name] for name in evidence.study.family if name in by_id],
        gates=gate_rows(evidence, registry.gates),
        towers=tower_figure(evidence),
        curves=curve_figure(evidence),
        variants=variant_rows(evidence),
        held_out=error_strip(evidence, "held_out_error", "Held-out error"),
        train=error_strip(evidence, "train_error", "Training error"),
        departures=departures(evidence),
        failed=failed_runs(evidence),
        sections=sections(entries),
        without_claim=[entry for entry in entries if entry.verdict == NO_CLAIM],
    )


def _typeset(value: Any) -> Any:
    """Text with apostrophes as printers set them and no line break before a percent sign; markup stays."""
    if type(value) is not str:
        return value
    return re.sub(r"(?<=\d) %", f"{words.THIN}%", re.sub(r"(?<=\w)'(?=\w|\s|$)", "’", value))

"""The made-up study's page, rendered and read."""

from __future__ import annotations

from typing import Any

from repro.report.page.page import report_html
from tests.report.made_up_study import made_up_study, project_registry
from tests.report.made_up_verdicts import verdict_rows
from tests.report.reading import Page

REGISTRY = project_registry()
ROWS = verdict_rows(REGISTRY)


def page(evidence: Any = None, rows: Any = None) -> Page:
    return Page(report_html(evidence or made_up_study(), ROWS if rows is None else rows, REGISTRY))


def verdicts_shown(read: Page) -> dict[str, str]:
    return {str(a["id"]): str(a.get("data-verdict")) for tag, a in read.tags if tag == "article"}

"""Which figures stand beside a verdict: by the form of its test; a plain one for forms not known here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from repro.report.cases.case import Case
from repro.report.drawing.charts import Chart
from repro.report.drawing.forest import Forest
from repro.report.drawing.strips import Strip
from repro.report.figures.claims.comparison_table import ComparisonTable
from repro.report.figures.claims.differences import difference_figures, generic_figures
from repro.report.figures.claims.measures import absolute_figures, measures_figures, per_image_figures
from repro.report.figures.claims.speed import speed_figures
from repro.report.figures.claims.towers import tower_figures
from repro.report.figures.kernels.sheets import SheetRow
from repro.report.figures.retrieval.figure import RetrievalFigure

ClaimFigure = Strip | Forest | Chart | SheetRow | RetrievalFigure | ComparisonTable
"""Each has a `kind`, the name of the macro that draws it."""

_BY_FORM: Mapping[str, Callable[[Case], Sequence[ClaimFigure]]] = {
    "direction": difference_figures,
    "any_of": difference_figures,
    "descending": difference_figures,
    "equivalent": difference_figures,
    "speed": speed_figures,
    "measures": measures_figures,
    "absolute": absolute_figures,
    "per_image": per_image_figures,
    "tower_contrast": tower_figures,
    "most_runs": tower_figures,
    "every_run": tower_figures,
    "fair_coin": tower_figures,
}


def claim_figures(case: Case, retrieval: RetrievalFigure | None = None) -> tuple[ClaimFigure, ...]:
    """The evidence of one verdict in figures; none for tests without statistics.

    retrieval: pictures with their neighbours, shown beside the statement on them.
    """
    if case.test is None or case.statement.scope != "statistical" or not case.concerned:
        return ()
    drawn = list(_BY_FORM.get(case.form, generic_figures)(case)) or list(generic_figures(case))
    if retrieval is not None and _reads(case, "neighbour_agreement"):
        drawn.append(retrieval)
    return tuple(drawn)


def _reads(case: Case, metric: str) -> bool:
    """Whether the test names this metric (S84: a picture's neighbours)."""
    return hasattr(case.test, "model_dump") and f"'{metric}'" in str(case.test.model_dump())

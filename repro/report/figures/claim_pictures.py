"""Which pictures stand beside a verdict: by the form of its test; a plain one for forms not known here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from repro.report.drawing.charts import Chart
from repro.report.drawing.forest import Forest
from repro.report.drawing.strips import Strip
from repro.report.figures.case import Case
from repro.report.figures.difference_pictures import difference_pictures, generic_pictures
from repro.report.figures.measure_pictures import absolute_pictures, measures_pictures, per_image_pictures
from repro.report.figures.retrieval_figure import RetrievalFigure
from repro.report.figures.speed_pictures import speed_pictures
from repro.report.figures.tower_pictures import SheetRow, tower_pictures
from repro.report.page.comparison_table import ComparisonTable

Picture = Strip | Forest | Chart | SheetRow | RetrievalFigure | ComparisonTable
"""Each has a `kind`, the name of the macro that draws it."""

_BY_FORM: Mapping[str, Callable[[Case], Sequence[Picture]]] = {
    "direction": difference_pictures,
    "any_of": difference_pictures,
    "descending": difference_pictures,
    "equivalent": difference_pictures,
    "speed": speed_pictures,
    "measures": measures_pictures,
    "absolute": absolute_pictures,
    "per_image": per_image_pictures,
    "tower_contrast": tower_pictures,
    "most_runs": tower_pictures,
    "every_run": tower_pictures,
    "fair_coin": tower_pictures,
}


def pictures(case: Case) -> tuple[Picture, ...]:
    """The evidence of one verdict in pictures; none for tests without statistics."""
    if case.test is None or case.statement.scope != "statistical" or not case.concerned:
        return ()
    drawn = list(_BY_FORM.get(case.form, generic_pictures)(case)) or list(generic_pictures(case))
    if case.retrieval is not None and _reads(case, "neighbour_agreement"):
        drawn.append(case.retrieval)
    return tuple(drawn)


def _reads(case: Case, metric: str) -> bool:
    """Whether the test names this metric (S84: a picture's neighbours)."""
    return hasattr(case.test, "model_dump") and f"'{metric}'" in str(case.test.model_dump())

"""All forms of statistical claims, by their registered types: a new form adds its line here."""

from __future__ import annotations

from typing import Any

from repro.verdicts.forms.absolute import ABSOLUTE
from repro.verdicts.forms.arms import ANY_OF, DESCENDING, DIRECTION, EQUIVALENT
from repro.verdicts.forms.form import Form
from repro.verdicts.forms.measures import MEASURES
from repro.verdicts.forms.per_image import PER_IMAGE
from repro.verdicts.forms.speed import SPEED
from repro.verdicts.forms.tower_contrast import TOWER_CONTRAST
from repro.verdicts.forms.tower_counts import EVERY_RUN, FAIR_COIN, MOST_RUNS
from repro.verdicts.registry.test_types import StatisticalTest

_FORMS: tuple[Form[Any, Any], ...] = (
    *(DIRECTION, ANY_OF, DESCENDING, EQUIVALENT, SPEED),
    *(MEASURES, ABSOLUTE, PER_IMAGE),
    *(TOWER_CONTRAST, MOST_RUNS, EVERY_RUN, FAIR_COIN),
)
_BY_TYPE: dict[type[Any], Form[Any, Any]] = {form.test: form for form in _FORMS}


def form_of(test: StatisticalTest) -> Form[Any, Any]:
    """The form of a registered test; KeyError for a type that has none in the table."""
    return _BY_TYPE[type(test)]

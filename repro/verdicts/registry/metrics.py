"""The numbers per run that claims may read: those that measurements declare, and those read off curves and outcomes.

A measurement brings the rules of its metrics with it (`repro/measurement/metrics/`); nothing is entered here for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from repro.measurement.declared import MetricRule, declared_metrics

_READ_OFF: dict[str, MetricRule] = {
    "early_train_loss": MetricRule(
        title="Training loss in the first tenth of training", unit="nats", range=(0, None), guess="loss"
    ),
    "ensemble_error": MetricRule(
        title="Held-out error of averaged nets, ten views",
        unit="points",
        range=(0, 1),
        guess="error",
        pictures="view_pictures",
    ),
    "ensemble_top5_error": MetricRule(
        title="Held-out top-5 error of averaged nets, ten views",
        unit="points",
        range=(0, 1),
        guess="top5_error",
        pictures="view_pictures",
    ),
}
"""No scalars of a run: `repro.verdicts.readings` makes them of its curves, and of the outcomes of several runs."""

METRICS: Mapping[str, MetricRule] = declared_metrics() | _READ_OFF
Unit = str
"""Of differences that are tested: a metric's, or J, rate and ratio of the forms that have their own."""

if TYPE_CHECKING:
    Metric = str
else:
    Metric = Literal[tuple(METRICS)]

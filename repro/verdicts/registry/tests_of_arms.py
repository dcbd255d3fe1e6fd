"""Registered tests of arms against arms: variants compared over seeds."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from repro.verdicts.registry.gate_rules import Fraction
from repro.verdicts.registry.metrics import METRICS, Metric, Unit
from repro.verdicts.registry.over_seeds import (
    Larger,
    MetricNames,
    NotNegative,
    OverSeeds,
    PaperScale,
)


class _OfOneMetric(OverSeeds):
    metric: Metric

    @property
    def unit(self) -> Unit:
        """The unit of the differences that are tested: that of the metric."""
        return METRICS[self.metric].unit


class _Compared(_OfOneMetric):
    larger: Larger
    more_than: NotNegative = Field(0.0, description="difference in the metric that must be exceeded")
    smallest_effect: NotNegative = Field(0.0, description="an effect below it contradicts as well")
    smallest_effect_at_paper_scale: NotNegative = Field(
        0.0, description="the same in a study at the paper's own scale: half of the paper's number"
    )
    beside: MetricNames = Field((), description="second readings: metrics that are shown and decide nothing")
    at_paper_scale: PaperScale | Annotated[tuple[PaperScale, ...], Field(strict=False)] | None = Field(
        None, description="margins around the paper's differences, read in place of the sign at its scale"
    )
    planned_effect: NotNegative | None = Field(
        None, description="effect that the seeds needed are counted for; decides nothing"
    )

    @property
    def margins(self) -> tuple[PaperScale, ...]:
        """The margins at the paper's scale."""
        scale = self.at_paper_scale
        return () if scale is None else (scale,) if isinstance(scale, PaperScale) else scale


class DirectionTest(_Compared):
    """One variant against a reference: is the named arm's mean larger?"""

    arms_at_least: ClassVar[int] = 2
    arms_at_most: ClassVar[float] = 2
    form: Literal["direction"]


class AnyOfTest(_Compared):
    """Each of several variants against one reference; the claim needs all of them."""

    arms_at_least: ClassVar[int] = 2
    arms_at_most: ClassVar[float] = math.inf
    form: Literal["any_of"]
    also: MetricNames = Field((), description="further metrics in which the same arm's mean must be larger")


class DescendingTest(_OfOneMetric):
    """Variants in a registered order: is each one's mean larger than the next one's?"""

    arms_at_least: ClassVar[int] = 2
    arms_at_most: ClassVar[float] = math.inf
    form: Literal["descending"]
    planned_effect: NotNegative | None = Field(
        None, description="step that the seeds needed are counted for; decides nothing"
    )


class EquivalentTest(_OfOneMetric):
    """Two variants, each judged on pictures of its own: do their means differ by less than a registered margin?"""

    arms_at_least: ClassVar[int] = 2
    arms_at_most: ClassVar[float] = 2
    form: Literal["equivalent"]
    margin: Annotated[float, Field(gt=0)]


class SpeedTest(OverSeeds):
    """Pairs of variants, slower first: by what factor do they differ in iterations until a point in training?"""

    arms_at_least: ClassVar[int] = 2
    arms_at_most: ClassVar[float] = math.inf
    form: Literal["speed"]
    target: Fraction | None = Field(
        None,
        description="the training error that is to be reached; absent: until the held-out error has come within 1 % of "
        "its lowest",
    )
    lower: Annotated[float, Field(gt=0)] = Field(description="factor that the ratio must exceed")
    upper: Annotated[float, Field(gt=0)] | None = Field(None, description="factor that it must not reach")
    planned_effect: NotNegative | None = Field(
        None, description="distance from the lower factor that the seeds needed are counted for; decides nothing"
    )

    @model_validator(mode="after")
    def _in_pairs(self) -> SpeedTest:
        if len(self.variants) % 2:
            raise ValueError(f"variants names {len(self.variants)}; this form takes pairs")
        return self

    @property
    def unit(self) -> Unit:
        return "ratio"

    @property
    def criterion(self) -> Literal["training_error", "converged"]:
        """The curve by which a run arrives: its training error at a target, or its held-out error when converged."""
        return "converged" if self.target is None else "training_error"

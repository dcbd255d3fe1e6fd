"""Registered tests of one variant's runs: conditions, the paper's numbers, ways to answer picture by picture."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from repro.settings import Settings
from repro.verdicts.registry.metrics import METRICS, Metric, Unit
from repro.verdicts.registry.over_seeds import (
    NotNegative,
    OverSeeds,
    PaperScale,
    in_order,
)


class Condition(Settings):
    """One condition on a metric of each run: above or below a number or another metric of that run, or near one."""

    metric: Metric
    above: float | Metric | None = None
    below: float | Metric | None = None
    near: float | Metric | None = None
    within: Annotated[float, Field(gt=0)] | None = Field(None, description="for `near`: the margin on both sides")
    of_chance: bool = Field(False, description="the number is a share of what guessing would give")
    planned_effect: NotNegative | None = Field(
        None, description="distance that the seeds needed are counted for; decides nothing"
    )

    @model_validator(mode="after")
    def _one_bound(self) -> Condition:
        bounds = [name for name in ("above", "below", "near") if getattr(self, name) is not None]
        if len(bounds) != 1:
            raise ValueError(f"has {' and '.join(bounds) or 'no bound'}; exactly one of above, below, near")
        if (self.near is None) != (self.within is None):
            raise ValueError("near and within go together")
        if self.of_chance and not isinstance(self.bound, float):
            raise ValueError("of_chance needs a number")
        return self

    @property
    def bound(self) -> float | Metric:
        """What the metric is held against."""
        bound = next(value for value in (self.above, self.below, self.near) if value is not None)
        return float(bound) if isinstance(bound, int | float) else bound


class MeasuresTest(OverSeeds):
    """Conditions on measures of the same runs, all of which must hold on average over the runs."""

    form: Literal["measures"]
    conditions: Annotated[tuple[Condition, ...], Field(strict=False, min_length=1)]
    at: Literal["any_scale", "paper_scale"] = "any_scale"


class Number(Settings):
    """A number that the paper prints, with the margin in which a mean over runs counts as that number."""

    metric: Metric
    lower: float
    upper: float
    printed: float

    @model_validator(mode="after")
    def _ascending(self) -> Number:
        in_order(lower=self.lower, upper=self.upper)
        return self


class AbsoluteTest(OverSeeds):
    """Numbers that the paper prints: do the means over runs lie in the margins around them?"""

    form: Literal["absolute"]
    numbers: Annotated[tuple[Number, ...], Field(strict=False, min_length=1)]
    year: Literal[2010, 2012] | None = Field(None, description="the contest whose pictures the study must have")
    classes: int = Field(1000, description="the classes that the study must have")
    members: Annotated[int, Field(ge=2)] | None = Field(
        None, description="the numbers are of so many nets averaged; absent: of single nets"
    )

    @property
    def unit(self) -> Unit:
        return METRICS[self.numbers[0].metric].unit


class PerImageTest(OverSeeds):
    """The same nets, two ways of answering, picture by picture: does the plainer way err more often?"""

    form: Literal["per_image"]
    second: Literal["ten_views", "ensemble"] = Field(
        description="ten_views: the mean over ten views, against the centre of each picture; ensemble: the mean over "
        "all nets, against each net alone"
    )
    at_paper_scale: PaperScale | None = Field(
        None, description="margin around the paper's gain, read in place of the sign at its scale"
    )
    numbers: Annotated[tuple[Number, ...], Field(strict=False)] = Field(
        (), description="the paper's numbers, held against at its scale on its pictures"
    )
    year: Literal[2010, 2012] | None = Field(None, description="the contest whose pictures those numbers are of")
    planned_effect: NotNegative | None = Field(
        None, description="effect that the seeds needed are counted for; decides nothing"
    )

    @property
    def unit(self) -> Unit:
        return "points"

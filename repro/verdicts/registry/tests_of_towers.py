"""Registered tests of the two towers' first-layer kernels."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from repro.verdicts.registry.gate_rules import Fraction
from repro.verdicts.registry.metrics import Unit
from repro.verdicts.registry.over_seeds import (
    Names,
    NotNegative,
    OverSeeds,
    Range,
    in_order,
)


class _OfTowers(OverSeeds):
    specific_above: Fraction = Field(
        description="share of a kernel's response variance over natural patches that comes from chroma, above which "
        "the kernel is colour-specific"
    )

    @property
    def unit(self) -> Unit:
        return "rate"


class TowerContrastTest(_OfTowers):
    """J, the division of labour between a net's towers: two-tower nets against dense nets' halves, over runs."""

    arms_at_least: ClassVar[int] = 2
    arms_at_most: ClassVar[float] = 2
    form: Literal["tower_contrast"]
    smallest_effect: NotNegative = Field(description="a difference of J below it contradicts as well")
    beside: Names = Field((), description="variants whose J is shown beside and decides nothing")

    @property
    def unit(self) -> Unit:
        return "J"


class MostRunsTest(_OfTowers):
    """More than half of all runs are largely divided between their towers."""

    arms_at_most: ClassVar[float] = 2
    form: Literal["most_runs"]
    majority: Annotated[
        float,
        Field(
            ge=0.5,
            le=1,
            description="part of the grey tower's live kernels that is agnostic, and of the colour tower's that is "
            "specific, in a net that counts as largely divided",
        ),
    ]


class EveryRunTest(_OfTowers):
    """A division that all runs must show."""

    arms_at_least: ClassVar[int] = 2
    arms_at_most: ClassVar[float] = 2
    form: Literal["every_run"]
    least_division: Fraction = Field(description="J from which a run shows it")
    level: Fraction = Field(description="permutation p up to which a run shows it")
    recurrence: Fraction = Field(description="rate among all possible runs that is exceeded if supported")
    contradicted_below: Fraction = Field(description="rate among all possible runs that is missed if contradicted")

    @model_validator(mode="after")
    def _ascending(self) -> EveryRunTest:
        in_order(zero=0.0, recurrence=self.recurrence, contradicted_below=self.contradicted_below, one=1.0)
        return self


class FairCoinTest(_OfTowers):
    """A two-sided outcome per run whose rate must lie inside a margin around one half."""

    form: Literal["fair_coin"]
    level: Fraction = Field(description="permutation p up to which a run has a colour tower at all")
    margin: Range
    exploratory_below: Annotated[
        int, Field(ge=1, description="runs below which the verdict is exploratory, family or not")
    ]

    @model_validator(mode="after")
    def _ascending(self) -> FairCoinTest:
        low, high = self.margin
        in_order(zero=0.0, margin_from=low, margin_to=high, one=1.0)
        return self

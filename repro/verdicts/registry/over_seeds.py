"""What all statistical tests of statements have in common, and the values that their fields take."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from repro.settings import Settings
from repro.verdicts.registry.gate_rules import GateName
from repro.verdicts.registry.metrics import Metric

Names = Annotated[tuple[str, ...], Field(strict=False)]
GateNames = Annotated[tuple[GateName, ...], Field(strict=False)]
MetricNames = Annotated[tuple[Metric, ...], Field(strict=False)]
Range = Annotated[tuple[float, float], Field(strict=False)]
NotNegative = Annotated[float, Field(ge=0)]
Larger = Literal["first", "second"]
Scope = Literal["definition", "record", "statistical"]
"""What a claim reads: nothing of a study, a study's record, or its runs."""


def in_order(**values: float) -> None:
    """Refuse numbers that do not ascend as they are named."""
    if list(values.values()) != sorted(set(values.values())):
        said = " < ".join(name.replace("_", " ") for name in values)
        raise ValueError(f"{said} must hold, not {' < '.join(f'{value:g}' for value in values.values())}")


class OverSeeds(Settings):
    """What every test over seeds registers, whatever its form."""

    arms_at_least: ClassVar[int] = 1
    arms_at_most: ClassVar[float] = 1
    scope: ClassVar[Scope] = "statistical"

    variants: Names = Field(min_length=1, description="in the order of the arms; the last is the reference")
    otherwise: Names = Field((), description="read in their place where the study has not all of them")
    arms: str = Field(description="what the arms mean, for readers")
    gates: GateNames
    minimum_n: Annotated[int, Field(ge=2, description="runs per arm below which nothing is decided")]

    @model_validator(mode="after")
    def _as_many_arms_as_the_form_takes(self) -> OverSeeds:
        least, most = self.arms_at_least, self.arms_at_most
        takes = f"{least}" if most == least else f"{least} or more" if most == math.inf else f"{least} to {most:g}"
        for name in ("variants", "otherwise"):
            listed = getattr(self, name)
            if listed and not least <= len(listed) <= most:
                raise ValueError(f"{name} names {len(listed)}; this form takes {takes}")
        if self.otherwise and len(self.otherwise) != len(self.variants):
            raise ValueError("otherwise must name as many as variants")
        return self


class PaperScale(Settings):
    """A margin around the paper's number, compared only in studies at the paper's own scale."""

    lower: float
    upper: float | None = Field(None, description="absent: more than the lower limit")
    metric: Metric | None = Field(None, description="absent: the test's own")

    @model_validator(mode="after")
    def _ascending(self) -> PaperScale:
        if self.upper is not None:
            in_order(lower=self.lower, upper=self.upper)
        return self

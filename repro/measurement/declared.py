"""What each measurement's numbers mean, and how claims may read them: `metrics/NAME.yaml`.

The files stand beside the code, so that claims know a metric's unit and title without torch. Everything
else about a metric follows from these files: the names that the registry of statements allows, how numbers are shown,
and the tables in docs/evidence.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from repro.errors import UserError
from repro.settings import Settings, validated
from repro.yaml_file import read_yaml

FOLDER = "metrics"
GUESSES: Mapping[str, Callable[[int], float]] = {
    "error": lambda classes: 1 - 1 / classes,
    "top5_error": lambda classes: 1 - min(5, classes) / classes,
    "loss": math.log,
    "agreement": lambda classes: 1 / classes,
    "zero": lambda classes: 0.0,
}
"""Values of a net that only guesses, by number of classes."""


class MetricRule(Settings):
    """How claims read a number per run."""

    title: str = Field(description="for people")
    unit: str = Field(description="of values and differences; `points` are fractions, shown as percentage points")
    range: Annotated[tuple[float | None, float | None], Field(strict=False)] = Field(
        description="the lowest and the highest value that it can have; null: there is none"
    )
    guess: Literal["error", "top5_error", "loss", "agreement", "zero"] | None = Field(
        None,
        description="its value for a net that only guesses: what a collapsed run without this number counts with; "
        "absent: guessing has no such value",
    )
    step: Annotated[float, Field(ge=0)] = Field(
        0.0, description="the step in which it comes: runs cannot be known to agree more closely than that"
    )
    absent: str | None = Field(
        None,
        description="why a finished run may have no such number: then its study cannot say, and this is the reason",
    )
    outcomes: str | None = Field(None, description="the array of stored outcomes per picture whose mean it is")
    pictures: str | None = Field(
        None,
        description="what says on how many held-out pictures, the same for every run, it was measured: a scalar, or "
        "evaluation.NAME, a setting of the study's evaluation; absent: it is no mean over such pictures",
    )
    halves: bool = Field(False, description="it is the difference of the errors on two halves of the held-out pictures")

    @model_validator(mode="after")
    def _ascending(self) -> MetricRule:
        low, high = self.range
        if low is not None and high is not None and not low < high:
            raise ValueError(f"range: {low:g} < {high:g} must hold")
        return self

    @property
    def guessing(self) -> Callable[[int], float] | None:
        return None if self.guess is None else GUESSES[self.guess]


class Scalar(Settings):
    """A number per run in the evidence."""

    unit: str = Field(description="as it is stored: shares are fractions of 1")
    what: str
    section: str | None = Field(None, description="of the paper")
    metric: MetricRule | None = Field(None, description="absent: no claim may be about it")


class Declaration(Settings):
    """The numbers of one measurement; `about` stands above their table in docs/evidence.md, `after` below it."""

    title: str
    about: str | None = None
    after: str | None = None
    scalars: dict[str, Scalar]


@lru_cache(maxsize=2)
def declarations(folder: Path | None = None) -> Mapping[str, Declaration]:
    """All declarations by the name of their measurement, in the order of the names.

    Raises UserError that names the file, the key, the value and what is allowed, and where two give one name.
    """
    by_name: dict[str, Declaration] = {}
    givers: dict[str, Path] = {}
    for path in sorted((folder or Path(__file__).with_name(FOLDER)).glob("*.yaml")):
        by_name[path.stem] = validated(Declaration, read_yaml(path), str(path))
        for name in by_name[path.stem].scalars:
            if name in givers:
                raise UserError(f"{path}: scalars: {name} is in {givers[name]} too; a name is given once")
            givers[name] = path
    return by_name


def declared_metrics() -> dict[str, MetricRule]:
    """The rules of all scalars that claims may be about."""
    return {
        name: scalar.metric
        for declaration in declarations().values()
        for name, scalar in declaration.scalars.items()
        if scalar.metric is not None
    }

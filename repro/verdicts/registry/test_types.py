"""The forms that a statement's test can have: what the registry fixes for each before the runs."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import Field, model_validator

from repro.settings import Settings
from repro.verdicts.registry.gate_rules import Fraction, GateName
from repro.verdicts.registry.metrics import METRICS, Metric, Unit

Names = Annotated[tuple[str, ...], Field(strict=False)]
GateNames = Annotated[tuple[GateName, ...], Field(strict=False)]
MetricNames = Annotated[tuple[Metric, ...], Field(strict=False)]
Range = Annotated[tuple[float, float], Field(strict=False)]
NotNegative = Annotated[float, Field(ge=0)]
Larger = Literal["first", "second"]
Scope = Literal["definition", "record", "statistical"]
"""What a claim reads: nothing of a study, a study's record, or its runs."""


def _in_order(**values: float) -> None:
    """Refuse numbers that do not ascend as they are named."""
    if list(values.values()) != sorted(set(values.values())):
        said = " < ".join(name.replace("_", " ") for name in values)
        raise ValueError(f"{said} must hold, not {' < '.join(f'{value:g}' for value in values.values())}")


class _Statistical(Settings):
    arms_at_least: ClassVar[int] = 1
    arms_at_most: ClassVar[float] = 1
    scope: ClassVar[Scope] = "statistical"

    variants: Names = Field(min_length=1, description="in the order of the arms; the last is the reference")
    otherwise: Names = Field((), description="read in their place where the study has not all of them")
    arms: str = Field(description="what the arms mean, for readers")
    gates: GateNames
    minimum_n: Annotated[int, Field(ge=2, description="runs per arm below which nothing is decided")]

    @model_validator(mode="after")
    def _as_many_arms_as_the_form_takes(self) -> _Statistical:
        least, most = self.arms_at_least, self.arms_at_most
        takes = f"{least}" if most == least else f"{least} or more" if most == math.inf else f"{least} to {most:g}"
        for name in ("variants", "otherwise"):
            listed = getattr(self, name)
            if listed and not least <= len(listed) <= most:
                raise ValueError(f"{name} names {len(listed)}; this form takes {takes}")
        if self.otherwise and len(self.otherwise) != len(self.variants):
            raise ValueError("otherwise must name as many as variants")
        return self


# ---- arms against arms -----------------------------------------------------------------------------


class PaperScale(Settings):
    """A margin around the paper's number, compared only in studies at the paper's own scale."""

    lower: float
    upper: float | None = Field(None, description="absent: more than the lower limit")
    metric: Metric | None = Field(None, description="absent: the test's own")

    @model_validator(mode="after")
    def _ascending(self) -> PaperScale:
        if self.upper is not None:
            _in_order(lower=self.lower, upper=self.upper)
        return self


class _OfOneMetric(_Statistical):
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


class SpeedTest(_Statistical):
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


# ---- runs of one variant ---------------------------------------------------------------------------


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


class MeasuresTest(_Statistical):
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
        _in_order(lower=self.lower, upper=self.upper)
        return self


class AbsoluteTest(_Statistical):
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


class PerImageTest(_Statistical):
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


# ---- the two towers --------------------------------------------------------------------------------


class _OfTowers(_Statistical):
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
        _in_order(zero=0.0, recurrence=self.recurrence, contradicted_below=self.contradicted_below, one=1.0)
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
        _in_order(zero=0.0, margin_from=low, margin_to=high, one=1.0)
        return self


# ---- without statistics ----------------------------------------------------------------------------


class ComparisonTest(Settings):
    """Decided without training, from the layer table, the facts, or printed numbers; has no study."""

    scope: ClassVar[Scope] = "definition"
    form: Literal["comparison"]
    reads: str


class RecordTest(Settings):
    """Decided without statistics from a study's record: staged data, logs."""

    scope: ClassVar[Scope] = "record"
    form: Literal["record"]
    reads: str


ArmsTest = DirectionTest | AnyOfTest | DescendingTest | EquivalentTest | SpeedTest
OneVariantTest = MeasuresTest | AbsoluteTest | PerImageTest
TowersTest = TowerContrastTest | MostRunsTest | EveryRunTest | FairCoinTest
StatisticalTest = ArmsTest | OneVariantTest | TowersTest
Test = StatisticalTest | ComparisonTest | RecordTest
FORMS: dict[str, type[Settings]] = {get_args(test.model_fields["form"].annotation)[0]: test for test in get_args(Test)}
"""Types by the name of their form, as the file has it."""
DECIDES_NOTHING = frozenset({"arms", "reads", "planned_effect", "beside", "printed"})
"""Fields that no verdict depends on: words and numbers for readers and plans."""


def names_in(value: Any, known: Collection[str]) -> tuple[str, ...]:
    """Which of the known names (of variants, of metrics) a test's plain values mention anywhere, in its order."""
    return tuple(dict.fromkeys(word for word in _strings(value) if word in known))


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _strings(part)
    elif isinstance(value, Sequence):
        for part in value:
            yield from _strings(part)

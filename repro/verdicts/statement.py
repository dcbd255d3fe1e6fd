"""What an entry of the registry holds: a statement of the paper, its test, and the gates' thresholds."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from repro.study.settings import Settings

Kind = Literal["definition", "statistical", "absolute", "timing", "qualitative", "historical"]
GateName = Literal["trained", "fitted", "normalisation_alive", "kernels_moved", "dose", "untrained_control"]
ErrorMetric = Literal["train_error", "train_loss", "held_out_error", "held_out_loss", "held_out_top5_error"]
Names = Annotated[tuple[str, ...], Field(strict=False)]
GateNames = Annotated[tuple[GateName, ...], Field(strict=False)]
Range = Annotated[tuple[float, float], Field(strict=False)]
Fraction = Annotated[float, Field(ge=0, le=1)]


class Trained(Settings):
    training_error_below_share_of_chance: Fraction


class Fitted(Settings):
    training_error_at_most_share_of_held_out_error: Annotated[float, Field(gt=0)]


class NormalisationAlive(Settings):
    mean_scale_over_constant_above: Annotated[float, Field(ge=1)]


class KernelsMoved(Settings):
    mean_cosine_with_initial_below: Fraction
    live_kernels_per_tower_at_least: Annotated[int, Field(ge=1)]
    dead_share_per_tower_at_most: Fraction


class Dose(Settings):
    decay_dose_at_least: Annotated[float, Field(gt=0)]


class UntrainedControl(Settings):
    level: Fraction
    luck_at_least: Fraction


class Gates(Settings):
    """Thresholds of the preconditions that are read before any number."""

    trained: Trained
    fitted: Fitted
    normalisation_alive: NormalisationAlive
    kernels_moved: KernelsMoved
    dose: Dose
    untrained_control: UntrainedControl


class PaperScale(Settings):
    """A margin around the paper's number, compared only in studies at the paper's own scale."""

    lower: float
    upper: float


class _Statistical(Settings):
    unit: Literal["points", "nats", "auc", "rate"]
    variants: Names = Field(min_length=1, description="in the order of the arms; the last is the reference")
    arms: str = Field(description="what the arms mean, for readers")
    gates: GateNames
    minimum_n: Annotated[int, Field(ge=2, description="runs per arm below which nothing is decided")]


class DirectionTest(_Statistical):
    """One variant against a reference: is the named arm's mean larger?"""

    form: Literal["direction"]
    metric: ErrorMetric
    larger: Literal["first", "second"]
    smallest_effect: Annotated[float, Field(ge=0)] = 0.0
    at_paper_scale: PaperScale | None = None


class AnyOfTest(_Statistical):
    """Each of several variants against one reference; the claim needs all of them."""

    form: Literal["any_of"]
    metric: ErrorMetric
    larger: Literal["first", "second"]
    smallest_effect: Annotated[float, Field(ge=0)] = 0.0
    at_paper_scale: PaperScale | None = None


class TowerContrastTest(_Statistical):
    """Folded AUC between towers, split nets against dense ones, by ranks over runs."""

    form: Literal["tower_contrast"]
    metric: Literal["folded_auc"]
    larger: Literal["first"]
    threshold: Fraction


class MostRunsTest(_Statistical):
    """A state per run that more than half of all runs must show."""

    form: Literal["most_runs"]
    metric: Literal["majority_of_kernels"]
    level: Fraction


class EveryRunTest(_Statistical):
    """A state per run that all runs must show."""

    form: Literal["every_run"]
    metric: Literal["folded_auc"]
    level: Fraction
    threshold: Fraction
    recurrence: Fraction


class FairCoinTest(_Statistical):
    """A two-sided outcome per run whose rate must lie inside a margin around one half."""

    form: Literal["fair_coin"]
    metric: Literal["colour_tower"]
    level: Fraction
    margin: Range


class ComparisonTest(Settings):
    """Decided without training, from the layer table, the facts, or printed numbers; has no study."""

    form: Literal["comparison"]
    reads: str


class RecordTest(Settings):
    """Decided without statistics from a study's record: staged data, logs."""

    form: Literal["record"]
    reads: str


StatisticalTest = DirectionTest | AnyOfTest | TowerContrastTest | MostRunsTest | EveryRunTest | FairCoinTest
Test = StatisticalTest | ComparisonTest | RecordTest
FORMS: dict[str, type[Settings]] = {
    "direction": DirectionTest,
    "any_of": AnyOfTest,
    "tower_contrast": TowerContrastTest,
    "most_runs": MostRunsTest,
    "every_run": EveryRunTest,
    "fair_coin": FairCoinTest,
    "comparison": ComparisonTest,
    "record": RecordTest,
}


class AuthorsNumber(Settings):
    """What the authors' released code notes about the run, and where."""

    number: str
    file: str


class Statement(Settings):
    """One statement of the paper, paraphrased."""

    id: Annotated[str, Field(pattern=r"^S\d\d[a-f]?$")]
    section: str
    statement: str
    kind: Kind
    paper: str | None = None
    authors: AuthorsNumber | None = None
    known_erratum: str | None = Field(None, description="why it is false as printed")
    part: str | None = Field(None, description="what the test covers, where it covers only a part")
    repeats: str | None = Field(None, description="the statement that it repeats and whose verdict it shares")
    untestable: str | None = Field(None, description="why no data could decide it")
    test: Test | None = Field(None, discriminator="form")

    @model_validator(mode="after")
    def _one_way(self) -> Statement:
        ways = [name for name in ("repeats", "untestable", "test") if getattr(self, name) is not None]
        if len(ways) > 1:
            raise ValueError(f"has {' and '.join(ways)}; at most one of repeats, untestable, test")
        if self.known_erratum is not None and not isinstance(self.test, ComparisonTest):
            raise ValueError("known_erratum is only for statements with a test of form comparison")
        return self

    @property
    def scope(self) -> Literal["definition", "record", "statistical"] | None:
        """What its claim reads: nothing of a study, a study's record, or its runs; None without a test."""
        if self.test is None:
            return None
        if isinstance(self.test, ComparisonTest):
            return "definition"
        return "record" if isinstance(self.test, RecordTest) else "statistical"

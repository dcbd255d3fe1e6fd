"""The registry of statements, `claims/statements.yaml`: what the paper says and how each claim is decided.

Everything that can change a verdict stands in the file, not in the claims' code, and has a digest per
entry; paraphrases, notes and the paper's numbers stand there for readers and do not enter it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from repro.errors import UserError
from repro.files import digest_of
from repro.study.load import read_yaml
from repro.study.settings import Settings, validated

REGISTRY_FILE = "statements.yaml"
SCHEMA = 1

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
_FORMS: dict[str, type[Settings]] = {
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


@dataclass(frozen=True)
class Registry:
    """All statements in the paper's order, the gates' thresholds, and the numbers that the paper prints."""

    path: Path
    statements: Mapping[str, Statement]
    gates: Gates
    printed: Mapping[str, Any]

    def __iter__(self) -> Iterator[Statement]:
        return iter(self.statements.values())

    def __getitem__(self, statement: str) -> Statement:
        try:
            return self.statements[statement]
        except KeyError:
            raise UserError(f"{self.path}: there is no statement {statement}; ids look like S61c") from None

    def original(self, statement: str) -> str:
        """The statement that this one repeats, or itself."""
        return self[statement].repeats or statement

    @property
    def repeats(self) -> dict[str, str]:
        return {entry.id: entry.repeats for entry in self if entry.repeats is not None}

    @property
    def definitions(self) -> frozenset[str]:
        """Statements that no statistics will decide: they never count in a family."""
        return frozenset(
            entry.id
            for entry in self
            if entry.scope in ("definition", "record") or entry.untestable is not None
        )

    def digest(self, statement: str) -> str:
        """Digest of what decides the verdict: the test with the thresholds of its gates; not the prose."""
        entry = self[statement]
        if entry.repeats is not None:
            return digest_of({"repeats": self.digest(entry.repeats)})
        if entry.test is None:
            return digest_of({"untestable": entry.untestable is not None})
        test = entry.test.model_dump(mode="json")
        prose = {"arms", "reads"}
        gates = self.gates.model_dump(mode="json")
        return digest_of(
            {
                "test": {key: value for key, value in test.items() if key not in prose},
                "gates": {name: gates[name] for name in test.get("gates", [])},
                "known_erratum": entry.known_erratum is not None,
            }
        )


class _File(Settings):
    gates: Gates
    printed: dict[str, Any]


@lru_cache(maxsize=8)
def load_registry(path: Path) -> Registry:
    """Read `statements.yaml`.

    Raises UserError that names the statement, the key, the value and what is allowed.
    """
    raw = read_yaml(path)
    if raw.pop("schema", None) != SCHEMA:
        raise UserError(f"{path}: schema: this version reads schema {SCHEMA}")
    rows = raw.pop("statements", None)
    if not isinstance(rows, list) or not rows:
        raise UserError(f"{path}: statements: must be a list of statements")
    head = validated(_File, raw, str(path))
    statements: dict[str, Statement] = {}
    for place, row in enumerate(rows, 1):
        entry = _statement(row, f"{path}: statement {place}")
        if entry.id in statements:
            raise UserError(f"{path}: {entry.id} stands there twice; ids are unique")
        statements[entry.id] = entry
    for entry in statements.values():
        target = statements.get(entry.repeats or entry.id)
        if target is None or (entry.repeats and target.repeats):
            raise UserError(
                f"{path}: {entry.id}: repeats: {entry.repeats!r} must be a statement that repeats no other"
            )
    return Registry(path, statements, head.gates, head.printed)


def _statement(row: Any, where: str) -> Statement:
    if not isinstance(row, dict):
        raise UserError(f"{where} must be a mapping with id, section, statement and kind")
    where = f"{where} ({row.get('id', 'without id')})"
    test = row.get("test")
    if test is not None:
        if not isinstance(test, dict) or test.get("form") not in _FORMS:
            form = test.get("form") if isinstance(test, dict) else test
            raise UserError(f"{where}: test.form: {form!r} is not a form; allowed: {', '.join(_FORMS)}")
        row = {**row, "test": validated(_FORMS[test["form"]], test, f"{where}: test")}
    return validated(Statement, row, where)


def claims_folder(start: Path | None = None) -> Path:
    """The project's `claims/`: in `start` (by default here) or beside the installed package's sources.

    Raises UserError when neither has a registry.
    """
    here = (start or Path.cwd()) / "claims"
    beside = Path(__file__).resolve().parents[2] / "claims"
    for folder in (here, beside):
        if (folder / REGISTRY_FILE).is_file():
            return folder
    raise UserError(f"{here / REGISTRY_FILE} does not exist; run this from the project's folder")

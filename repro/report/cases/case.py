"""A verdict as the figures see it: the study's evidence, the statement's test, the finding behind the verdict.

Tests of forms that this module does not know have whatever names they have: what is missing gives no figure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from repro.evidence.directory import Evidence
from repro.evidence.record import RunRecord
from repro.report.drawing.strips import Point
from repro.report.drawing.words import finite
from repro.verdicts.authoring.samples import Samples, samples_of
from repro.verdicts.finding import Finding, NotEvaluated
from repro.verdicts.judging.claim_outcomes import with_studys_effect
from repro.verdicts.judging.gates import GateReading, read_gate
from repro.verdicts.judging.judge import finding_on
from repro.verdicts.judging.look_seeds import judged_seeds
from repro.verdicts.readings.readings import metric_values, missing_runs
from repro.verdicts.registry.gate_rules import GateName, Gates
from repro.verdicts.registry.statement import Statement
from repro.verdicts.registry.test_types import StatisticalTest

_STILL_CONCERNED = frozenset({"gate", "missing_runs", "kernels", "not_a_number"})


@dataclass(frozen=True)
class Case:
    """One row of the verdicts with what it was judged on."""

    evidence: Evidence
    statement: Statement
    test: Any
    gates: Gates
    row: Mapping[str, Any]

    @classmethod
    def as_judged(cls, evidence: Evidence, statement: Statement, gates: Gates, row: Mapping[str, Any]) -> Case:
        """The case of a row, its test with the smallest effect of interest that the study registered, if it did."""
        test = statement.test
        return cls(
            evidence,
            statement,
            with_studys_effect(statement, evidence) if isinstance(test, StatisticalTest) else test,
            gates,
            row,
        )

    @property
    def form(self) -> str:
        """The form of the registered test; that of the finding, where the row has it, may be more special."""
        return str(getattr(self.test, "form", ""))

    @cached_property
    def samples(self) -> Samples | None:
        """The arms as the form takes them; None for forms not known here."""
        try:
            return samples_of(self.test, self.variants)
        except (ValueError, LookupError, TypeError):  # a form known here by name that takes another number of arms
            return None

    @cached_property
    def judged(self) -> Finding | NotEvaluated | None:
        """What the judge says on the seeds of the verdict, before multiplicity; None for forms not known here."""
        if self.samples is None:
            return None
        try:
            return finding_on(self.evidence, self.test, self.gates, self.samples, self.seeds)
        except (ValueError, LookupError):  # a form that the judge reads otherwise, or a record that lacks what it reads
            return None

    def gate(self, name: GateName) -> GateReading | NotEvaluated:
        """What a gate of the test reads on the seeds of the verdict: a gate is not read on part of the runs."""
        variants = tuple(dict.fromkeys(self.variants))
        if gaps := missing_runs(self.evidence, variants, self.seeds):
            return gaps
        return read_gate(self.evidence, self.gates, name, self.test, variants, self.seeds)

    @cached_property
    def seeds(self) -> tuple[int, ...]:
        """The seeds that the verdict rests on: all registered ones, or those of the first of two looks."""
        n = self.row.get("n")
        replicates = [count for count in n if isinstance(count, int)] if isinstance(n, list | tuple) else []
        return judged_seeds(self.evidence, self.variants, max(replicates, default=None))

    @property
    def finding(self) -> Finding | None:
        """The finding; None where the evidence cannot say."""
        return self.judged if isinstance(self.judged, Finding) else None

    @property
    def concerned(self) -> bool:
        """Whether the runs bear on the statement at all, even where a gate is shut or some runs are missing.

        Not when the verdict was withheld for another reason, because this study's pictures or size cannot speak or
        it lacks a whole arm.
        """
        if self.row["verdict"] != "not_evaluated":
            return True
        return not set(self.variants) - set(self.present) and self.row["code"] in _STILL_CONCERNED

    @property
    def levels(self) -> bool:
        """Whether the estimate is a level, not a difference in the statement's direction."""
        return self.form in ("measures", "absolute")

    @property
    def details(self) -> Mapping[str, Any]:
        """What the finding kept for readers: values per seed, parts, margins."""
        recorded = self.row.get("details")
        if isinstance(recorded, Mapping):
            return recorded
        return {} if self.finding is None else self.finding.details

    @property
    def unit(self) -> str | None:
        """The estimate's unit."""
        of_finding = None if self.finding is None else self.finding.unit
        unit = self.row.get("unit") or of_finding or getattr(self.test, "unit", None)
        return unit if isinstance(unit, str) else None

    @property
    def boundary(self) -> float | None:
        """Above it the claim holds; None where a region has other ends."""
        return None if self.finding is None else self.finding.boundary

    def setting(self, name: str, otherwise: Any = None) -> Any:
        """A setting of the test, by name."""
        value = getattr(self.test, name, None)
        return otherwise if value is None else value

    def names(self, name: str) -> tuple[str, ...]:
        """A setting that lists names."""
        value = self.setting(name, ())
        listed = isinstance(value, Sequence) and not isinstance(value, str)
        return tuple(str(item) for item in value) if listed else ()

    @cached_property
    def variants(self) -> tuple[str, ...]:
        """The arms: the test's first list, or its second where the study lacks one of the first."""
        first, second = self.names("variants"), self.names("otherwise")
        studied = self.evidence.study.variants
        return second if second and not set(first) <= set(studied) else first

    @property
    def present(self) -> tuple[str, ...]:
        """The arms that have runs."""
        return tuple(name for name in self.variants if self.runs(name))

    def runs(self, variant: str) -> list[RunRecord]:
        """The runs of a variant that the verdict rests on, not those of seeds that only a later look counts."""
        return [run for run in self.evidence.of(variant) if run.seed in self.seeds]

    def points(self, variant: str, metric: str) -> list[Point]:
        """A variant's runs in a metric, collapsed ones as the verdict counts them."""
        counted_points = []
        for run in self.runs(variant):
            values = metric_values(self.evidence, variant, [run.seed], metric)
            value = None if isinstance(values, NotEvaluated) else finite(values[0])
            counted_points.append(Point(run.seed, value, run.status != "finished"))
        return counted_points

    def values(self, variant: str, metric: str) -> list[float]:
        """The numbers of these points."""
        return [point.value for point in self.points(variant, metric) if point.value is not None]

    @cached_property
    def interval(self) -> tuple[float, float | None, float | None] | None:
        """Estimate, low and high end (None: infinite); None altogether where the row has no such numbers."""
        ends = self.row.get("interval")
        estimate = finite(self.row.get("estimate"))
        if estimate is None or not isinstance(ends, Sequence) or isinstance(ends, str) or len(ends) != 2:
            return None
        low, high = finite(ends[0]), finite(ends[1])
        return None if low is None and high is None else (estimate, low, high)


def numbers(value: Any) -> list[float | None]:
    """A list of numbers as a detail holds it; empty for anything else."""
    if not isinstance(value, Sequence) or isinstance(value, str):
        return []
    return [finite(item) for item in value]

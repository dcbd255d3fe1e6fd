"""One study's evidence as a claim sees it: names to pick from, and the study's record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from repro.evidence.directory import Evidence
from repro.evidence.record import RunRecord
from repro.net.table.layers import layer_table
from repro.net.table.settings import NetSettings
from repro.settings import validated
from repro.study.settings import PictureSettings
from repro.verdicts.authoring.claim import CannotSay
from repro.verdicts.authoring.definition import Definition, Table
from repro.verdicts.authoring.samples import Samples, samples_of
from repro.verdicts.authoring.scale import at_paper_scale, contest_year
from repro.verdicts.authoring.timing import Accelerators, RunTiming, timings_by_accelerators
from repro.verdicts.registry.statement import Statement
from repro.verdicts.registry.test_types import StatisticalTest, TowersTest


class StudyEvidence:
    """What a claim on runs or records gets as its parameter `evidence`."""

    def __init__(self, evidence: Evidence, statement: Statement, printed: Mapping[str, Any]) -> None:
        self._evidence = evidence
        self.statement = statement
        self.printed = printed

    # ---- samples ---------------------------------------------------------------------------------

    def samples(self, *variants: str) -> Samples:
        """The runs of the variants that the registry names for the statement, as the form of its test takes them.

        Where the study lacks one of the first it is those that stand there as `otherwise`. A claim that chooses
        between the two itself names them. Raises CannotSay when the study has neither, or when nets whose towers are
        looked at have only one.
        """
        test = self.statement.test
        assert isinstance(test, StatisticalTest)
        if isinstance(test, TowersTest):
            self._need_two_towers((*variants, *test.variants)[0])
        samples = samples_of(test, self._known(variants) if variants else self._known(test.variants, test.otherwise))
        assert samples is not None
        return samples

    def _need_two_towers(self, variant: str) -> None:
        towers = self._evidence.study.settings.get(variant, {}).get("net", {}).get("towers")
        if towers != 2:
            raise CannotSay("fidelity", f"the nets of {self.study} have {towers} tower; this needs two")

    # ---- the study's record ----------------------------------------------------------------------

    @property
    def study(self) -> str:
        return self._evidence.study.study

    @property
    def data(self) -> str:
        """The name under which the study's pictures are registered."""
        return str(self._evidence.study.data.get("name"))

    @property
    def classes(self) -> int:
        return self._evidence.study.classes

    @property
    def class_names(self) -> tuple[str, ...]:
        return self._evidence.study.class_names

    @property
    def picture_counts(self) -> Mapping[str, int]:
        """Pictures of each split that the study staged: train, held_out, validation."""
        counts = self._evidence.study.data.get("counts", {})
        return {str(name): int(number) for name, number in counts.items()}

    @property
    def definition(self) -> Definition:
        """The paper's own net and printed numbers, for the arithmetic beside what was measured."""
        return Definition(self.printed, self._evidence.facts.get("fidelity"))

    @property
    def at_paper_scale(self) -> bool:
        """Whether the study trains the paper's net by its recipe on all of LSVRC."""
        return at_paper_scale(self._evidence)

    @property
    def contest(self) -> int | None:
        """The year of the contest whose training pictures were staged, by their number; None for other pictures."""
        return contest_year(self._evidence)

    @property
    def training_pictures(self) -> int:
        """How many pictures were staged for training, those included that the schedule holds back."""
        counts = self.picture_counts
        return counts.get("train", 0) + counts.get("validation", 0)

    def training_pictures_per_class(self) -> list[int]:
        """How many pictures of each class were staged for training. Raises CannotSay where evidence lacks them."""
        counts = self._evidence.study.data.get("counts_per_class")
        if counts is None:
            raise CannotSay(
                "not_a_number", f"the evidence of {self.study} holds no counts per class; `repro evaluate` adds them"
            )
        apart = counts.get("validation") or [0] * len(counts["train"])
        return [train + validation for train, validation in zip(counts["train"], apart, strict=True)]

    def share_trained_on(self, variant: str) -> float:
        """The share of the staged training pictures that a variant is trained on."""
        pictures = self.setting(variant, "training").get("pictures", {})
        return validated(PictureSettings, pictures, f"{self._evidence.path}: {variant}").portion

    def setting(self, variant: str, *path: str) -> Any:
        """A resolved setting of a variant, for instance ("training", "schedule", "kind")."""
        (name,) = self._known((variant,))
        value: Any = self._evidence.study.settings[name]
        for key in path:
            value = value[key]
        return value

    def net(self, variant: str) -> NetSettings:
        """A variant's net; what older evidence does not mention has its default."""
        return validated(NetSettings, self.setting(variant, "net"), f"{self._evidence.path}: {variant}")

    def table(self, variant: str) -> Table:
        """The layer table of a variant's net."""
        return _table(self.net(variant), self.classes)

    def numbers(self, variant: str, name: str) -> list[float]:
        """A scalar of every reported run of a variant that has it."""
        values = [run.scalar(name) for run in self._runs(variant)]
        return [value for value in values if value is not None]

    def curves(self, variant: str, name: str) -> dict[int, list[Any]]:
        """A logged curve of every reported run of a variant, by seed."""
        return {run.seed: list(run.curves[name]) for run in self._runs(variant)}

    def parents(self, variant: str) -> dict[int, str | None]:
        """The run that each reported run started from, by seed; None for random weights."""
        return {run.seed: run.parent for run in self._runs(variant)}

    def timings(self, variant: str) -> dict[Accelerators, list[RunTiming]]:
        """What a variant's reported runs took, by the accelerators they ran on; empty where the study has none.

        Also where its base is not at least half the paper's size: a small net's steps are mostly overhead.
        """
        if "base" not in self._evidence.study.variants:
            return {}
        if self.table("base").multiply_adds < self.definition.table().multiply_adds / 2:
            return {}
        return timings_by_accelerators(self._evidence.of(variant))

    def _runs(self, variant: str) -> list[RunRecord]:
        runs = self._evidence.of(*self._known((variant,)))
        if not runs:
            raise CannotSay("missing_runs", f"{self.study} has no finished run of {variant}")
        return runs

    def _known(self, variants: Sequence[str], otherwise: Sequence[str] = ()) -> tuple[str, ...]:
        """The variants, or `otherwise` where the study lacks one of them; CannotSay where it lacks of both."""
        there = self._evidence.study.variants
        lacking = [name for name in variants if name not in there]
        if not lacking:
            return tuple(variants)
        if otherwise and set(otherwise) <= set(there):
            return tuple(otherwise)
        instead = [name for name in otherwise if name not in there]
        also = f", nor {', '.join(instead)}" if instead else ""
        raise CannotSay("missing_runs", f"{self.study} has no variant {', '.join(lacking)}{also}")


@lru_cache(maxsize=32)
def _table(net: NetSettings, classes: int) -> Table:
    return Table(net, classes, layer_table(net, classes))

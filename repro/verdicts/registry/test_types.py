"""All forms that a statement's test can have: what the registry fixes for each before the runs."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Literal, get_args

from repro.settings import Settings
from repro.verdicts.registry.over_seeds import Scope
from repro.verdicts.registry.tests_of_arms import AnyOfTest, DescendingTest, DirectionTest, EquivalentTest, SpeedTest
from repro.verdicts.registry.tests_of_runs import AbsoluteTest, MeasuresTest, PerImageTest
from repro.verdicts.registry.tests_of_towers import EveryRunTest, FairCoinTest, MostRunsTest, TowerContrastTest


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


def names_in(value: Any, allowed: Collection[str]) -> tuple[str, ...]:
    """Which of the known names (of variants, of metrics) a test's plain values mention anywhere, in its order."""
    return tuple(dict.fromkeys(word for word in _strings(value) if word in allowed))


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _strings(part)
    elif isinstance(value, Sequence):
        for part in value:
            yield from _strings(part)

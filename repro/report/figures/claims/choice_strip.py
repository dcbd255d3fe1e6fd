"""The verdict under each defensible choice as estimates with intervals on one axis, and what it would have been."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from repro.report.cases.case import Case
from repro.report.cases.choices import Choice, Rules, choices
from repro.report.drawing.axes import Band, Mark
from repro.report.drawing.forest import Estimate, Forest, Span, forest
from repro.report.drawing.number_formats import unit_look
from repro.report.drawing.words import THIN, UNITS, finite, named
from repro.report.figures.claims.differences import region, smallest_effect


@dataclass(frozen=True)
class ChoiceRow:
    """One choice: its position on the axis, its numbers in words, and the verdict that it would have given.

    `said` names its test.
    """

    name: str
    said: str
    span: Span
    label: str
    verdict: str
    main: bool


@dataclass(frozen=True)
class LeftOut:
    """The estimate without one seed."""

    seed: int
    span: Span
    label: str
    verdict: str


@dataclass(frozen=True)
class ChoiceStrip:
    """The whole figure; `left_out_verdicts` counts what the verdict would have been without one seed."""

    rows: tuple[ChoiceRow, ...]
    left_out: tuple[LeftOut, ...]
    left_out_verdicts: str
    ticks: tuple[Mark, ...]
    boundaries: tuple[Mark, ...]
    references: tuple[Mark, ...]
    holds: Band | None
    scaled: bool
    same: bool


def choice_strip(case: Case, rules: Rules) -> ChoiceStrip | None:
    """None where there is nothing beside the registered choice, or no verdict on runs."""
    every_choice = choices(case, rules)
    if len(every_choice) < 2:
        return None
    own = every_choice[0]
    placed = [(choice, made) for choice in every_choice if (made := _estimate(choice, own)) is not None]
    if not placed or placed[0][0] is not own:
        return None
    drawn = _drawn(case, [made for _, made in placed])
    spans = list(zip([choice for choice, _ in placed], drawn.rows, strict=True))
    verdicts = Counter(choice.verdict.outcome for choice in every_choice if choice.seed is not None)
    return ChoiceStrip(
        rows=tuple(
            ChoiceRow(choice.name, choice.said, span, _label(choice), choice.verdict.outcome, choice is own)
            for choice, span in spans
            if choice.seed is None
        ),
        left_out=tuple(
            LeftOut(choice.seed, span, _label(choice), choice.verdict.outcome)
            for choice, span in spans
            if choice.seed is not None
        ),
        left_out_verdicts=", ".join(f"{count} {named(name)}" for name, count in verdicts.most_common()),
        ticks=drawn.ticks,
        boundaries=drawn.boundaries,
        references=drawn.references,
        holds=drawn.holds,
        scaled=any(choice.unit != own.unit for choice, _ in placed),
        same={choice.verdict.outcome for choice in every_choice} == {own.verdict.outcome},
    )


def _drawn(case: Case, estimates: Sequence[Estimate]) -> Forest:
    shown, tick = unit_look(case.unit)
    level = case.levels or case.unit == "rate"  # which has no value that means no effect
    return forest(
        "",
        estimates,
        shown,
        tick,
        neutral=None if level else 1.0 if case.unit == "ratio" else 0.0,
        holds=region(case),
        references=smallest_effect(case, tick),
        log=case.unit == "ratio",
    )


def _estimate(choice: Choice, own: Choice) -> Estimate | None:
    """In the verdict's own unit; one in another is scaled so that runs spread as much. None without a number."""
    scale = 1.0
    if choice.unit != own.unit:
        if not choice.sd or not own.sd:
            return None
        scale = own.sd / choice.sd
    value = finite(choice.verdict.estimate)
    low, high = (finite(end) for end in choice.verdict.interval or (None, None))
    if value is None:
        return None
    low, high = (None if end is None else end * scale for end in (low, high))
    return Estimate(choice.name, value * scale, low, high, main=choice is own)


def _label(choice: Choice) -> str:
    """Estimate and interval in the choice's own unit."""
    shown = unit_look(choice.unit)[0]
    low, high = (finite(end) for end in choice.verdict.interval or (None, None))
    ends = ["−∞" if low is None else shown(low), "∞" if high is None else shown(high)]
    unit = UNITS.get(choice.unit, choice.unit) if choice.unit not in ("points", "ratio") else ""
    estimate = shown(choice.verdict.estimate) if choice.verdict.estimate is not None else ""
    return f"{estimate}{THIN + unit if unit else ''} ({ends[0]} to {ends[1]})"

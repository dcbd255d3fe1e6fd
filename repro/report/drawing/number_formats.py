"""How a measured number and an effect are written on the page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from repro.report.drawing import words
from repro.verdicts.registry.metrics import METRICS

Format = Callable[[float], str]


@dataclass(frozen=True)
class Look:
    """A metric's title, how a value and a tick are written, and whether it is a share."""

    title: str
    shown: Format
    tick: Format
    share: bool


def look(metric: str) -> Look:
    """How to show a metric; one that the registry's list does not have shows under its own name."""
    rules = {str(name): rule for name, rule in METRICS.items()}
    if metric in rules:
        title, share = rules[metric].title, rules[metric].unit == "points"
    else:
        title, share = words.named(metric), metric.endswith(("_error", "_agreement", "_share"))
    title = title[:1].upper() + title[1:]
    return Look(title, words.percent, words.percent_tick, True) if share else Look(title, _plain, words.tick, False)


def unit_look(unit: str | None) -> tuple[Format, Format]:
    """How an effect in a unit is written, and its ticks; differences carry their sign."""
    if unit == "points":
        return (lambda value: _plus(words.bare(value, unit), value)), (lambda value: _signed_tick(100 * value))
    if unit == "ratio":
        return (lambda value: f"{words.bare(value, unit)}×"), (lambda value: f"{words.tick(value)}×")
    if unit == "rate":
        return (lambda value: words.bare(value, unit)), words.tick
    return (lambda value: _plus(words.bare(value, unit), value)), _signed_tick


def _plain(value: float) -> str:
    return words.signed(f"{value:.3g}")


def _plus(text: str, value: float) -> str:
    return ("+" if value > 0 else "") + text


def _signed_tick(value: float) -> str:
    return _plus(words.tick(value), value)

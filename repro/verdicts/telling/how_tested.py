"""How a statement is tested, as words and plain values, read off the registry's own types.

No form is named here: a form's words are its type's docstring and its rules are the type's fields, so a new form shows
up in `repro explain` and docs/claims.md as soon as `repro.verdicts.registry.test_types` has it.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from repro.study.settings import Variant
from repro.verdicts.registry.metrics import METRICS, Metric
from repro.verdicts.registry.registry import Registry
from repro.verdicts.registry.statement import Statement
from repro.verdicts.registry.test_types import names_in

_SHOWN_APART = frozenset({"form", "arms", "reads", "gates"})
"""Fields of a test that every description shows by themselves."""
_IN_UNIT = frozenset(
    {
        *("more_than", "smallest_effect", "smallest_effect_at_paper_scale", "planned_effect"),
        *("lower", "upper", "printed", "above", "below", "near", "within", "margin"),
    }
)
"""Fields in the unit of the test or of the metric beside them; `points` are fractions, shown times 100."""


@dataclass(frozen=True)
class Rule:
    """One registered choice of a test: the field's name, its value as text, what the field means."""

    name: str
    value: str
    meaning: str


def form_in_words(form: type[BaseModel]) -> str:
    """The form in words: the first paragraph of its type's docstring."""
    return " ".join((inspect.getdoc(form) or "").split("\n\n")[0].split())


def picked_in_words(test: BaseModel) -> str:
    """What the arms mean, or what is read, in the registry's words."""
    words = getattr(test, "arms", None) or getattr(test, "reads", None) or ""
    return " ".join(str(words).split())


def rules(test: BaseModel) -> tuple[Rule, ...]:
    """Every registered choice that differs from its default, in the type's order."""
    unit = getattr(test, "unit", None)
    differing = []
    for name, field in type(test).model_fields.items():
        value = getattr(test, name)
        if name in _SHOWN_APART or value == field.get_default():
            continue
        differing.append(Rule(name, _in_words(name, value, unit), " ".join((field.description or "").split())))
    return tuple(differing)


def gates_of(test: BaseModel, registry: Registry) -> dict[str, dict[str, Any]]:
    """The thresholds of the gates that the test stands behind, by gate."""
    thresholds = registry.gates.model_dump(mode="json")
    return {name: thresholds[name] for name in getattr(test, "gates", ())}


def variants_of(test: BaseModel | None, variants: Mapping[str, Variant]) -> tuple[str, ...]:
    """The variants that a test reads."""
    return () if test is None else names_in(test.model_dump(mode="json"), variants)


def tested_as(registry: Registry, statement: Statement) -> str:
    """In one sentence: how the statement gets its verdict, whatever its standing."""
    if statement.repeats is not None:
        return f"Shares the verdict of {statement.repeats}, which it repeats."
    if statement.untestable is not None:
        return f"Untestable: {statement.untestable}."
    if statement.test is None:
        return "No claim yet."
    return form_in_words(type(statement.test))


def _in_words(name: str, value: Any, unit: str | None) -> str:
    if isinstance(value, BaseModel):
        return _nested(value, unit)
    if isinstance(value, tuple | list):
        nested = any(isinstance(part, BaseModel | tuple | list) for part in value)
        return ("; " if nested else ", ").join(_in_words(name, part, unit) for part in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return f"{100 * value:.4g} points" if unit == "points" and name in _IN_UNIT else f"{value:.6g}"
    return _titled(value) if value in METRICS else str(value)


def _nested(value: BaseModel, unit: str | None) -> str:
    """A condition or a margin in one line, its metric first, its numbers in that metric's unit."""
    fields = type(value).model_fields
    parts = {name: part for name, part in value if part != fields[name].get_default()}
    metric = parts.pop("metric", None)
    if metric in METRICS:
        unit = None if "of_chance" in parts else METRICS[metric].unit
    said = [
        _spaced(name) if part is True else f"{_spaced(name)} {_in_words(name, part, unit)}"
        for name, part in parts.items()
    ]
    return " ".join([*([metric] if metric else []), ", ".join(said)])


def _titled(metric: Metric) -> str:
    """A metric by its name, and in words where they say more."""
    title = METRICS[metric].title.lower()
    return metric if title.replace("-", " ") == _spaced(metric) else f"{metric} ({title})"


def _spaced(name: str) -> str:
    return name.replace("_", " ")

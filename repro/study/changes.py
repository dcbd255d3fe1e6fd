"""What a variant changes: dotted keys of settings, each with a new value or an operator on the study's own.

    training.weight_decay: 0.0                                  the value itself
    training.weight_decay: {times: 0.1}                         a tenth of the study's
    net.widths.conv: {times: [0.5, 0.5, 0.5, 0.5, 1]}           a factor for each number of a list
    net.widths.conv: {times_to_match: multiply_adds}            one factor for all: a picture costs what it costs
                                                                the study's net, after the variant's other changes

So one entry of `variants.yaml` means the same in studies of any scale. Whole numbers are rounded to whole
numbers, widths to even ones, which two towers can share.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from repro.errors import UserError
from repro.net.table.layers import layer_table, multiply_adds
from repro.net.table.settings import NetSettings
from repro.settings import validated
from repro.study.settings import RunSettings

SECTIONS = ("net", "training", "data")
OPERATORS = ("times", "times_to_match")
_WIDTHS = "net.widths."
_CONV_WIDTHS = "net.widths.conv"


def changed(base: RunSettings, changes: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The base's settings with `changes` in place, to be validated as `RunSettings`.

    Raises UserError, which begins with `where`, for a key or an operator that cannot be applied.
    """
    own: dict[str, Any] = base.model_dump(mode="json")
    result: dict[str, Any] = base.model_dump(mode="json")
    to_match = None
    for key, value in changes.items():
        here = f"{where}: {key}"
        if key.split(".")[0] not in SECTIONS or "." not in key:
            raise UserError(f"{here} must be a dotted key that begins with net., training. or data.")
        if not isinstance(value, Mapping):
            _put(result, key, value, here)
            continue
        operator, operand = _operation(value, here)
        if operator == "times":
            _put(result, key, _times(_own_value(own, key, here), operand, here, even=key.startswith(_WIDTHS)), here)
        elif key != _CONV_WIDTHS or operand != "multiply_adds":
            raise UserError(f"{here}: times_to_match is for {_CONV_WIDTHS} and can match multiply_adds alone")
        else:
            to_match = here
    if to_match is not None:
        variant = validated(NetSettings, result["net"], to_match)
        try:
            result["net"]["widths"]["conv"] = _matching_widths(base.net, variant)
        except UserError as error:  # a net that cannot be built
            raise UserError(f"{to_match}: {error}") from None
    return result


def _operation(value: Mapping[str, Any], here: str) -> tuple[str, Any]:
    """The one operator in a mapping, and what it is applied with."""
    if unknown := [str(name) for name in value if name not in OPERATORS]:
        raise UserError(
            f"{here}: unknown operator {', '.join(unknown)}; allowed: {', '.join(OPERATORS)} "
            f"(a setting below {here.rpartition(': ')[2]} is changed by its own dotted key)"
        )
    if len(value) != 1:
        raise UserError(f"{here}: {dict(value)} must be one operator; allowed: {', '.join(OPERATORS)}")
    return next(iter(value.items()))


def _own_value(own: dict[str, Any], key: str, here: str) -> Any:
    """The study's value of a dotted key."""
    value: Any = own
    for part in key.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    if value is None:
        raise UserError(f"{here}: the study has no value there that could be multiplied")
    return value


def _put(result: dict[str, Any], key: str, value: Any, here: str) -> None:
    """Set a dotted key; a part that does not exist is made, and named when the whole is validated."""
    *path, last = key.split(".")
    branch = result
    for part in path:
        branch = branch.setdefault(part, {})
        if not isinstance(branch, dict):
            raise UserError(f"{here}: {part} is one value and has no settings below it")
    branch[last] = value


def _times(value: Any, factor: Any, here: str, *, even: bool) -> Any:
    """`value` times `factor`: numbers, or lists of them element by element."""
    if isinstance(value, list):
        factors = factor if isinstance(factor, list) else [factor] * len(value)
        if len(factors) != len(value):
            raise UserError(f"{here}: times: {len(factors)} factors do not fit the study's {len(value)} values")
        return [_times(one, by, here, even=even) for one, by in zip(value, factors, strict=True)]
    if not _is_number(value):
        raise UserError(f"{here}: the study's {value!r} is not a number, so it cannot be multiplied")
    if not _is_number(factor):
        raise UserError(f"{here}: times: {factor!r} is not a number")
    return _rounded(value * factor, even=even) if isinstance(value, int) else value * factor


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _rounded(value: float, *, even: bool) -> int:
    """The nearest whole number, the upper one of two; `even`: the nearest even one above 0."""
    return max(2, 2 * math.floor(value / 2 + 0.5)) if even else math.floor(value + 0.5)


def _matching_widths(own: NetSettings, variant: NetSettings) -> list[int]:
    """The study's widths of the convolutional layers times the factor that gives `variant` its multiply-adds.

    Widths are whole, so cost climbs in steps; bisection ends at two neighbouring steps, of which the nearer
    one is taken. The number of classes is the same for both nets and does not matter.
    """
    target = multiply_adds(layer_table(own, 2))

    def widths(factor: float) -> list[int]:
        return [_rounded(width * factor, even=True) for width in own.widths.conv]

    def excess(factor: float) -> int:
        conv = variant.widths.model_copy(update={"conv": tuple(widths(factor))})
        return multiply_adds(layer_table(variant.model_copy(update={"widths": conv}), 2)) - target

    low, high = 0.0, 1.0
    while excess(high) < 0:
        low, high = high, 2 * high
    while high - low > 1e-9 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if excess(middle) < 0 else (low, middle)
    return widths(min(low, high, key=lambda factor: abs(excess(factor))))

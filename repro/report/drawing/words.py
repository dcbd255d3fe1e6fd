"""Numbers as a reader wants them: units, signs, thin spaces, and a dash where there is no number."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

DASH = "–"
THIN = "\u202f"
"""Narrow no-break space, between a number and its unit."""
UNITS = {"rate": "", "ratio": "×"}


def finite(value: Any) -> float | None:
    """The value as a float, or None for what is no finite number (None, NaN, text, booleans)."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def signed(text: str) -> str:
    """A hyphen in front of a number as a minus sign."""
    return "−" + text[1:] if text.startswith("-") else text


def minus_signs(text: str) -> str:
    """Hyphens in front of numbers and of exponents as minus signs; those inside words and dates stay."""
    return re.sub(r"(?<![\w.−-])-(?=\.?\d)|(?<=\de)-(?=\d)", "−", text)


def decimal(value: Any, digits: int = 2) -> str:
    """A plain number with a fixed number of decimals."""
    number = finite(value)
    return DASH if number is None else signed(f"{number:.{digits}f}")


def percent(value: Any, digits: int = 1) -> str:
    """A fraction as a percentage."""
    number = finite(value)
    return DASH if number is None else signed(f"{100 * number:.{digits}f}") + THIN + "%"


def tick(value: float) -> str:
    """A round number on an axis, as short as it can be."""
    return signed(f"{value:.4g}")


def percent_tick(value: float) -> str:
    """A round fraction on an axis, as a percentage."""
    return signed(f"{100 * value:.4g}") + THIN + "%"


def count(value: Any) -> str:
    """A whole number with commas."""
    number = finite(value)
    return DASH if number is None else signed(f"{round(number):,}")


def magnitude(value: Any) -> str:
    """A large number in thousands, millions or billions, three digits."""
    number = finite(value)
    if number is None:
        return DASH
    for size, name in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(number) >= size:
            return signed(f"{number / size:.3g}") + THIN + name
    return signed(f"{number:.3g}")


def duration(seconds: Any) -> str:
    """Seconds in the unit that suits them."""
    number = finite(seconds)
    if number is None:
        return DASH
    for size, name in ((3600.0, "h"), (60.0, "min")):
        if number >= size:
            return f"{number / size:.1f}{THIN}{name}"
    return f"{number:.0f}{THIN}s"


def gibibytes(value: Any) -> str:
    number = finite(value)
    return DASH if number is None else f"{number / 2**30:.0f}{THIN}GiB"


def bare(value: Any, unit: str | None) -> str:
    """A number in its unit, without the unit's name; `points` are fractions shown as percentage points."""
    number = finite(value)
    if number is None:
        return DASH
    if unit == "points":
        return signed(f"{100 * number:.2f}")
    return signed(f"{number:.3g}")


def quantity(value: Any, unit: str | None, *, plus: bool = False) -> str:
    """A number with its unit; with `plus` also positive numbers carry their sign."""
    number = finite(value)
    if number is None:
        return DASH
    text = bare(number, unit)
    name = UNITS.get(unit or "", unit or "")
    return ("+" if plus and number > 0 else "") + text + (f"{THIN}{name}" if name else "")


def interval(pair: Any, unit: str | None) -> str:
    """An interval without its unit, for instance "0.40 to 4.20"."""
    if not isinstance(pair, Sequence) or isinstance(pair, str) or len(pair) != 2:
        return DASH
    low, high = (finite(end) for end in pair)
    if low is None and high is None:
        return DASH
    low_text = "−∞" if low is None else bare(low, unit)
    return f"{low_text} to {'∞' if high is None else bare(high, unit)}"


def probability(value: Any) -> str:
    """A p value, two digits."""
    number = finite(value)
    if number is None:
        return DASH
    if number < 1e-4:
        return "< 0.0001"
    return f"{number:.2g}" if number < 0.995 else "1"


def replicates(value: Any) -> str:
    """Runs per arm, for instance "3 + 3"."""
    if not isinstance(value, Sequence) or isinstance(value, str) or not value:
        return DASH
    return " + ".join(count(part) for part in value)


def named(name: str) -> str:
    """An identifier in words."""
    return name.replace("_", " ")


def spread(values: Sequence[float]) -> float | None:
    """Standard deviation over seeds (n - 1); None below two values."""
    if len(values) < 2:
        return None
    mean = sum(values) / len(values)
    return math.sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1))

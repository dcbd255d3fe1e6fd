"""Comparisons of what is there with what the paper says: what claims on definitions return.

A comparison holds, or does not, or (for an estimate that straddles its bound) cannot tell.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True)
class Comparison:
    """One observation, compared with what the statement says of it.

    what: a noun for people; observed, expected: as text; holds: None when the observation cannot tell.
    """

    what: str
    observed: str
    expected: str
    holds: bool | None
    value: float | None = None

    def __str__(self) -> str:
        return f"{self.what} {self.observed} ({self.expected})"


def equal(what: str, observed: Any, expected: Any, *, within: float = 0.0) -> Comparison:
    """observed equals expected, up to the relative difference `within`."""
    if within and isinstance(observed, int | float) and isinstance(expected, int | float):
        holds = abs(observed - expected) <= within * abs(expected)
        said = f"{shown(expected)}, within {within:.0%}"
    else:
        holds, said = bool(observed == expected), shown(expected)
    return Comparison(what, shown(observed), said, holds, _number(observed))


def at_most(what: str, observed: float, bound: float) -> Comparison:
    """observed <= bound."""
    return Comparison(what, shown(observed), f"at most {shown(bound)}", observed <= bound, float(observed))


def at_least(what: str, observed: float, bound: float) -> Comparison:
    """observed >= bound."""
    return Comparison(what, shown(observed), f"at least {shown(bound)}", observed >= bound, float(observed))


def below(what: str, observed: float, bound: float) -> Comparison:
    """observed < bound."""
    return Comparison(what, shown(observed), f"below {shown(bound)}", observed < bound, float(observed))


def above(what: str, observed: float, bound: float) -> Comparison:
    """observed > bound."""
    return Comparison(what, shown(observed), f"above {shown(bound)}", observed > bound, float(observed))


def between(what: str, observed: float, low: float, high: float) -> Comparison:
    """low <= observed <= high."""
    said = f"{shown(low)} to {shown(high)}"
    return Comparison(what, shown(observed), said, low <= observed <= high, float(observed))


def estimate(
    what: str, low: float, high: float, *, above: float | None = None, at_most: float | None = None
) -> Comparison:
    """A quantity that lies in [low, high] is above one bound and at most another; None where a bound lies inside."""
    bottom, top = -math.inf if above is None else above, math.inf if at_most is None else at_most
    holds = True if low > bottom and high <= top else False if high <= bottom or low > top else None
    bounds = [f"above {shown(above)}"] if above is not None else []
    bounds += [f"at most {shown(at_most)}"] if at_most is not None else []
    observed = shown(low) if low == high else f"{shown(low)} to {shown(high)}"
    return Comparison(what, observed, ", ".join(bounds), holds, low if low == high else None)


def true(what: str, observed: bool) -> Comparison:
    """A yes-or-no observation that must be yes."""
    return Comparison(what, "yes" if observed else "no", "yes", observed)


@dataclass(frozen=True)
class Comparisons:
    """Several comparisons that a statement needs together, and what readers see beside them."""

    members: tuple[Comparison, ...]
    shown_beside: tuple[str, ...] = ()

    def beside(self, what: str, observed: Any) -> Comparisons:
        """A copy that also shows an observation which decides nothing."""
        return replace(self, shown_beside=(*self.shown_beside, f"{what} {shown(observed)}"))

    @property
    def holds(self) -> bool | None:
        """False if any does not hold; else None if any cannot tell; else True."""
        if any(member.holds is False for member in self.members):
            return False
        return None if any(member.holds is None for member in self.members) else True

    @property
    def decisive(self) -> tuple[Comparison, ...]:
        """The members that decided: those that fail, else those that cannot tell, else all."""
        return tuple(member for member in self.members if member.holds is self.holds)

    def __str__(self) -> str:
        said = "; ".join(str(member) for member in self.decisive)
        return f"{said}; beside it: {', '.join(self.shown_beside)}" if self.shown_beside else said


def all_of(*members: Comparison | Iterable[Comparison]) -> Comparisons:
    """Several comparisons as one, which holds if all of them hold. Raises ValueError without any."""
    flat: list[Comparison] = []
    for member in members:
        if isinstance(member, Comparison):
            flat.append(member)
        else:
            flat.extend(member)
    if not flat:
        raise ValueError("a statement needs at least one comparison")
    return Comparisons(tuple(flat))


def shown(value: Any) -> str:
    """A value as a person reads it: thousands separated, at most four significant digits of a fraction."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) or (isinstance(value, float) and value.is_integer() and abs(value) < 1e6):
        return f"{int(value):,}"
    if isinstance(value, float):
        return f"{value:,.0f}" if 1e4 <= abs(value) < 1e9 else f"{value:.4g}"
    if isinstance(value, list | tuple):
        return ", ".join(shown(item) for item in value) or "none"
    return str(value)


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None

"""Holm's correction over chains of statements: a later statement of a chain is tested once the earlier is decided.

A family is cut into chains. Most are one statement; some are a statement with followers, which only make sense once it
is decided (towers first have to specialise at all, before one asks whether they do so in every run). The chains of a
study share its level by Holm's method, each with the whole chain's level for the statement at its head. Once the head
is decided, either way, its followers share that level by Holm's method; once a whole chain is decided, its level goes
to the other chains. This is a graphical procedure in the sense of Bretz and others (Statistics in Medicine 28:586,
2009): every true hypothesis is tested at no more than its share while only false ones have been rejected, so the
chance of any wrong rejection stays below the family's level. With single statements alone it is Holm's method.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Corrected:
    """One statement's p after the correction for its family.

    adjusted  smallest family-wise level at which it is rejected
    step      what the family-wise level is divided by where it was tested, or would be now
    waits_for the undecided statement at the head of its chain, before whose decision it is not tested; None: none
    """

    adjusted: float
    step: int
    waits_for: str | None = None


def corrected(
    p: Mapping[str, float],
    family: Sequence[str],
    after: Mapping[str, str],
    alpha: float,
    decided_before: Collection[str] = (),
) -> dict[str, Corrected]:
    """The corrected p of each member of the family, which is tested at level `alpha`.

    p               two-sided p values; members without one (not evaluated) count as p = 1
    after           follower -> the statement before it; a statement without an entry, or whose predecessor is not
                    in the family, stands for itself
    decided_before  members that an earlier look decided; they are no longer tested

    Raises ValueError for a p that is not in [0, 1] and for chains of more than two steps.
    """
    if wrong := [name for name in family if not 0.0 <= p.get(name, 1.0) <= 1.0]:
        raise ValueError(f"p values must lie in [0, 1]; without one: {wrong}")
    head = {name: after[name] for name in family if after.get(name) in family}
    if deep := [name for name, before in head.items() if before in head]:
        raise ValueError(f"chains have two steps; what {', '.join(deep)} come after comes after something itself")
    chains = [name for name in family if name not in head]
    members = {top: [top, *(name for name in family if head.get(name) == top)] for top in chains}
    state = _State(members, set(decided_before))
    results = {name: Corrected(0.0, 1) for name in family if name in decided_before}
    largest, at_alpha = 0.0, None
    while open_now := state.open():
        name = min(open_now, key=lambda each: p.get(each, 1.0) * open_now[each])
        largest = max(largest, min(1.0, p.get(name, 1.0) * open_now[name]))
        if largest > alpha and at_alpha is None:
            at_alpha = state.steps()
        step = open_now[name] if at_alpha is None else at_alpha[name]
        waits = (
            head.get(name) if at_alpha is not None and name in head and results[head[name]].adjusted > alpha else None
        )
        results[name] = Corrected(largest, step, waits)
        state.decided.add(name)
    return results


@dataclass
class _State:
    """Which statements have been decided so far, and what the level is divided by for the others."""

    chains: Mapping[str, list[str]]
    decided: set[str]

    def open(self) -> dict[str, int]:
        """Statements that may be tested now, with the divisor of the level."""
        return {name: step for name, step in self.steps().items() if self._testable(name)}

    def _testable(self, name: str) -> bool:
        return name in self.chains or any(name in chain and top in self.decided for top, chain in self.chains.items())

    def steps(self) -> dict[str, int]:
        """The divisor for every undecided statement; for one that waits: as if the head of its chain were decided."""
        left = {top: [name for name in chain if name not in self.decided] for top, chain in self.chains.items()}
        share = sum(bool(names) for names in left.values())
        steps = {}
        for top, names in left.items():
            for name in names:
                steps[name] = share if name == top else share * sum(other != top for other in names)
        return steps

"""What statistical claims return: the variants whose runs are compared, and how. No numbers are read here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Arms:
    """Two variants to be compared; the registry says which should be larger, in which metric."""

    first: str
    second: str

    @property
    def variants(self) -> tuple[str, ...]:
        return (self.first, self.second)


@dataclass(frozen=True)
class EachAgainst:
    """Several variants, each to be compared with one reference."""

    firsts: tuple[str, ...]
    second: str

    @property
    def variants(self) -> tuple[str, ...]:
        return (*self.firsts, self.second)


@dataclass(frozen=True)
class Ordered:
    """Variants in the order that the statement gives them."""

    names: tuple[str, ...]

    @property
    def variants(self) -> tuple[str, ...]:
        return self.names


@dataclass(frozen=True)
class Pairs:
    """Pairs of variants; of each pair the first should take longer."""

    pairs: tuple[tuple[str, str], ...]

    @property
    def variants(self) -> tuple[str, ...]:
        return tuple(name for pair in self.pairs for name in pair)


@dataclass(frozen=True)
class Runs:
    """The runs of one variant, each with its own measures."""

    variant: str

    @property
    def variants(self) -> tuple[str, ...]:
        return (self.variant,)


@dataclass(frozen=True)
class Views(Runs):
    """The runs of one variant, each net answering by one view of a picture and by several."""


@dataclass(frozen=True)
class Ensemble(Runs):
    """The runs of one variant, each net alone and all of them averaged."""


@dataclass(frozen=True)
class Towers:
    """The two towers of each run of a variant, with dense nets as control where the form needs one."""

    split: str
    control: str | None = None

    @property
    def variants(self) -> tuple[str, ...]:
        return (self.split,) if self.control is None else (self.split, self.control)


Samples = Arms | EachAgainst | Ordered | Pairs | Runs | Towers

Names = Sequence[str]
_OF_FORM: Mapping[str, Callable[[Names], Samples]] = {
    **dict.fromkeys(("direction", "equivalent"), lambda names: Arms(*names)),
    "any_of": lambda names: EachAgainst(tuple(names[:-1]), names[-1]),
    "descending": lambda names: Ordered(tuple(names)),
    "speed": lambda names: Pairs(tuple(zip(names[::2], names[1::2], strict=True))),
    **dict.fromkeys(("measures", "absolute"), lambda names: Runs(*names)),
    **dict.fromkeys(("tower_contrast", "most_runs", "every_run", "fair_coin"), lambda names: Towers(*names)),
}


def samples_of(test: Any, variants: Names) -> Samples | None:
    """These variants' runs as the form of the test takes them; None for forms that are not judged over runs."""
    form = getattr(test, "form", None)
    if form == "per_image":
        return Ensemble(*variants) if test.second == "ensemble" else Views(*variants)
    take = _OF_FORM.get(str(form))
    return None if take is None else take(variants)

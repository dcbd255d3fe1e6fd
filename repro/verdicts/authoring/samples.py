"""What statistical claims return: the variants whose runs are compared, and how. No numbers are read here."""

from __future__ import annotations

from dataclasses import dataclass


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

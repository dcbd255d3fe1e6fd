"""One learned layer of the table, and what follows from its numbers by arithmetic."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

NormalisationPlace = Literal["before_activation", "after_activation", "after_pooling"]


@dataclass(frozen=True)
class NormalisationRule:
    """a / (k + alpha * sum of squares over the window)^beta; alpha is for the net's own input units."""

    size: int
    k: float
    alpha: float
    beta: float
    blocks: int
    """Equal blocks of maps that windows do not cross, all towers together (spatial: of no meaning, 1)."""
    place: NormalisationPlace = "after_activation"

    def __post_init__(self) -> None:
        if self.place not in get_args(NormalisationPlace):  # a layer would pass by it without a word
            raise ValueError(f"normalisation at {self.place!r}: allowed are {', '.join(get_args(NormalisationPlace))}")


@dataclass(frozen=True)
class Layer:
    """A learned layer with what follows it up to the next one. Sides are in pixels, maps of all towers."""

    name: str
    kind: Literal["conv", "local", "fc"]
    """local: as conv, but with weights and biases of its own at every position of the maps."""
    towers: int
    reads: Literal["picture", "own", "both"]
    in_maps: int
    """Maps that one kernel reads; for fc the inputs of one unit."""
    in_side: int
    kernel: int
    stride: int
    padding: tuple[int, int]
    """Zeros before (left, top) and after (right, bottom) the input."""
    out_maps: int
    """Kernels or units, all towers together; local: kernels at each position."""
    conv_side: int
    """Side of the maps that the kernels give; fc: 1."""
    normalisation: NormalisationRule | None
    spatial_normalisation: NormalisationRule | None
    activation: str | None
    """One of `repro.net.table.activation`; None: scores as they are."""
    pool: tuple[int, int] | None
    """(size, stride) of the max pooling."""
    pools: int
    """How often it is applied: more than once only where a removed layer left its pooling."""
    pool_rounding: Literal["floor", "ceil"]
    out_side: int
    """Side after pooling; fc: 1."""
    dropout: float
    """Probability of dropout on the output."""
    dropout_rule: Literal["mask", "inverted"]
    initial_rule: Literal["normal", "uniform"]
    """uniform: weights and biases within sqrt(3) * initial_deviation of 0; then initial_bias is 0."""
    initial_deviation: float
    initial_bias: float

    @property
    def normalised(self) -> bool:
        return self.normalisation is not None

    @property
    def groups(self) -> int:
        """Groups of the grouped convolution that holds all towers' kernels."""
        return self.towers if self.reads == "own" else 1

    @property
    def fan_in(self) -> int:
        """Inputs of one kernel or unit, without the bias."""
        return self.in_maps * self.kernel**2

    @property
    def positions(self) -> int:
        """Positions of the maps that have weights of their own; all share them in a convolution."""
        return self.conv_side**2 if self.kind == "local" else 1

    @property
    def weights(self) -> int:
        return self.biases * self.fan_in

    @property
    def biases(self) -> int:
        return self.out_maps * self.positions

    @property
    def parameters(self) -> int:
        return self.weights + self.biases

    @property
    def neurons(self) -> int:
        """Outputs before pooling, as the paper counts them (section 3.5)."""
        return self.out_maps * self.conv_side**2

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds of the forward pass for one picture, biases not counted."""
        return self.neurons * self.fan_in

    @property
    def outputs(self) -> int:
        """Values handed to the next layer."""
        return self.out_maps * self.out_side**2

    @property
    def shares(self) -> tuple[range, ...]:
        """Kernels or units of each tower; an odd number of classes gives tower 0 one more."""
        first = math.ceil(self.out_maps / self.towers)
        return (range(self.out_maps),) if self.towers == 1 else (range(first), range(first, self.out_maps))


@dataclass(frozen=True)
class Crossing:
    """A point in the net where towers exchange values."""

    reader: str
    values: int
    """Values that each tower sends to the other for one picture, forward (as many come back)."""

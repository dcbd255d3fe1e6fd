"""The paper's update rule (section 5).

    v <- momentum v - decay rate w - rate g        w <- w + v

The learning rate stands inside the velocity. torch.optim.SGD keeps it outside, which is the same while
the rate is constant and differs for about 1/(1 - momentum) steps after each change.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from repro.study.settings import TrainingSettings


@dataclass(frozen=True)
class Rates:
    """The learning rates of a step."""

    weights: float
    biases: float


class PaperSGD:
    """Momentum SGD as printed, over named parameters. Names that end in `.bias` are biases."""

    def __init__(self, parameters: Iterable[tuple[str, Tensor]], settings: TrainingSettings) -> None:
        self.parameters = dict(parameters)
        self.velocities = {name: torch.zeros_like(value) for name, value in self.parameters.items()}
        self.momentum = settings.momentum
        bias_decay = settings.weight_decay if settings.decay_biases else 0.0
        groups: dict[tuple[object, bool], list[str]] = {}
        for name, value in self.parameters.items():  # lists of one device, as fused kernels want them
            groups.setdefault((value.device, name.endswith(".bias")), []).append(name)
        self._groups = [
            (names, bias_decay if are_biases else settings.weight_decay, are_biases)
            for (_, are_biases), names in groups.items()
        ]

    @torch.no_grad()
    def step(self, rates: Rates) -> None:
        """One update from the gradients that the parameters hold."""
        for names, decay, are_biases in self._groups:
            rate = rates.biases if are_biases else rates.weights
            values = [self.parameters[name] for name in names]
            velocities = [self.velocities[name] for name in names]
            gradients = [_gradient(name, value) for name, value in zip(names, values, strict=True)]
            torch._foreach_mul_(velocities, self.momentum)
            if decay:
                torch._foreach_add_(velocities, values, alpha=-decay * rate)
            torch._foreach_add_(velocities, gradients, alpha=-rate)
            torch._foreach_add_(values, velocities)

    def zero_gradients(self) -> None:
        for value in self.parameters.values():
            value.grad = None


def _gradient(name: str, value: Tensor) -> Tensor:
    if value.grad is None:
        raise RuntimeError(f"{name} has no gradient; is it part of the net's computation?")
    return value.grad

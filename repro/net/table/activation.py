"""The nonlinearities of a net (section 3.1): one table, from which the names that settings allow follow.

To add one, give it a function here. A tensor knows how to apply them, so the table of layers and the settings need
no torch to know their names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from torch import Tensor


def _relu(x: Tensor, in_place: bool) -> Tensor:
    return x.relu_() if in_place else x.relu()


def _tanh(x: Tensor, in_place: bool) -> Tensor:
    return x.tanh_() if in_place else x.tanh()


def _sigmoid(x: Tensor, in_place: bool) -> Tensor:
    return x.sigmoid_() if in_place else x.sigmoid()


ACTIVATIONS: Mapping[str, Callable[[Tensor, bool], Tensor]] = {"relu": _relu, "tanh": _tanh, "sigmoid": _sigmoid}
"""By name: the function of a layer's weighted sums, which it may overwrite where the caller allows it."""

if TYPE_CHECKING:
    Activation = str
else:
    Activation = Literal[tuple(ACTIVATIONS)]

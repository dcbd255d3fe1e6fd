"""Dropout whose masks are a function of (step, layer, picture, unit), never of a random stream.

A mask can be computed for any part of a batch or of a layer and equals that part of the whole mask, so
where a tower lives, how a batch is cut and whether a run was resumed cannot change it. The hash is that
of `repro.randomness.hash64`, in wrapping int64 arithmetic that gives the same bits on every device.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, assert_never

import torch
from torch import Tensor

from repro import randomness

DropoutRule = Literal["mask", "inverted"]

# Values hashed at once: large enough to hide the cost of a call, small enough for a core's cache.
_BLOCK = 1 << 16


@dataclass(frozen=True)
class DropoutKey:
    """What a step's masks depend on: a key of (seed, purpose, step) and the pictures of the batch."""

    key: int
    sample_ids: Tensor
    """int64, one id for each picture of the batch."""

    def of_layer(self, name: str) -> DropoutKey:
        """The key of one layer's mask."""
        return DropoutKey(randomness.key(self.key, "dropout", name), self.sample_ids)

    def held(self, layers: Sequence[str]) -> HeldKeys:
        """The keys of these layers' masks, where the pictures' ids lie."""
        bits = torch.tensor([_signed(self.of_layer(name).key) for name in layers], dtype=torch.int64)
        if self.sample_ids.is_cuda:
            bits = bits.pin_memory()
        return HeldKeys(tuple(layers), bits.to(self.sample_ids.device, non_blocking=True), self.sample_ids)


@dataclass(frozen=True)
class HeldKeys:
    """The keys of a step's masks in a tensor, which a step that was captured as a graph reads at each replay."""

    layers: tuple[str, ...]
    bits: Tensor
    """int64, one for each of the layers: the bits of its key."""
    sample_ids: Tensor
    """int64, one id for each picture of the batch."""

    def of_layer(self, name: str) -> LayerKey:
        """The key of one layer's mask."""
        return LayerKey(self.bits[self.layers.index(name)], self.sample_ids)


@dataclass(frozen=True)
class LayerKey:
    """The key of one layer's mask as a tensor; see DropoutKey."""

    key: Tensor
    sample_ids: Tensor


def keep_mask(key: DropoutKey | LayerKey, units: range, probability: float) -> Tensor:
    """bool (pictures, units): True where a unit is kept, each with chance 1 - `probability`.

    `units` are ids within the whole layer. Equal to
    `repro.randomness.uniform(key.key, sample_ids[:, None], units) >= probability`, bit for bit.
    """
    ids = key.sample_ids
    bits = _signed(key.key) if isinstance(key, DropoutKey) else key.key
    rows = _mix(_mix(ids.clone()) ^ bits)[:, None]
    columns = _mix(torch.arange(units.start, units.stop, dtype=torch.int64, device=ids.device))[None, :]
    # uniform >= p compares the top 53 bits; the sign bit is flipped to compare as unsigned.
    lowest = _signed(min(math.ceil(probability * 2**53), 2**53 - 1) << 11) ^ _SIGN
    mask = torch.empty(len(ids), len(units), dtype=torch.bool, device=ids.device)
    step = max(1, _BLOCK // max(1, len(units))) if ids.device.type == "cpu" else len(ids)
    for start in range(0, len(ids), step):
        hashed = _mix(rows[start : start + step] ^ columns)
        torch.ge(hashed.bitwise_xor_(_SIGN), lowest, out=mask[start : start + step])
    return mask


def dropout(x: Tensor, key: DropoutKey | LayerKey, units: range, probability: float, rule: DropoutRule) -> Tensor:
    """`x` (N, ...) with units dropped, its values of one picture being the units in order.

    Rule mask leaves the kept values alone (section 4.2), inverted divides them by 1 - probability.
    """
    mask = keep_mask(key, units, probability).view(x.shape).to(x.dtype)
    if rule == "mask":
        return x * mask
    if rule == "inverted":
        return x * mask.div_(1 - probability)
    assert_never(rule)


def scaled_in_evaluation(x: Tensor, probability: float, rule: DropoutRule) -> Tensor:
    """`x` as evaluation takes it, with no unit dropped: times 1 - probability by rule mask, else as it is."""
    if rule == "mask":
        return x * (1 - probability)
    if rule == "inverted":
        return x
    assert_never(rule)


def _signed(value: int) -> int:
    """The int64 with the bits of a 64-bit unsigned integer."""
    value &= 0xFFFFFFFFFFFFFFFF
    return value - (1 << 64) if value >= 1 << 63 else value


_SIGN = _signed(1 << 63)
_GOLDEN = _signed(0x9E3779B97F4A7C15)
_MIX_1 = _signed(0xBF58476D1CE4E5B9)
_MIX_2 = _signed(0x94D049BB133111EB)


def _mix(values: Tensor) -> Tensor:
    """One splitmix64 step, in place."""
    values.add_(_GOLDEN)
    values.bitwise_xor_(_shifted(values, 30)).mul_(_MIX_1)
    values.bitwise_xor_(_shifted(values, 27)).mul_(_MIX_2)
    return values.bitwise_xor_(_shifted(values, 31))


def _shifted(values: Tensor, bits: int) -> Tensor:
    """Logical shift to the right; int64's own copies the sign bit."""
    return (values >> bits).bitwise_and_((1 << (64 - bits)) - 1)

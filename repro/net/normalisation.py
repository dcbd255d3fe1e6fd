"""Response normalisation, a / (k + alpha * sum of squares)^beta, across maps (section 3.3) or in space.

Written as one `autograd.Function`, because torch's own form spends half of a training step in 3-d
pooling and `pow`. The sum over neighbouring maps is a 1x1 convolution with a banded weight; the band is
block-diagonal, so windows end where a tower ends. It is linear and symmetric, hence its own transpose:
with s = k + alpha * sum(a^2), f = s^-beta and an incoming gradient g,

    grad a = g * f - 2 * alpha * beta * a * sum(g * a * f / s).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from repro.net.table.layers import NormalisationRule

WindowSum = Callable[[Tensor, float, float], Tensor]
"""(x, factor, offset) -> offset + factor * (sum of x over each value's window), of x's shape."""


class CrossMapNormalisation(nn.Module):
    """Normalises each value by its neighbours at the same position in nearby maps of its block.

    Input and output (N, maps, H, W); the maps given here are split into `blocks` equal blocks of
    neighbours, and windows reach `rule.size // 2` maps to either side within a block.
    """

    band: Tensor

    def __init__(self, rule: NormalisationRule, maps: int, blocks: int) -> None:
        super().__init__()
        self.rule = rule
        self.blocks = blocks
        at = torch.arange(maps // blocks)
        band = ((at[:, None] - at[None, :]).abs() <= rule.size // 2).to(torch.get_default_dtype())
        self.register_buffer("band", band.repeat(blocks, 1)[:, :, None, None], persistent=False)

    def forward(self, x: Tensor, *, backward_once: bool = False) -> Tensor:
        """`backward_once`: the backward pass may overwrite what it reads; torch then refuses a second one."""
        return normalise(x, self._window_sum, self.rule, backward_once=backward_once)

    def scale(self, x: Tensor) -> Tensor:
        """s = k + alpha * sum of squares, before the power beta; equal to k where the layer is inert."""
        return self._window_sum(x * x, self.rule.alpha, self.rule.k)

    def _window_sum(self, x: Tensor, factor: float, offset: float) -> Tensor:
        # The band holds zeros and ones, so the factor is as exact as x's own precision allows.
        bias = x.new_full((x.shape[1],), offset) if offset else None
        return F.conv2d(x, self.band.to(x.dtype) * factor, bias, groups=self.blocks)


class SpatialNormalisation(nn.Module):
    """Normalises each value by its neighbours in a square window of the same map (the authors' layer 2).

    Values outside the map count as 0. Input and output (N, maps, H, W).
    """

    def __init__(self, rule: NormalisationRule) -> None:
        super().__init__()
        self.rule = rule

    def forward(self, x: Tensor) -> Tensor:
        return normalise(x, self._window_sum, self.rule)

    def _window_sum(self, x: Tensor, factor: float, offset: float) -> Tensor:
        reach = self.rule.size // 2
        summed = F.avg_pool2d(x, 2 * reach + 1, stride=1, padding=reach, divisor_override=1)
        return summed.mul_(factor).add_(offset)


def normalise(x: Tensor, window_sum: WindowSum, rule: NormalisationRule, *, backward_once: bool = False) -> Tensor:
    """x / (k + alpha * window sum of x^2)^beta; `window_sum` must be linear and symmetric.

    Under autocast it is computed in float32: s stays close to k, where bf16 has three digits.
    """
    result: Tensor
    if torch.is_autocast_enabled(x.device.type):
        with torch.autocast(x.device.type, enabled=False):
            result = _Normalise.apply(x.float(), window_sum, rule.k, rule.alpha, rule.beta, backward_once)
    else:
        result = _Normalise.apply(x, window_sum, rule.k, rule.alpha, rule.beta, backward_once)
    return result


class _Normalise(torch.autograd.Function):
    """Its time goes into moving memory, so it writes where it has just read as far as it may."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, window_sum: WindowSum, k: float, alpha: float, beta: float, backward_once: bool
    ) -> Tensor:
        squares = x * x
        s = window_sum(squares, alpha, k)
        if beta == 0.75:  # s^-3/4 by two reciprocal square roots: several times faster than pow
            r = s.rsqrt_()
            f = torch.sqrt(r, out=squares).mul_(r)
            inverse = r.mul_(r)
        else:
            f = s.pow(-beta)
            inverse = s.reciprocal_()
        ctx.save_for_backward(x, f, inverse)
        ctx.window_sum, ctx.factor, ctx.backward_once = window_sum, 2 * alpha * beta, backward_once
        return x * f

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, f, inverse = ctx.saved_tensors
        # Where a gradient lies otherwise in memory, overwriting would change the order of sums, and so the bits.
        overwrite = ctx.backward_once and grad.stride() == x.stride() == f.stride()
        direct = torch.mul(grad, f, out=f if overwrite else None)
        weighted = torch.mul(direct * x, inverse, out=inverse if overwrite else None)
        shared = ctx.window_sum(weighted, ctx.factor, 0.0)
        return direct.addcmul_(x, shared, value=-1), None, None, None, None, None

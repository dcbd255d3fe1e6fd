"""Unshared convolution: every place of the maps has kernels and biases of its own (layers of kind local)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def unshared_convolution(x: Tensor, weight: Tensor, bias: Tensor, padding: int) -> Tensor:
    """The weighted sum at every place of `x` (N, maps, side, side), with a stride of 1.

    weight (kernels, rows, columns, maps, kernel, kernel) and bias (kernels, rows, columns), where rows and
    columns are the sides of the result (N, kernels, rows, columns).
    """
    kernels, rows, columns, *kernel = weight.shape
    patches = F.unfold(x, (kernel[1], kernel[2]), padding=padding)  # (N, maps x kernel x kernel, places)
    sums = torch.einsum("nfp,kpf->nkp", patches, weight.reshape(kernels, rows * columns, -1))
    return sums.reshape(-1, kernels, rows, columns) + bias

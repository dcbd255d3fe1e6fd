"""Where the net finds the pixels of its input: in place, or all moved by one fixed permutation.

Shuffled, the first layer's windows hold pixels that were no neighbours in the picture. The crop is moved, after it was
cut and mirrored: a net that knows no neighbourhoods would learn just as well, so that whatever is lost is what
convolution makes of neighbourhoods. (A permutation of whole pictures before they are cut would do more: another cut
would bring unrelated pixels to every place.)
"""

from __future__ import annotations

from typing import assert_never

import torch
from torch import Tensor, nn

from repro import randomness
from repro.net.table.settings import NetSettings


def input_positions(net: NetSettings) -> nn.Module:
    """The module through which crops (N, 3, crop, crop) reach the first layer; it has no parameters."""
    if net.input_positions == "in_place":
        return nn.Identity()
    if net.input_positions == "shuffled":
        return ShuffledPositions(net.geometry.crop)
    assert_never(net.input_positions)


class ShuffledPositions(nn.Module):
    """Position i of the output, counted row by row, is position `sources[i]` of the input, in every channel alike."""

    sources: Tensor

    def __init__(self, side: int) -> None:
        super().__init__()
        sources = randomness.permutation(randomness.key("places of pixels"), side * side)
        self.register_buffer("sources", torch.from_numpy(sources), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(2)[:, :, self.sources].reshape(x.shape)

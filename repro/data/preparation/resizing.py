"""The paper's rule for pictures (section 2): rescale the shorter side to S, then cut the central S x S out.

Geometry: the longer side becomes the whole part of S * longer / shorter. The crop begins at half the surplus,
rounded to the nearest whole pixel, a tie to the even one (500x375 at S = 256 gives 341 columns, surplus 85,
offset 42). The paper names no filter; ours are bicubic (default) and bilinear, both with antialiasing.

Accuracy: at most 2 grey levels from Pillow's resize done as two one-axis calls (columns first), on average
less than 0.02; tests hold this. The difference comes from ATen's 16-bit fixed-point weights.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from PIL import Image

from repro.data.layouts.layout import Pixels
from repro.errors import UserError

GEOMETRY = (
    "shorter side to S, longer side floor(S * longer / shorter), central S x S crop, "
    "offset round(surplus / 2) with ties to even"
)
FILTERS = {"bicubic": Image.Resampling.BICUBIC, "bilinear": Image.Resampling.BILINEAR}

# Beyond this ratio of sides nearly all of a whole resize would be cut away (and a 1 x 60000 picture would
# need gigabytes), so only the crop's own region is computed.
EXTREME_RATIO = 8


def resized_shape(height: int, width: int, size: int) -> tuple[int, int]:
    """Height and width after the shorter side is rescaled to `size`."""
    if width <= height:
        return size * height // width, size
    return size, size * width // height


def crop_offset(length: int, size: int) -> int:
    """Where the central crop of `size` begins in `length` pixels; ties go to the even offset."""
    return int(round((length - size) / 2))  # noqa: RUF046 - the rounding rule is the point


def resize_and_crop(pixels: Pixels, size: int, filter: str = "bicubic") -> Pixels:
    """RGB pixels (height, width, 3) uint8 to (size, size, 3) uint8; those that have this shape are not
    resampled.
    """
    if filter not in FILTERS:
        raise UserError(f"data.filter must be {' or '.join(FILTERS)}, not {filter!r}")
    height, width = pixels.shape[:2]
    new_height, new_width = resized_shape(height, width, size)
    top, left = crop_offset(new_height, size), crop_offset(new_width, size)
    if (new_height, new_width) != (height, width):
        if max(height, width) > EXTREME_RATIO * min(height, width):
            return _only_the_crop(pixels, size, filter, (new_height, new_width), (top, left))
        # Channels innermost, which ATen sees by the strides of a batch of one: nothing is moved before or after.
        batch = torch.from_numpy(_writable(pixels)[np.newaxis]).permute(0, 3, 1, 2)
        resized = torch.nn.functional.interpolate(
            batch, size=(new_height, new_width), mode=filter, antialias=True, align_corners=False
        )
        pixels = resized[0].permute(1, 2, 0).numpy()
    return np.ascontiguousarray(pixels[top : top + size, left : left + size])


def _only_the_crop(pixels: Pixels, size: int, filter: str, new: tuple[int, int], offset: tuple[int, int]) -> Pixels:
    """The crop by Pillow, columns first and then rows, from the part of the picture that it depends on."""
    top, bottom, first_row, pixels = _needed(pixels, 0, size, new[0], offset[0])
    left, right, first_column, pixels = _needed(pixels, 1, size, new[1], offset[1])
    height = pixels.shape[0]
    columns = (left - first_column, 0, right - first_column, height)
    rows = (0, top - first_row, size, bottom - first_row)
    picture = Image.fromarray(pixels).resize((size, height), FILTERS[filter], box=columns)
    return np.asarray(picture.resize((size, size), FILTERS[filter], box=rows))


def _needed(pixels: Pixels, axis: int, size: int, new: int, offset: int) -> tuple[float, float, int, Pixels]:
    """Where the crop begins and ends on one axis, and the pixels that it depends on, from which index."""
    length = pixels.shape[axis]
    scale = length / new
    begin, end = offset * scale, min((offset + size) * scale, length)
    margin = 4 * math.ceil(max(1.0, scale)) + 4
    first, last = max(0, math.floor(begin) - margin), min(length, math.ceil(end) + margin)
    part = pixels[first:last] if axis == 0 else pixels[:, first:last]
    return begin, end, first, np.ascontiguousarray(part)


def _writable(pixels: Pixels) -> Pixels:
    """torch warns of arrays that cannot be written, although nothing writes here."""
    return pixels if pixels.flags.writeable else pixels.copy()

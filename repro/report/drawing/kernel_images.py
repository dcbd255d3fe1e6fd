"""First-layer kernels as pictures: one PNG pixel a weight, so the same bytes on every machine.

Each kernel is scaled by its own largest weight around middle grey, which therefore means zero.
"""

from __future__ import annotations

import base64
import math
import struct
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
FADED = 70
"""Opacity (of 255) of kernels that are left out of a sheet's numbers."""


def kernel_pixels(kernel: npt.NDArray[Any]) -> Pixels:
    """A kernel (3, h, w) as RGB pixels (h, w, 3)."""
    values = np.nan_to_num(np.asarray(kernel, dtype=np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    largest = float(np.abs(values).max(initial=0.0))
    scaled = values / largest if largest > 0 else values
    return np.rint(127.5 + 127.5 * scaled.transpose(1, 2, 0)).astype(np.uint8)


def sheet(kernels: Sequence[npt.NDArray[Any]], faded: Sequence[bool], columns: int | None = None) -> Pixels:
    """Kernels side by side with transparent gaps of one pixel, RGBA (height, width, 4).

    In 64 steps a channel: no eye tells them from 256 at this size, and the page is a quarter smaller.
    """
    if not len(kernels):
        return np.zeros((1, 1, 4), dtype=np.uint8)
    columns = columns or max(1, math.ceil(math.sqrt(1.5 * len(kernels))))
    high, wide = kernels[0].shape[1:]
    rows = -(-len(kernels) // columns)
    pixels = np.zeros((rows * (high + 1) - 1, columns * (wide + 1) - 1, 4), dtype=np.uint8)
    for index, (kernel, pale) in enumerate(zip(kernels, faded, strict=True)):
        top, left = index // columns * (high + 1), index % columns * (wide + 1)
        pixels[top : top + high, left : left + wide, :3] = kernel_pixels(kernel) & 0xFC
        pixels[top : top + high, left : left + wide, 3] = FADED if pale else 255
    return pixels


def png(pixels: Pixels) -> bytes:
    """RGB or RGBA pixels (height, width, 3 or 4) as a PNG file without any metadata."""
    height, width, channels = pixels.shape
    rows = np.zeros((height, 1 + width * channels), dtype=np.uint8)  # each row begins with filter 0
    rows[:, 1:] = pixels.reshape(height, -1)
    header = struct.pack(">IIBBBBB", width, height, 8, {3: 2, 4: 6}[channels], 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes(), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def data_address(pixels: Pixels) -> str:
    """The PNG of these pixels as an address that needs no file: `data:image/png;base64,...`."""
    return "data:image/png;base64," + base64.b64encode(png(pixels)).decode("ascii")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

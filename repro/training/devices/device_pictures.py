"""Batches made on the device that reads them, from raw bytes: the GPU's form of `repro.data.augmentation`.

Only bytes cross to the device, from pinned memory and without waiting; cropping, mirroring, subtracting
and shifting happen there, operation by operation as on the CPU, hence with the same float32 bits.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from repro.data.augmentation import Draws


class DevicePictures:
    """What turns raw pictures into inputs on `device`; `mean` and `crop` as in `CropMeans`."""

    def __init__(self, device: torch.device, mean: npt.NDArray[np.float32], crop: int) -> None:
        self.device = device
        self.crop = crop
        self.mean = self._sent(mean)

    def training(self, raw: npt.NDArray[np.uint8], draws: Draws, scale: float) -> Tensor:
        """As `training_batch` on pictures (n, S, S, 3): float32 (n, 3, crop, crop) in channels_last memory."""
        pixels = self._crops(raw, draws.top, draws.left, draws.mirrored)
        if draws.shift.any():
            pixels += self._sent(draws.shift.astype(np.float32))[:, None, None, :]
        return self._finished(pixels, scale)

    def centre(self, raw: npt.NDArray[np.uint8], scale: float) -> Tensor:
        """As `centre_batch` on pictures (n, S, S, 3): float32 (n, 3, crop, crop) in channels_last memory."""
        start = np.full(len(raw), (raw.shape[1] - self.crop) // 2)
        return self._finished(self._crops(raw, start, start, np.zeros(len(raw), dtype=bool)), scale)

    def _crops(
        self,
        raw: npt.NDArray[np.uint8],
        top: npt.NDArray[np.int64],
        left: npt.NDArray[np.int64],
        mirrored: npt.NDArray[np.bool_],
    ) -> Tensor:
        """Crops minus the mean, float32 (n, crop, crop, 3)."""
        pictures = self._sent(raw)
        offsets = np.arange(self.crop)
        # Down each crop, and along it from its left or, mirrored, from its right.
        down = self._sent(np.broadcast_to(offsets, (len(raw), self.crop)).copy())[:, :, None]
        along = self._sent(np.where(mirrored[:, None], offsets[::-1], offsets))[:, None, :]
        first = self._sent(np.stack([top, left], 1))[:, :, None, None]
        picture = torch.arange(len(raw), device=self.device)[:, None, None]
        rows, columns = first[:, 0] + down, first[:, 1] + along
        if self.mean.shape[:2] == raw.shape[1:3]:
            mean = self.mean[rows, columns]
        elif self.mean.ndim == 3:
            mean = self.mean[down, along]
        else:
            mean = self.mean
        return pictures[picture, rows, columns].float() - mean

    def _finished(self, pixels: Tensor, scale: float) -> Tensor:
        if scale != 1:
            pixels *= float(np.float32(scale))
        return pixels.permute(0, 3, 1, 2)

    def _sent(self, values: npt.NDArray[Any]) -> Tensor:
        return sent(values, self.device)


def sent(values: npt.NDArray[Any], device: torch.device) -> Tensor:
    """`values` on the device; to a GPU they are copied from pinned memory while the host goes on."""
    tensor = torch.from_numpy(values if values.flags.writeable else values.copy())
    if device.type == "cuda":
        tensor = tensor.pin_memory()
    return tensor.to(device, non_blocking=True)

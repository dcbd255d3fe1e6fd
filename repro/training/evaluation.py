"""Predictions of a net in evaluation mode: centre crops, no dropout, no colour noise."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from repro import randomness
from repro.data.augmentation import CropMeans, Draws, centre_batch, mean_to_subtract, training_batch
from repro.data.packed import Packed, Pictures, Split
from repro.net.alexnet import AlexNet
from repro.net.towers import TowerNet
from repro.study.settings import Precision, RunSettings
from repro.training.devices.device_pictures import DevicePictures, sent

Ints = npt.NDArray[np.int64]
Pixels = Tensor | tuple[Tensor, ...]
"""What a net reads: one tensor, or one for each of its devices."""
DTYPES: Mapping[Precision, torch.dtype] = {
    "float32": torch.float32,
    "float64": torch.float64,
    "tf32": torch.float32,
    "bf16": torch.float32,
}
"""What a run's weights, and what its net reads, are kept in: bf16 and tf32 are for products only."""


@dataclass(frozen=True)
class Inputs:
    """How a run's net reads pictures: on `device`, and on `others` where it has towers elsewhere."""

    mean: npt.NDArray[np.float32]
    crop: int
    scale: float
    device: torch.device
    dtype: torch.dtype
    others: tuple[torch.device, ...] = ()
    raw: bool = False
    """Whether bytes are sent and batches made on the devices: a GPU's way. The numbers are the same."""

    @classmethod
    def of(cls, settings: RunSettings, packed: Packed, device: torch.device, *others: torch.device) -> Inputs:
        crop = settings.net.geometry.crop
        return cls(
            mean=mean_to_subtract(packed.mean_picture, settings.training.mean, crop),
            crop=crop,
            scale=1 / settings.net.input_divisor,
            device=device,
            dtype=DTYPES[settings.training.precision],
            others=others,
            raw=device.type == "cuda",
        )

    def training(self, pictures: Pictures, samples: Ints, draws: Draws, divisor: float = 1.0) -> Pixels:
        """The pictures `samples`, changed as `draws` say and divided by `divisor`."""
        scale = self.scale / divisor
        if self.raw:
            raw = pictures[samples]
            return self._made(lambda device: device.training(raw, draws, scale))
        return self.tensor(training_batch(pictures, samples, draws, self.crop_means, scale))

    def centre(self, raw: npt.NDArray[np.uint8]) -> Pixels:
        """The central crops of pictures."""
        if self.raw:
            return self._made(lambda device: device.centre(raw, self.scale))
        return self.tensor(centre_batch(raw, self.mean, self.crop, self.scale))

    @cached_property
    def crop_means(self) -> CropMeans:
        """What is subtracted from a picture's crops."""
        return CropMeans(self.mean, self.crop)

    def _made(self, make: Callable[[DevicePictures], Tensor]) -> Pixels:
        batches = tuple(make(device).to(self.dtype) for device in self._device_pictures)
        return batches if self.others else batches[0]

    @cached_property
    def _device_pictures(self) -> list[DevicePictures]:
        return [DevicePictures(device, self.mean, self.crop) for device in (self.device, *self.others)]

    def tensor(self, batch: npt.NDArray[np.float32]) -> Tensor:
        """float (n, 3, crop, crop) on the device, in channels_last memory."""
        return torch.from_numpy(batch).permute(0, 3, 1, 2).to(self.device, self.dtype)

    def batches(self, split: Split, sample: Ints, size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Central crops and labels of the pictures in `sample`, `size` at a time, for a net on one device."""
        for pixels, labels in self.placed_batches(split, sample, size):
            assert isinstance(pixels, Tensor)
            yield pixels, labels

    def placed_batches(self, split: Split, sample: Ints, size: int) -> Iterator[tuple[Pixels, Tensor]]:
        """The same for a net on one device or on several."""
        for start in range(0, len(sample), size):
            ids = sample[start : start + size]
            yield self.centre(split.pictures[ids]), sent(split.labels[ids], self.device)


def fixed_sample(split: Split, name: str, n: int) -> Ints:
    """At most `n` pictures of a split, the same for every run: ascending ids."""
    total = len(split.labels)
    return np.sort(randomness.permutation(randomness.key("fixed sample", name), total)[: min(n, total)])


@dataclass(frozen=True)
class Outcomes:
    """What a net said of a sample: per picture the loss (nats), and the rank of the true class from 0."""

    losses: npt.NDArray[np.float64]
    ranks: Ints
    predictions: Ints

    @property
    def error(self) -> float:
        return float((self.ranks > 0).mean())

    @property
    def top5_error(self) -> float:
        return float((self.ranks >= 5).mean())

    @property
    def loss(self) -> float:
        return float(self.losses.mean())

    @property
    def constant(self) -> bool:
        """Whether every picture got the same answer."""
        return bool((self.predictions == self.predictions[0]).all())


def rank_of_label(logits: Tensor, labels: Tensor) -> Tensor:
    """How many classes score at least as high as the true one; ties count against the net.

    logits (n, classes), labels (n). A picture is right at top-k when its rank is below k. A net that
    gives every class the same score is thus always wrong, and so is one whose scores are not numbers.
    """
    own = logits.gather(1, labels[:, None])
    rivals = (logits >= own).sum(1) - 1
    return torch.where(own[:, 0].isfinite(), rivals, torch.full_like(rivals, logits.shape[1] - 1))


@torch.inference_mode()
def outcomes(net: AlexNet | TowerNet, inputs: Inputs, split: Split, sample: Ints, *, batch: int) -> Outcomes:
    """Classify the pictures in `sample`, `batch` at a time; the net is put into evaluation mode and back."""
    was_training = net.training
    net.eval()
    losses, ranks, predictions = [], [], []
    for pixels, labels in inputs.placed_batches(split, sample, batch):
        logits = net(pixels).double()
        losses.append(F.cross_entropy(logits, labels, reduction="none").cpu())
        ranks.append(rank_of_label(logits, labels).cpu())
        predictions.append(logits.argmax(1).cpu())
    net.train(was_training)
    return Outcomes(
        losses=torch.cat(losses).numpy(), ranks=torch.cat(ranks).numpy(), predictions=torch.cat(predictions).numpy()
    )

"""Predictions of a net in evaluation mode: centre crops, no dropout, no colour noise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from repro import randomness
from repro.data.augmentation import centre_batch, mean_to_subtract
from repro.data.packed import Packed, Split
from repro.net.alexnet import AlexNet
from repro.study.settings import RunSettings

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Inputs:
    """How a run's net reads pictures in evaluation mode."""

    mean: npt.NDArray[np.float32]
    crop: int
    scale: float
    device: torch.device
    dtype: torch.dtype

    @classmethod
    def of(cls, settings: RunSettings, packed: Packed, device: torch.device) -> Inputs:
        crop = settings.net.geometry.crop
        return cls(
            mean=mean_to_subtract(packed.mean_picture, settings.training.mean, crop),
            crop=crop,
            scale=1 / settings.net.input_divisor,
            device=device,
            dtype=torch.float64 if settings.training.precision == "float64" else torch.float32,
        )

    def tensor(self, batch: npt.NDArray[np.float32]) -> Tensor:
        """float (n, 3, crop, crop) on the device, in channels_last memory."""
        return torch.from_numpy(batch).permute(0, 3, 1, 2).to(self.device, self.dtype)

    def batches(self, split: Split, sample: Ints, size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Central crops and labels of the pictures in `sample`, `size` at a time."""
        for start in range(0, len(sample), size):
            ids = sample[start : start + size]
            pixels = centre_batch(split.pictures[ids], self.mean, self.crop, self.scale)
            yield self.tensor(pixels), torch.from_numpy(np.asarray(split.labels[ids])).to(self.device)


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
def outcomes(net: AlexNet, inputs: Inputs, split: Split, sample: Ints, *, batch: int = 256) -> Outcomes:
    """Classify the pictures in `sample`; the net is put into evaluation mode and back."""
    was_training = net.training
    net.eval()
    losses, ranks, predictions = [], [], []
    for pixels, labels in inputs.batches(split, sample, batch):
        logits = net(pixels).double()
        losses.append(F.cross_entropy(logits, labels, reduction="none").cpu())
        ranks.append(rank_of_label(logits, labels).cpu())
        predictions.append(logits.argmax(1).cpu())
    net.train(was_training)
    return Outcomes(
        losses=torch.cat(losses).numpy(), ranks=torch.cat(ranks).numpy(), predictions=torch.cat(predictions).numpy()
    )

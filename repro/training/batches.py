"""A run's training batches: which pictures come when, and how each of them is changed (sections 4.1 and 5)."""

from __future__ import annotations

import math

from torch import Tensor

from repro.data.augmentation import Draws, draw, epoch_order
from repro.data.packed import Ints, Packed
from repro.runs.store import RunSpec
from repro.training.devices.device_pictures import sent
from repro.training.evaluation import Inputs, Pixels

DRAWN_AT_ONCE = 64
"""For so many batches: drawing for one of a few dozen pictures takes as long as drawing for thousands."""

Batch = tuple[Pixels, Tensor, Ints]
"""Pixels, labels, and the pictures' ids in the whole training split."""


class Batches:
    """Batches as functions of (seed, epoch, offset): nothing depends on what was drawn before."""

    def __init__(self, spec: RunSpec, packed: Packed) -> None:
        """`packed`: the pictures that the run sees."""
        self._spec = spec
        self._packed = packed
        self._drawn: tuple[Ints, tuple[int, int, int], Draws] | None = None
        self.pictures = len(packed.train.labels)
        self.size = spec.settings.training.batch_size
        self.per_epoch = math.ceil(self.pictures / self.size)

    def order(self, epoch: int) -> Ints:
        """The order in which an epoch visits the training pictures."""
        return epoch_order(self._spec.seed, epoch, self.pictures, self._spec.settings.training.order)

    def plain(self, order: Ints, offset: int, inputs: Inputs) -> Batch:
        """The same pictures by their central crops, with nothing drawn."""
        samples = order[offset : offset + self.size]
        pixels = inputs.centre(self._packed.train.pictures[samples])
        return pixels, sent(self._packed.train.labels[samples], inputs.device), self._packed.train.ids_of(samples)

    def at(self, epoch: int, order: Ints, offset: int, inputs: Inputs) -> Batch:
        """The batch that begins at `offset` of an epoch's order."""
        samples = order[offset : offset + self.size]
        augmentation = self._spec.settings.training.augmentation
        off = augmentation.colour_noise_off_epoch
        noisy = augmentation.colour_noise > 0 and (off is None or epoch < off)
        divisor = augmentation.divide_after_noise if noisy else 1.0
        draws = self._draws(epoch, order, offset, inputs.crop)
        pixels = inputs.training(self._packed.train.pictures, samples, draws, divisor)
        labels = sent(self._packed.train.labels[samples], inputs.device)
        return pixels, labels, self._packed.train.ids_of(samples)

    def _draws(self, epoch: int, order: Ints, offset: int, crop: int) -> Draws:
        """What is drawn for the batch. Kept for the batches around it, which decides no number."""
        span = DRAWN_AT_ONCE * self.size
        first = offset // span * span
        if self._drawn is None or self._drawn[0] is not order or self._drawn[1] != (epoch, first, crop):
            draws = draw(
                self._spec.settings.training.augmentation,
                self._packed.colour,
                seed=self._spec.seed,
                epoch=epoch,
                samples=self._packed.train.ids_of(order[first : first + span]),
                offset=first,
                size=self._packed.train.pictures.shape[1],
                crop=crop,
            )
            self._drawn = (order, (epoch, first, crop), draws)
        return self._drawn[2].part(slice(offset - first, offset - first + self.size))

"""One update of a run's net: forward, backward, the rule's step, and what the epoch's sums learn of the batch."""

from __future__ import annotations

from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from repro.net.alexnet import DropoutKey
from repro.net.dropout import HeldKeys
from repro.training.batch_sums import BatchSums
from repro.training.devices.run_placement import AnyNet
from repro.training.evaluation import Pixels
from repro.training.update_rule import PaperSGD, Rates


class Update(Protocol):
    """An update of the weights from one batch, whose size the caller counts in the epoch's sums."""

    def __call__(self, pixels: Pixels, labels: Tensor, dropout: DropoutKey | None, rates: Rates) -> None: ...


class PlainUpdate:
    """The update as a sequence of operations, each started by the host."""

    def __init__(self, net: AnyNet, rule: PaperSGD, sums: BatchSums, dtype: torch.dtype, *, bf16: bool) -> None:
        self.net, self.rule, self.sums = net, rule, sums
        self._dtype = dtype
        self._bf16 = bf16

    def __call__(self, pixels: Pixels, labels: Tensor, dropout: DropoutKey | HeldKeys | None, rates: Rates) -> None:
        loss, logits = self.gradients(pixels, labels, dropout)
        self.rule.step(rates)
        self.sums.add(loss, logits, labels)

    def gradients(self, pixels: Pixels, labels: Tensor, dropout: DropoutKey | HeldKeys | None) -> tuple[Tensor, Tensor]:
        """Forward and backward pass: gradients of the loss, which it returns with the scores."""
        self.rule.zero_gradients()
        with torch.autocast(labels.device.type, torch.bfloat16, enabled=self._bf16):
            logits = self.net(pixels, dropout=dropout).to(self._dtype)
        loss = F.cross_entropy(logits, labels)
        loss.backward()  # type: ignore[no-untyped-call]
        return loss, logits

    @property
    def state(self) -> list[Tensor]:
        """All that an update changes, where it lies."""
        return [*self.rule.parameters.values(), *self.rule.velocities.values(), self.sums.loss, self.sums.wrong]

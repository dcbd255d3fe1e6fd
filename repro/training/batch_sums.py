"""What training itself sees of an epoch: the loss and the errors of its batches, summed where they are computed.

Each batch counts as it was trained on: augmented, with dropout, before the update that it leads to. Nothing is read
back from a device until an epoch ends.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from repro.training.evaluation import rank_of_label


class BatchSums:
    """Sums over the pictures of the epoch so far. In a run of two processes each has the same."""

    def __init__(self, device: torch.device) -> None:
        self.loss = torch.zeros((), dtype=torch.float64, device=device)
        self.wrong = torch.zeros((), dtype=torch.int64, device=device)
        self.pictures = 0
        self._judged = 0
        """Of how many pictures `wrong` is."""

    def add(self, loss: Tensor, logits: Tensor, labels: Tensor) -> None:
        """A batch: its mean loss, and scores (n, classes) with the true classes; ties count as wrong.

        It works on tensors alone, so that a graph can do it; `count` is told how many pictures the batch had.
        """
        self.loss += loss.detach().double() * len(labels)
        self.wrong += (rank_of_label(logits.detach(), labels) > 0).sum()

    def count(self, pictures: int) -> None:
        """So many pictures were added."""
        self.pictures += pictures
        self._judged += pictures

    @property
    def finite(self) -> bool:
        return bool(self.loss.isfinite())

    @property
    def mean_loss(self) -> float:
        return float(self.loss) / max(self.pictures, 1)

    @property
    def error(self) -> float | None:
        """Top-1 error; None when a version that did not count errors trained the epoch's first batches."""
        return int(self.wrong) / self.pictures if self.pictures and self._judged == self.pictures else None

    def clear(self) -> None:
        """Begin an epoch."""
        self.loss.zero_()
        self.wrong.zero_()
        self.pictures = self._judged = 0

    def state(self) -> dict[str, Any]:
        """What a checkpoint must hold."""
        return {
            "loss_sum": float(self.loss),
            "loss_count": self.pictures,
            "wrong_sum": int(self.wrong),
            "wrong_count": self._judged,
        }

    def load(self, state: Mapping[str, Any]) -> None:
        """Checkpoints of an older version hold no errors: then none are counted until the next epoch begins."""
        self.loss.fill_(state["loss_sum"])
        self.pictures = state["loss_count"]
        self.wrong.fill_(state.get("wrong_sum", 0))
        self._judged = state.get("wrong_count", 0)

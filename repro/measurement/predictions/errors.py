"""Errors and losses on training and held-out pictures, centre crops (section 6)."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F

from repro import randomness
from repro.measurement.subject import Measured, Seen, Subject
from repro.training.evaluation import Outcomes, fixed_sample, rank_of_label

VERSION = 2

Bits = npt.NDArray[np.bool_]


def measure(subject: Subject, *, train_sample: int) -> Measured:
    """Errors on a fixed sample of training pictures and on all held-out pictures."""
    seen = subject.train
    train = outcomes_of(seen, np.isin(seen.sample, fixed_sample(subject.pictures.train, "train", train_sample)))
    held_out = outcomes_of(subject.held_out)
    chance = math.log(subject.classes)
    right = held_out.ranks == 0
    return Measured(
        {
            "train_error": train.error,
            "train_loss": _finite(train.loss, chance),
            "held_out_error": held_out.error,
            "held_out_loss": _finite(held_out.loss, chance),
            "held_out_top5_error": held_out.top5_error if subject.classes > 5 else None,
            "generalisation_gap": held_out.error - train.error,
            "halves_excess": halves_excess(right),
            "train_sample": len(train.ranks),
            "held_out_pictures": len(right),
            "constant_prediction": held_out.constant,
        },
        {"held_out_correct": np.packbits(right)},
    )


def outcomes_of(seen: Seen, which: Bits | None = None) -> Outcomes:
    """What a net said of the pictures that it saw, or of those in `which`."""
    logits = torch.from_numpy(seen.logits if which is None else seen.logits[which]).double()
    labels = torch.from_numpy(seen.labels if which is None else seen.labels[which])
    return Outcomes(
        losses=F.cross_entropy(logits, labels, reduction="none").numpy(),
        ranks=rank_of_label(logits, labels).numpy(),
        predictions=logits.argmax(1).numpy(),
    )


def halves_excess(right: Bits) -> float | None:
    """Error on a random half of the pictures minus the error on the other, the same halves for every run."""
    if len(right) < 2:
        return None
    shuffled = right[randomness.permutation(randomness.key("halves of the held-out pictures"), len(right))]
    middle = len(right) // 2
    return float(shuffled[middle:].mean() - shuffled[:middle].mean())


def _finite(value: float, otherwise: float) -> float:
    """A diverged net's scores are not numbers: its loss counts as guessing's. Its answers all count as wrong here;
    verdicts take guessing's error for such a run (`metric_values`)."""
    return value if math.isfinite(value) else otherwise

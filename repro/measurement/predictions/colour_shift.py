"""Whether a net's answer survives a change of the light's intensity and colour (section 4.1)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from repro import randomness
from repro.data.augmentation import Draws, colour_shifts, training_batch
from repro.measurement.subject import Measured, Subject
from repro.training.evaluation import Ints, fixed_sample

VERSION = 1

DEVIATION = 0.1
"""Of the factor on each principal component's standard deviation; section 4.1."""


def measure(subject: Subject, *, view_pictures: int) -> Measured:
    """Share of held-out pictures with the same answer before and after one colour shift of the pictures."""
    if not subject.finite:
        return Measured({"colour_shift_agreement": None})
    split = subject.pictures.held_out
    sample = fixed_sample(split, "views", view_pictures)
    key = randomness.key("colour shift of held-out pictures")
    shifts = colour_shifts(DEVIATION, subject.pictures.colour, key, split.ids_of(sample))
    before = subject.held_out.logits[sample].argmax(1)
    after = [_answers(subject, sample[at], shifts[at]) for at in _batches(len(sample), subject.batch)]
    return Measured({"colour_shift_agreement": float((np.concatenate(after) == before).mean())})


def _batches(n: int, size: int) -> list[slice]:
    return [slice(start, start + size) for start in range(0, n, size)]


def _answers(subject: Subject, sample: Ints, shifts: npt.NDArray[np.float64]) -> Ints:
    inputs, pictures = subject.inputs, subject.pictures.held_out.pictures
    offset = np.full(len(sample), (pictures.shape[1] - inputs.crop) // 2)
    draws = Draws(offset, offset, np.zeros(len(sample), dtype=bool), shifts)
    pixels = training_batch(pictures, sample, draws, inputs.crop_means, inputs.scale)
    with torch.inference_mode():
        answers: Ints = subject.net(inputs.tensor(pixels)).argmax(1).cpu().numpy()
    return answers

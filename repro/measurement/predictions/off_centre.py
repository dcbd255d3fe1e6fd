"""Whether objects away from the middle are recognised (section 6.1, Figure 4: the mite).

Without boxes round the objects, the pictures themselves are moved.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from repro import randomness
from repro.data.augmentation import centre_batch
from repro.measurement.subject import Measured, Subject
from repro.training.evaluation import fixed_sample, rank_of_label

VERSION = 1

Bytes = npt.NDArray[np.uint8]
DIRECTIONS = ((-1, 0), (1, 0), (0, -1), (0, 1))
"""Up, down, left, right."""


def measure(subject: Subject, *, view_pictures: int) -> Measured:
    """Error on held-out pictures moved by a quarter of the crop, each in one of four directions."""
    split = subject.pictures.held_out
    sample = fixed_sample(split, "views", view_pictures)
    chance = randomness.uniform(randomness.key("off centre"), split.ids_of(sample))
    directions = (chance * len(DIRECTIONS)).astype(np.int64)
    inputs, wrong = subject.inputs, []
    distance = round(inputs.crop / 4)
    with torch.inference_mode():
        for number, (down, right) in enumerate(DIRECTIONS):
            ids = sample[directions == number]
            for start in range(0, len(ids), subject.batch):
                part = ids[start : start + subject.batch]
                pictures = moved(np.asarray(split.pictures[part]), down * distance, right * distance)
                pixels = inputs.tensor(centre_batch(pictures, inputs.mean, inputs.crop, inputs.scale))
                labels = torch.from_numpy(np.asarray(split.labels[part])).to(subject.device)
                wrong.append((rank_of_label(subject.net(pixels), labels) > 0).cpu().numpy())
    return Measured({"off_centre_error": float(np.concatenate(wrong).mean())})


def moved(pictures: Bytes, down: int, right: int) -> Bytes:
    """Pictures (n, S, S, 3) moved by less than S pixels; what comes in at an edge is the mirrored picture."""
    rows, columns = (_mirrored(pictures.shape[1], by) for by in (down, right))
    return np.asarray(pictures[:, rows][:, :, columns])


def _mirrored(size: int, by: int) -> npt.NDArray[np.int64]:
    """For each position along a side, the position that it shows after moving: past an edge it is mirrored."""
    positions = np.abs(np.arange(size) - by)
    return np.asarray(np.minimum(positions, 2 * (size - 1) - positions))

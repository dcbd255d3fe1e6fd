"""Predictions averaged over ten views of a picture: four corners, the centre, and their mirror images
(section 4.1)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from repro.data.packed import Split
from repro.net.alexnet import AlexNet
from repro.training.evaluation import Inputs

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
VIEWS = 10


def offsets(size: int, crop: int) -> tuple[tuple[int, int], ...]:
    """Top and left of the five crops of a picture of `size`: corners row by row, then the centre."""
    far, middle = size - crop, (size - crop) // 2
    return ((0, 0), (0, far), (far, 0), (far, far), (middle, middle))


def ten_views(pictures: npt.NDArray[np.uint8], mean: Floats, crop: int, scale: float) -> Floats:
    """Views (10, n, crop, crop, 3) of `pictures` (n, S, S, 3): five crops, then the same mirrored.

    `mean` as in `repro.data.augmentation.training_batch`: a whole mean picture is subtracted at the crop's
    place before mirroring.
    """
    n, size = pictures.shape[:2]
    views = np.empty((VIEWS, n, crop, crop, 3), dtype=np.float32)
    for place, (top, left) in enumerate(offsets(size, crop)):
        whole = mean.shape[:2] == pictures.shape[1:3]
        here = mean[top : top + crop, left : left + crop] if whole else mean
        np.subtract(pictures[:, top : top + crop, left : left + crop], here, out=views[place])
    if scale != 1:
        views[:5] *= np.float32(scale)
    views[5:] = views[:5, :, :, ::-1]
    return views


@torch.inference_mode()
def mean_probabilities(net: AlexNet, views: list[Tensor]) -> Tensor:
    """Mean softmax output (n, classes), float64, over views (n, 3, crop, crop); the net must be in eval
    mode.
    """
    total: Tensor | None = None
    for view in views:
        probabilities = torch.softmax(net(view).double(), 1)
        total = probabilities if total is None else total + probabilities
    if total is None:
        raise ValueError("a prediction needs at least one view")
    return total / len(views)


def ten_view_probabilities(
    net: AlexNet, inputs: Inputs, split: Split, sample: Ints, *, batch: int = 64
) -> npt.NDArray[np.float64]:
    """Ten-view predictions (len(sample), classes) for pictures of a split; the net is put into eval mode
    and back.
    """
    was_training = net.training
    net.eval()
    parts = []
    for start in range(0, len(sample), batch):
        pictures = np.asarray(split.pictures[sample[start : start + batch]])
        views = ten_views(pictures, inputs.mean, inputs.crop, inputs.scale)
        parts.append(mean_probabilities(net, [inputs.tensor(view) for view in views]).cpu().numpy())
    net.train(was_training)
    return np.concatenate(parts)

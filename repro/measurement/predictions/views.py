"""Predictions averaged over ten views of a picture: four corners, the centre, and their mirror images
(section 4.1)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from repro.data.packed import Split
from repro.measurement.subject import Measured, Subject
from repro.net.alexnet import AlexNet
from repro.training.devices.device_pictures import sent
from repro.training.evaluation import Inputs, fixed_sample, rank_of_label

VERSION = 1

Ints = npt.NDArray[np.int64]
VIEWS = 10


def measure(subject: Subject, *, view_pictures: int) -> Measured:
    """Errors of ten views, of single corners, and of the centre alone, on the same held-out pictures."""
    split = subject.pictures.held_out
    sample = viewed(split, view_pictures)
    ten, *corners, centre = view_ranks(subject.net, subject.inputs, split, sample, batch=subject.batch)
    return Measured(
        {
            "view_pictures": len(sample),
            "ten_view_error": float((ten > 0).mean()),
            "ten_view_top5_error": float((ten >= 5).mean()) if subject.classes > 5 else None,
            "corner_error": float(np.mean([(ranks > 0).mean() for ranks in corners])),
        },
        {"ten_view_correct": np.packbits(ten == 0), "ten_view_centre_correct": np.packbits(centre == 0)},
    )


def viewed(split: Split, view_pictures: int) -> Ints:
    """The pictures that are seen in ten views: their indices, ascending."""
    return fixed_sample(split, "views", view_pictures)


def offsets(size: int, crop: int) -> tuple[tuple[int, int], ...]:
    """Top and left of the five crops of a picture of `size`: corners row by row, then the centre."""
    far, middle = size - crop, (size - crop) // 2
    return ((0, 0), (0, far), (far, 0), (far, far), (middle, middle))


def ten_views(raw: npt.NDArray[np.uint8], inputs: Inputs) -> Tensor:
    """Views (10, n, 3, crop, crop) of pictures (n, S, S, 3): five crops, then the same mirrored.

    As the net reads them, on its device: the mean is subtracted where the crop lies, before mirroring. Only bytes
    are sent there, and cut; ten views in floats are thirty times as large.
    """
    views = cut_views(sent(raw, inputs.device), inputs.crop).float()
    mean = sent(inputs.mean, inputs.device)
    views -= cut_views(mean[None], inputs.crop) if mean.shape[:2] == raw.shape[1:3] else _five_and_mirrored(mean)
    if inputs.scale != 1:
        views *= float(np.float32(inputs.scale))
    return views.permute(0, 1, 4, 2, 3).to(inputs.dtype)


def cut_views(pictures: Tensor, crop: int) -> Tensor:
    """Ten views (10, n, crop, crop, 3) of `pictures` (n, S, S, 3) as they are, of any kind of number."""
    views = pictures.new_empty(VIEWS, len(pictures), crop, crop, 3)
    size = pictures.shape[1]
    # A picture is mirrored once for its five views, with its channels first: torch then moves whole pixels.
    mirrored = pictures.permute(0, 3, 1, 2).flip(3).permute(0, 2, 3, 1)
    for index, (top, left) in enumerate(offsets(size, crop)):
        right = size - crop - left  # where the same pixels begin in the mirrored picture
        views[index] = pictures[:, top : top + crop, left : left + crop]
        views[5 + index] = mirrored[:, top : top + crop, right : right + crop]
    return views


def _five_and_mirrored(mean: Tensor) -> Tensor:
    """A mean that is the same for every crop, (crop, crop, 3) or (3,), beside the ten views."""
    if mean.ndim == 1:
        return mean
    return torch.stack([mean] * 5 + [mean.flip(1)] * 5)[:, None]


@torch.inference_mode()
def probabilities(net: AlexNet, views: Tensor) -> Tensor:
    """Softmax outputs (views, n, classes), float64, of a net in eval mode, for views (views, n, 3, crop, crop)."""
    if not len(views):
        raise ValueError("a prediction needs at least one view")
    return torch.stack([torch.softmax(net(view).double(), 1) for view in views])


@torch.inference_mode()
def mean_probabilities(net: AlexNet, views: Tensor) -> Tensor:
    """Mean softmax output (n, classes), float64, over views (views, n, 3, crop, crop); the net must be in eval mode."""
    return probabilities(net, views).mean(0)


def view_ranks(net: AlexNet, inputs: Inputs, split: Split, sample: Ints, *, batch: int = 64) -> Ints:
    """Ranks of the true class (6, len(sample)): by the mean over ten views, then by each of the five crops.

    The net must be in eval mode.
    """
    parts = []
    for start in range(0, len(sample), batch):
        ids = sample[start : start + batch]
        each = probabilities(net, ten_views(np.asarray(split.pictures[ids]), inputs))
        labels = torch.from_numpy(np.asarray(split.labels[ids])).to(each.device)
        parts.append(torch.stack([rank_of_label(scores, labels) for scores in (each.mean(0), *each[:5])]).cpu().numpy())
    return np.concatenate(parts, axis=1)

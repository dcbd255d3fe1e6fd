"""First-layer kernels: colour, liveness, how far they moved, now and along training (section 6.1, Figure 3)."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from repro import randomness
from repro.evidence.division import division
from repro.measurement.first_layer.chroma import PatchColours, chroma_responses, input_vector, natural_patches
from repro.measurement.subject import Arrays, Measured, Subject
from repro.net.alexnet import AlexNet

VERSION = 2

Floats = npt.NDArray[np.float64]

MOVED_COSINE = 0.8
"""A live kernel has turned away from its initial value: cosine below this."""
NOISE_QUANTILE = 0.95
"""A live kernel's strongest frequency holds a larger share of its energy than in so many noise kernels."""
DEAD_NORM = 1e-3
"""A live kernel's norm is at least this share of the net's median kernel norm."""


def measure(subject: Subject) -> Measured:
    """First-layer kernels now, at the start and along training, with what section 6.1's statements ask of them."""
    now, start = first_kernels(subject.net), first_kernels(subject.untrained)
    finite = np.nan_to_num(now, nan=0.0, posinf=0.0, neginf=0.0)
    norm, initial_norm = (float(np.linalg.norm(kernels.astype(np.float64))) for kernels in (now, start))
    return Measured(
        {
            "kernel_cosine": float(cosines(finite, start).mean()),
            "kernel_norm_ratio": (norm / initial_norm if math.isfinite(norm) else 0.0) if initial_norm else None,
        },
        {
            "conv1": finite.astype(np.float32),
            "conv1_initial": start.astype(np.float32),
            "conv1_live": live(finite, start),
            **_colours(subject, finite, start),
            **_second_layer(subject.net),
        },
    )


def _colours(subject: Subject, now: npt.NDArray[Any], start: npt.NDArray[Any]) -> Arrays:
    """Chroma shares now, at the start, and with J at each kept point of training."""
    height, width = start.shape[2:]
    pictures = subject.pictures
    if max(height, width) > pictures.mean_picture.shape[0]:  # a padded kernel may be larger than any patch
        colours = PatchColours(np.zeros((height * width,) * 2), np.zeros((3 * height * width,) * 2))
    else:
        patches = natural_patches(pictures.train.pictures, pictures.mean_picture, height, width)
        colours = PatchColours.of(patches)
    arrays: Arrays = {
        "conv1_chroma_response": chroma_responses(now, colours).astype(np.float32),
        "conv1_chroma_response_initial": chroma_responses(start, colours).astype(np.float32),
    }
    if not subject.kept_kernels:  # a run of a version that kept none
        return arrays
    shares, divisions = [], []
    for kernels in subject.kept_kernels.values():
        finite = np.nan_to_num(kernels, nan=0.0, posinf=0.0, neginf=0.0)
        alive, responses = live(finite, start), chroma_responses(finite, colours)
        shares.append(np.where(alive, responses, np.nan))
        divisions.append(division(responses, alive))
    return {
        **arrays,
        "conv1_points_step": np.array(list(subject.kept_kernels), dtype=np.int32),
        "conv1_points_chroma_response": np.array(shares, dtype=np.float16),
        "conv1_points_division": np.array(divisions, dtype=np.float16),
    }


def _second_layer(net: AlexNet) -> Arrays:
    """What conv2 reads of conv1, where every kernel of conv2 reads all of conv1."""
    first, second = net.table[:2]
    if net.net.towers > 1 or (first.name, second.name, second.kind, second.groups) != ("conv1", "conv2", "conv", 1):
        return {}
    weights = np.nan_to_num(net.state_dict()["conv2.weight"].cpu().numpy(), nan=0.0, posinf=0.0, neginf=0.0)
    return {"conv2_input_vector": input_vector(weights).astype(np.float32)}


def first_kernels(net: AlexNet) -> npt.NDArray[Any]:
    """Kernels (n, 3, h, w) of the layer that reads the picture: conv1, or conv2 in a net without it."""
    kernels: npt.NDArray[Any] = net.state_dict()[f"{net.table[0].name}.weight"].cpu().numpy()
    return kernels


def chroma_shares(kernels: npt.NDArray[Any]) -> Floats:
    """Share of each kernel's energy off the grey axis, in [0, 1]; NaN for a kernel of zeros.

    kernels: (n, 3, h, w). The grey part is the mean over the three channels. A kernel of independent
    noise has an expected share of 2/3, so an untrained kernel looks coloured.
    """
    kernels = np.asarray(kernels, dtype=np.float64)
    energy = (kernels**2).sum(axis=(1, 2, 3))
    grey = 3 * (kernels.mean(axis=1) ** 2).sum(axis=(1, 2))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(energy > 0, 1 - grey / energy, np.nan)


def cosines(kernels: npt.NDArray[Any], initial: npt.NDArray[Any]) -> Floats:
    """Cosine of each kernel with its initial value; 1 for a kernel that is zero (it has not moved away)."""
    a = np.asarray(kernels, dtype=np.float64).reshape(len(kernels), -1)
    b = np.asarray(initial, dtype=np.float64).reshape(len(initial), -1)
    norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(norms > 0, (a * b).sum(1) / norms, 1.0)


def peak_shares(kernels: npt.NDArray[Any]) -> Floats:
    """Largest share of a kernel's spectral energy in one spatial frequency, over its three channels.

    A frequency and its conjugate count as one. Noise spreads its energy; blobs, edges and gratings of any
    orientation and frequency gather it, which is why the peak is used and not the low frequencies alone.
    """
    power = (np.abs(np.fft.fft2(np.asarray(kernels, dtype=np.float64))) ** 2).sum(axis=1)
    n, height, width = power.shape
    rows, columns = -np.arange(height) % height, -np.arange(width) % width
    conjugate = power[:, rows][:, :, columns]
    own = (np.arange(height)[:, None] == rows[:, None]) & (np.arange(width)[None] == columns[None])
    paired = np.where(own, power, power + conjugate).reshape(n, -1)
    total = power.reshape(n, -1).sum(1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(total > 0, paired.max(1) / total, 0.0)


@lru_cache
def noise_peak(height: int, width: int) -> float:
    """The NOISE_QUANTILE of `peak_shares` for independent Gaussian kernels of this size."""
    noise = randomness.generator("noise kernels", height, width).standard_normal((4000, 3, height, width))
    return float(np.quantile(peak_shares(noise), NOISE_QUANTILE))


def live(kernels: npt.NDArray[Any], initial: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Which kernels have learned something: not near zero, moved, and no longer spectrally noise."""
    norms = np.linalg.norm(np.asarray(kernels, dtype=np.float64).reshape(len(kernels), -1), axis=1)
    alive = norms > DEAD_NORM * np.median(norms)
    moved = cosines(kernels, initial) < MOVED_COSINE
    structured = peak_shares(kernels) > noise_peak(*kernels.shape[2:])
    return np.asarray(alive & moved & structured)

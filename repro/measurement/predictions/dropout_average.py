"""Test-time scaling against the geometric mean of the nets that dropout samples (section 4.2).

For each picture: p_m the prediction under one mask, G the geometric mean over masks, renormalised, and W
the prediction of the net with scaled outputs. How far W lies from G is compared with how far one p_m does.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from repro import randomness
from repro.measurement.subject import Measured, Subject, through
from repro.net.dropout import DropoutKey
from repro.net.layer_module import LayerModule
from repro.training.evaluation import fixed_sample, rank_of_label

VERSION = 2

Floats = npt.NDArray[np.float64]
NAMES = (
    "dropout_kl_scaled",
    "dropout_kl_single",
    "dropout_kl_ratio",
    "dropout_geometric_error",
    "dropout_scaled_error",
)
_AT_ONCE = 4096  # rows: pictures times masks


def measure(subject: Subject, *, dropout_pictures: int, dropout_masks: int) -> Measured:
    """Divergences in nats, means over held-out pictures, and the errors of G and W; null without dropout."""
    first = next((index for index, layer in enumerate(subject.net.layers) if layer.layer.dropout), None)
    if first is None or not subject.finite:
        return Measured(dict.fromkeys((*NAMES, "dropout_pictures")))
    split = subject.pictures.held_out
    sample = fixed_sample(split, "dropout", dropout_pictures)
    trunk, rest = subject.net.layers[:first], subject.net.layers[first:]
    step = max(1, _AT_ONCE // dropout_masks)
    scaled, geometric, labels, single = [], [], [], []
    with torch.inference_mode():
        for start in range(0, len(sample), step):
            ids = sample[start : start + step]
            pixels, true = next(subject.inputs.batches(split, ids, step))
            x, _ = through(trunk, pixels, ())
            mean_log = mean_log_probabilities(rest, x, split.ids_of(ids), dropout_masks, subject.seed)
            log_g, divergence = geometric_mean(mean_log)
            geometric.append(log_g)
            single.append(divergence)
            scaled.append(torch.log_softmax(through(rest, x, ())[0].double(), 1).cpu())
            labels.append(true.cpu())
    log_g, log_w, true = torch.cat(geometric), torch.cat(scaled), torch.cat(labels)
    kl_scaled, kl_single = float(divergence_of(log_g, log_w).mean()), float(torch.cat(single).mean())
    errors = [float((rank_of_label(log_p, true) > 0).double().mean()) for log_p in (log_g, log_w)]
    values = (kl_scaled, kl_single, kl_scaled / kl_single if kl_single > 0 else None, *errors)
    return Measured({**dict(zip(NAMES, values, strict=True)), "dropout_pictures": len(sample)})


def mean_log_probabilities(
    layers: list[LayerModule], x: Tensor, ids: npt.NDArray[np.int64], masks: int, seed: int
) -> Tensor:
    """Mean over masks of log softmax (pictures, classes), float64; masks keyed by picture, unit and their number.

    `layers` are the net's from the first that drops units to the last, `x` what they read.
    """
    key = randomness.key(seed, "dropout average")
    repeated = x.repeat_interleave(masks, 0)
    numbered = (torch.from_numpy(ids)[:, None] * masks + torch.arange(masks)[None]).flatten().to(x.device)
    try:
        for layer in layers:
            layer.train()
            repeated = layer(repeated, DropoutKey(key, numbered))
    finally:
        for layer in layers:
            layer.eval()
    return torch.log_softmax(repeated.double(), 1).reshape(len(x), masks, -1).mean(1).cpu()


def geometric_mean(mean_log: Tensor) -> tuple[Tensor, Tensor]:
    """log G (pictures, classes), and the mean over masks of KL(G || p_m) for each picture.

    G = exp(mean log p) / Z, so that KL(G || p_m) averages to -log Z.
    """
    log_z = torch.logsumexp(mean_log, 1)
    return mean_log - log_z[:, None], -log_z


def divergence_of(log_p: Tensor, log_q: Tensor) -> Tensor:
    """KL(p || q) of each row, in nats."""
    terms = log_p.exp() * (log_p - log_q)
    return torch.where(log_p.isneginf(), torch.zeros_like(terms), terms).sum(1)

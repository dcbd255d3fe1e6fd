"""How much hidden units lean on one another (section 4.2): proxies, for the paper has no measure.

Read off fully connected layers in evaluation mode, over held-out pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from repro import randomness
from repro.measurement.subject import HIDDEN, Measured, Subject
from repro.net.layer_module import LayerModule
from repro.training.evaluation import rank_of_label

VERSION = 1

Values = npt.NDArray[Any]
_HALVES = 10
"""How many random halves of the units are silenced in turn."""


def measure(subject: Subject, *, hidden_pictures: int) -> Measured:
    """Correlations and participation ratios of fc6 and fc7, and the error without a random half of their units."""
    scalars: dict[str, float | None] = {}
    for layer in HIDDEN:
        values = subject.hidden("held_out", layer, hidden_pictures) if subject.finite else None
        scalars[f"correlation_{layer}"] = None if values is None else mean_correlation(values)
        scalars[f"participation_{layer}"] = None if values is None else participation(values)
    return Measured({**scalars, "half_silenced_error": _half_silenced(subject, hidden_pictures)})


def mean_correlation(values: Values) -> float | None:
    """Mean |correlation| between two units over pictures, values (pictures, units).

    Units that give the same for every picture are left out; None when fewer than two are left.
    """
    centred = values.astype(np.float64) - values.mean(axis=0, dtype=np.float64)
    norms = np.linalg.norm(centred, axis=0)
    varied = norms > 1e-9 * np.abs(values).max(initial=0.0)
    units = int(varied.sum())
    if units < 2:
        return None
    scaled = centred[:, varied] / norms[varied]
    correlations = np.abs(scaled.T @ scaled)
    return float((correlations.sum() - np.trace(correlations)) / (units * (units - 1)))


def participation(values: Values) -> float | None:
    """Participation ratio of the covariance over the number of units: (sum of eigenvalues)^2 / sum of squares.

    1 when all units vary alike and independently, 1 / units when all move together; None when none varies.
    """
    centred = values.astype(np.float64) - values.mean(axis=0, dtype=np.float64)
    pictures, units = centred.shape
    gram = centred @ centred.T if pictures < units else centred.T @ centred  # the same eigenvalues but zeros
    squares = float((gram**2).sum())
    return float(np.trace(gram)) ** 2 / squares / units if squares > 0 else None


def _half_silenced(subject: Subject, pictures: int) -> float | None:
    fully = [layer for layer in subject.net.layers if layer.layer.kind == "fc"]
    if len(fully) < 2 or not subject.finite:
        return None
    before = subject.net.layers[subject.net.layers.index(fully[0]) - 1].layer.name
    inputs = subject.hidden("held_out", before, pictures)
    assert inputs is not None
    x = torch.from_numpy(inputs).to(subject.device)
    sample = subject.kept("held_out", pictures)
    labels = torch.from_numpy(np.asarray(subject.pictures.held_out.labels[sample])).to(subject.device)
    errors = [float((rank_of_label(silenced(fully, x, draw), labels) > 0).double().mean()) for draw in range(_HALVES)]
    return float(np.mean(errors))


@torch.inference_mode()
def silenced(layers: Sequence[LayerModule], x: Tensor, draw: int) -> Tensor:
    """Outputs of fully connected layers when a random half of each hidden layer's units is 0, the others doubled."""
    *hidden, last = layers
    for layer in hidden:
        units = layer.layer.out_maps
        off = randomness.permutation(randomness.key("silenced units", layer.layer.name, draw), units)[: units // 2]
        factors = torch.full((units,), 2.0, dtype=x.dtype, device=x.device)
        factors[torch.from_numpy(off).to(x.device)] = 0.0
        x = layer(x) * factors
    logits: Tensor = last(x)
    return logits

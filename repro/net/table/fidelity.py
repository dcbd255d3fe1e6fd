"""The three named readings of the paper: as printed, as its authors ran it, as people run it now.

`paper` is empty, because the settings' defaults are the print. The other two are lists of switches, each
with the source that its value was read from. For `authors` those are files of the released 2012 tree
(computerhistory/AlexNet-Source-Code); net #145 there has the paper's numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from repro.errors import UserError

NAMES = ("paper", "authors", "modern")


@dataclass(frozen=True)
class Switch:
    """One setting that a fidelity changes: dotted key, value, and the source of the value."""

    key: str
    value: Any
    source: str


_NET_FILE = "layers/layers-145.cfg"
_LOG = "layers/layer-params-145-2010.cfg"
_VISION = "torchvision.models.alexnet"
_RECIPE = "references/classification of torchvision"

SWITCHES: Mapping[str, tuple[Switch, ...]] = {
    "paper": (),
    "authors": (
        Switch("net.initial_values.deviations.conv3", 0.03, f"{_NET_FILE}: initW"),
        Switch("net.initial_values.deviations.conv4", 0.03, f"{_NET_FILE}: initW"),
        Switch("net.initial_values.deviations.conv5", 0.03, f"{_NET_FILE}: initW"),
        Switch("net.normalisation.alpha", 2e-5, "layer.py: scale (1e-4) is divided by size (5)"),
        Switch("net.normalisation.before_activation", ["conv1"], f"{_NET_FILE}: the ReLU stands at pool1"),
        Switch("net.normalisation.spatial_layers", ["conv2"], f"{_NET_FILE}: cnorm2a, cnorm2b (type rnorm)"),
        Switch("net.pooling.rounding", "ceil", "layer.py: numbers of outputs are rounded up"),
        Switch("training.bias_learning_rate_factor", 2.0, "layers/layer-params-153.cfg: epsB 0.02"),
        Switch("training.bias_rate_follows_schedule", False, "layers/layer-params-145.cfg: epsB 0.02 at the end"),
        Switch("training.epochs", 93, f"{_LOG}: stopped after epoch 93"),
        Switch("training.schedule.kind", "steps", f"{_LOG}: /10 after epochs 23, 51 and 78"),
        Switch("training.schedule.at", [0.247, 0.548, 0.839], f"{_LOG}: 23, 51 and 78 of 93"),
        Switch("training.order", "fixed", "cuda-convnet2, python_util/data.py: batches in fixed order"),
        Switch("training.mean", "centre_of_picture", "convdata_jpeg.py: the mean's central part, for every crop"),
        Switch("training.augmentation.crops", "per_32", "convdata_jpeg.py: crop_chunk = 32"),
        Switch("training.augmentation.colour_noise_off_epoch", 68, f"{_LOG}: noise off at epoch 68"),
        Switch("training.augmentation.divide_after_noise", 1.1, "convdata_jpeg.py: noisy pictures / 1.1"),
    ),
    "modern": (
        Switch("net.towers", 1, _VISION),
        Switch("net.widths.conv", [64, 192, 384, 256, 256], _VISION),
        Switch("net.geometry.conv1_padding", 2, _VISION),
        Switch("net.geometry.conv1_padding_kind", "symmetric", _VISION),
        Switch("net.normalisation.layers", [], f"{_VISION}: none"),
        Switch("net.dropout.place", "before", f"{_VISION}: classifier.0 and classifier.3"),
        Switch("net.dropout.rule", "inverted", "torch.nn.Dropout"),
        Switch("net.initial_values.rule", "uniform", "reset_parameters of torch.nn.Conv2d and torch.nn.Linear"),
        Switch("net.input_divisor", 57.6, f"{_RECIPE}: 255 x the mean of the deviations 0.229, 0.224, 0.225"),
        Switch("training.mean", "channel", _RECIPE),
        Switch("training.batch_size", 256, f"{_RECIPE}: 8 devices x 32"),
        Switch("training.weight_decay", 1e-4, _RECIPE),
        Switch("training.decay_biases", True, f"{_RECIPE}: all parameters alike"),
        Switch("training.schedule.kind", "steps", f"{_RECIPE}: /10 every 30 of 90 epochs"),
        Switch("training.schedule.at", [0.333, 0.667], f"{_RECIPE}: 30 and 60 of 90"),
        Switch("training.augmentation.colour_noise", 0.0, f"{_RECIPE}: none"),
    ),
}


def overrides(fidelity: str) -> dict[str, Any]:
    """The switches of `fidelity` as nested overrides of run settings: {"net": ..., "training": ...}.

    Raises UserError when there is no such fidelity.
    """
    if fidelity not in SWITCHES:
        raise UserError(f"fidelity: {fidelity!r} is unknown; allowed: {', '.join(NAMES)}")
    nested: dict[str, Any] = {"net": {}, "training": {}}
    for switch in SWITCHES[fidelity]:
        *path, last = switch.key.split(".")
        branch = nested
        for part in path:
            branch = branch.setdefault(part, {})
        branch[last] = switch.value
    return nested


FIDELITIES: Mapping[str, dict[str, Any]] = {name: overrides(name) for name in NAMES}

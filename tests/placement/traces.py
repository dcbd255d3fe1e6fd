"""What a run computes, step by step, under the towers' names: the same keys for every placement."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from repro.data.packed import open_packed
from repro.net.alexnet import tower_state
from repro.net.towers import TowerNet
from repro.study.settings import RunSettings
from repro.training.devices.run_placement import RunPlacement
from repro.training.loop import Training
from tests.packed_pictures import make_packed
from tests.small_runs import small_run, small_settings

STEPS = 20
Trace = dict[str, Tensor]

NETS: dict[str, dict[str, Any]] = {
    # Dropout, crops, reflections, colour noise and response normalisation are on in all of them.
    "as in the paper": {},
    "other crossings": {"crossings": ["conv2", "fc7"]},
    "as the authors ran it": {
        "normalisation": {"before_activation": ["conv1"], "spatial_layers": ["conv2"], "alpha": 0.01},
        "pooling": {"size": 3, "rounding": "ceil"},
    },
    "without conv3": {"removed": ["conv3"]},
}
PRECISIONS = ("float32", "float64")


def pictures_in(store: Path, classes: int) -> str:
    """48 pictures of so many classes; an odd number gives the towers unequal shares of the last layer."""
    key = f"of-{classes}-classes"
    if (store / "pictures" / key).is_dir():
        return f"pictures/{key}"
    return make_packed(store, key, classes=classes, train=48 // classes * classes, held_out=classes * 4)


def settings_of(net: str, precision: str) -> RunSettings:
    return small_settings(net=NETS[net], precision=precision)


def training(store: Path, settings: RunSettings, placement: RunPlacement, classes: int = 4) -> Training:
    """A run that has not begun. Its folder must exist already where several processes share it."""
    pictures = pictures_in(store, classes)
    return Training(small_run(store, pictures, settings), open_packed(store / pictures), placement)


def trace(run: Training, steps: int = STEPS) -> Trace:
    """Every step's logits, loss and gradients, and the weights and velocities after the last."""
    found: Trace = {}
    hook = run.net.register_forward_hook(
        lambda net, inputs, output: found.update({f"{run.step} logits": output.detach().clone()})
    )
    for step in range(steps):
        epoch = run.step // run.steps_per_epoch
        run.one_step(epoch, run.batches.order(epoch))
        gradients = {name: value.grad for name, value in run.net.named_parameters() if value.grad is not None}
        found |= {f"{step} gradient {name}": value for name, value in tower_state(run.net, gradients).items()}
    hook.remove()
    found |= {f"end weight {name}": value for name, value in tower_state(run.net).items()}
    found |= {f"end velocity {name}": value for name, value in tower_state(run.net, run.rule.velocities).items()}
    found["end loss"] = run.sums.loss.clone()
    found["end wrong"] = run.sums.wrong.clone()
    return found


def sent(run: Training) -> dict[tuple[int, str, str], int]:
    """Bytes handed over by the towers here, by (tower, reader, direction)."""
    assert isinstance(run.net, TowerNet)
    return dict(run.net.joins.sent)


def merged(traces: list[Trace]) -> Trace:
    """The ranks' traces as one; what both have must be the same."""
    whole: Trace = {}
    for part in traces:
        for name, value in part.items():
            assert name not in whole or torch.equal(whole[name], value), f"{name} differs between the ranks"
            whole[name] = value
    return whole


def differing(reference: Trace, other: Trace) -> list[str]:
    """The names of values that are not equal, bit by bit."""
    assert reference.keys() == other.keys()
    return [name for name, value in reference.items() if not torch.equal(value, other[name])]


def largest_relative_difference(reference: Trace, other: Trace) -> float:
    """Over all values, each measured by the largest element of its tensor."""
    assert reference.keys() == other.keys()
    return max(
        float((other[name] - value).abs().max() / value.abs().max().clamp(min=1e-30))
        for name, value in reference.items()
    )

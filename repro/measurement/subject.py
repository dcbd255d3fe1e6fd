"""A finished run opened for measuring: its net, its pictures, and what several measurements need of both.

Passes over pictures are what measuring costs, so each is made once, when it is first asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load_file
from torch import Tensor

from repro.data.chosen_pictures import classes_in, pictures_of
from repro.data.packed import Packed, Split
from repro.net.alexnet import AlexNet, load_tower_state
from repro.net.layer_module import LayerModule
from repro.runs.store import Run
from repro.study.settings import EvaluationSettings, RunSettings
from repro.training.evaluation import DTYPES, Inputs, Ints, fixed_sample
from repro.training.records.kept_kernels import kept_kernels

Arrays = dict[str, npt.NDArray[Any]]
SplitName = Literal["train", "held_out"]
HIDDEN = ("fc6", "fc7")
"""Layers of hidden units whose outputs are kept; nets without them have none."""


@dataclass(frozen=True)
class Measured:
    """What one measurement found: numbers (null where they do not apply) and arrays, by name."""

    scalars: dict[str, Any] = field(default_factory=dict)
    arrays: Arrays = field(default_factory=dict)


@dataclass(frozen=True)
class Seen:
    """What a net makes of the central crops of some pictures of a split, in evaluation mode."""

    sample: Ints
    """The pictures' indices in the split, ascending."""
    labels: Ints
    logits: npt.NDArray[Any]
    """(pictures, classes)"""
    kept: Ints
    """The pictures whose hidden values are kept: some of `sample`, ascending."""
    hidden: Arrays
    """By layer, what it hands on for the pictures `kept`, test-time scaling applied: (kept, values)."""


class Subject:
    """A run's final and initial net, its pictures as it sees them, and passes over them."""

    def __init__(
        self,
        net: AlexNet,
        packed: Packed,
        settings: RunSettings,
        seed: int,
        evaluation: EvaluationSettings,
        kept_kernels: Mapping[int, npt.NDArray[Any]] | None = None,
    ) -> None:
        """`net` is the trained net; `packed` all prepared pictures, of which the run may see a part.

        `kept_kernels`: by step, the first layer's kernels that were kept along training.
        """
        self.net = net.eval()
        self.settings = settings
        self.seed = seed
        self.kept_kernels = kept_kernels or {}
        self.batch = evaluation.batch
        self.pictures = pictures_of(settings.training.pictures, packed)
        self.device = next(net.parameters()).device
        self.inputs = Inputs.of(settings, self.pictures, self.device)
        self._kept = {
            "train": evaluation.neighbour_database,
            "held_out": max(evaluation.hidden_pictures, evaluation.neighbour_queries),
        }
        self._train_sample = evaluation.train_sample

    @classmethod
    def of_run(cls, run: Run, packed: Packed, evaluation: EvaluationSettings, device: torch.device) -> Subject:
        """A finished run; UserError when its weights are not the recorded ones."""
        spec = run.spec()
        kept = kept_kernels(run.folder)
        return cls(load_net(run, packed, device), packed, spec.settings, spec.seed, evaluation, kept)

    @property
    def outputs(self) -> int:
        """Classes that the net tells apart."""
        return len(self.pictures.classes)

    @cached_property
    def classes(self) -> int:
        """Classes that its training pictures hold, at most as many as the net has outputs."""
        return classes_in(self.pictures)

    @cached_property
    def finite(self) -> bool:
        """Whether the trained net's weights are all numbers."""
        return all(bool(value.isfinite().all()) for value in self.net.parameters())

    @cached_property
    def untrained(self) -> AlexNet:
        """The same net with the weights that its seed draws, also where the run started from those of a parent."""
        net = AlexNet(self.settings.net, self.outputs, self.seed, dtype=next(self.net.parameters()).dtype)
        return net.to(self.device).eval()

    @cached_property
    def held_out(self) -> Seen:
        """The trained net on all held-out pictures."""
        sample = np.arange(len(self.pictures.held_out))
        return self._seen("held_out", sample, (*HIDDEN, *self._read_by_hidden()))

    @cached_property
    def train(self) -> Seen:
        """The trained net on a fixed sample of the training pictures."""
        most = max(self._train_sample, self._kept["train"])
        return self._seen("train", fixed_sample(self.pictures.train, "train", most), HIDDEN)

    def split(self, name: SplitName) -> Split:
        return self.pictures.train if name == "train" else self.pictures.held_out

    def kept(self, name: SplitName, n: int) -> Ints:
        """Indices of at most `n` pictures whose hidden values are kept; a smaller sample is part of a larger one."""
        return fixed_sample(self.split(name), name, min(n, self._kept[name]))

    def hidden(self, name: SplitName, layer: str, n: int) -> npt.NDArray[Any] | None:
        """What the trained net's `layer` hands on for the pictures `kept(name, n)`; None without that layer."""
        seen = self.train if name == "train" else self.held_out
        if layer not in seen.hidden:
            return None
        values: npt.NDArray[Any] = seen.hidden[layer][np.isin(seen.kept, self.kept(name, n))]
        return values

    def untrained_hidden(self, name: SplitName, layer: str, n: int) -> npt.NDArray[Any]:
        """The same of the net with its initial weights."""
        parts = []
        with torch.inference_mode():
            for pixels, _ in self.inputs.batches(self.split(name), self.kept(name, n), self.batch):
                parts.append(through(self.untrained.layers, pixels, (layer,))[1][layer].flatten(1).cpu().numpy())
        return np.concatenate(parts)

    def _read_by_hidden(self) -> tuple[str, ...]:
        """The layer whose outputs the first fully connected layer reads."""
        names = [layer.name for layer in self.net.table]
        index = next(index for index, layer in enumerate(self.net.table) if layer.kind == "fc")
        return (names[index - 1],)

    def _seen(self, name: SplitName, sample: Ints, layers: Sequence[str]) -> Seen:
        split, kept = self.split(name), self.kept(name, self._kept[name])
        logits, hidden = [], dict[str, list[npt.NDArray[Any]]]()
        with torch.inference_mode():
            for index, (pixels, _) in enumerate(self.inputs.batches(split, sample, self.batch)):
                ids = sample[index * self.batch : index * self.batch + len(pixels)]
                out, values = through(self.net.layers, pixels, layers)
                logits.append(out.cpu().numpy())
                wanted = torch.from_numpy(np.isin(ids, kept)).to(self.device)
                for layer, value in values.items():
                    hidden.setdefault(layer, []).append(value[wanted].flatten(1).cpu().numpy())
        return Seen(
            sample=sample,
            labels=np.asarray(split.labels[sample]),
            logits=np.concatenate(logits),
            kept=kept,
            hidden={layer: np.concatenate(parts) for layer, parts in hidden.items()},
        )


def through(layers: Sequence[LayerModule], x: Tensor, keep: Sequence[str]) -> tuple[Tensor, dict[str, Tensor]]:
    """`x` through `layers` one after another: the last one's output, and those of the layers named in `keep`."""
    kept = {}
    if x.ndim == 4:
        x = x.contiguous(memory_format=torch.channels_last)
    for layer in layers:
        x = layer(x)
        if layer.layer.name in keep:
            kept[layer.layer.name] = x
    return x, kept


def load_net(run: Run, packed: Packed, device: torch.device) -> AlexNet:
    """The trained net of a finished run, in evaluation mode, its weights' digest checked."""
    settings = run.spec().settings
    dtype = DTYPES[settings.training.precision]
    net = AlexNet(settings.net, len(packed.classes), run.spec().seed, dtype=dtype)
    load_tower_state(net, load_file(run.checked_weights()))
    return net.to(device).eval()

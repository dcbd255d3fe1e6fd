"""Made-up evidence: whole evidence directories with effects that a test chooses, written in milliseconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from repro.evidence.directory import write_evidence
from repro.net.settings import NetSettings
from repro.randomness import generator

Towers = Literal["split", "alike", "unclear"]
VARIANTS = (
    "base",
    "no_weight_decay",
    "dense",
    "remove_conv1",
    "remove_conv2",
    "remove_conv3",
    "remove_conv4",
    "remove_conv5",
)
KERNELS = 24
"""First-layer kernels of each tower."""
_COUNTS = {"train": 4000, "held_out": 1000, "validation": 0}
_BASE = {
    "train_error": 0.08,
    "train_loss": 0.3,
    "held_out_error": 0.30,
    "held_out_loss": 1.0,
    "held_out_top5_error": 0.05,
}


@dataclass
class MadeUp:
    """What the evidence shows. Errors are fractions; `effects` are added to the base's mean of a metric."""

    study: str = "made"
    seeds: Sequence[int] = tuple(range(12))
    variants: Sequence[str] = VARIANTS
    family: Sequence[str] = ()
    looks: str = "fixed"
    classes: int = 10
    counts: Mapping[str, int] = field(default_factory=lambda: dict(_COUNTS))
    fidelity: str = "paper"
    scaling: str = "small"
    spread: float = 0.004
    effects: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    towers: Mapping[str, Towers | Sequence[Towers]] = field(
        default_factory=lambda: {"base": "split", "dense": "alike"}
    )
    initial_towers: Towers = "alike"
    colour_tower: Literal["alternating", "second"] | Sequence[int] = "alternating"
    live: int = KERNELS
    scalars: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    collapsed: Mapping[str, Sequence[int]] = field(default_factory=dict)
    missing: Mapping[str, Sequence[int]] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    curves: Mapping[str, list[Any]] = field(default_factory=dict)
    parent: str | None = None
    one_tower: Sequence[str] = ("dense",)
    registry: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)

    def write(self, folder: Path) -> Path:
        """The evidence as files; returns the folder."""
        rows, arrays = [], {}
        for variant in self.variants:
            for place, seed in enumerate(self.seeds):
                if seed in self.missing.get(variant, ()):
                    continue
                row = self._row(variant, seed)
                rows.append(row)
                arrays.update(self._arrays(row["identity"], variant, seed, place))
        write_evidence(folder, self._record(), rows, {"fidelity": dict(self.facts)}, arrays)
        return folder

    def _record(self) -> dict[str, Any]:
        net = NetSettings().model_dump(mode="json")
        training = {"schedule": {"kind": "steps"}, **self.settings}
        settings = {
            name: {"net": {**net, "towers": 1 if name in self.one_tower else 2}, "training": training}
            for name in self.variants
        }
        return {
            "study": self.study,
            "summary": "made up",
            "fidelity": self.fidelity,
            "scaling": self.scaling,
            "classes": self.classes,
            "class_names": [f"class{number}" for number in range(self.classes)],
            "data": {"name": "made up", "digest": "0", "counts": dict(self.counts), "size": 56, "crop": 48},
            "settings": settings,
            "deviations": {name: [] for name in self.variants},
            "variants": list(self.variants),
            "seeds": list(self.seeds),
            "looks": self.looks,
            "family": list(self.family),
            "registry": dict(self.registry),
            "versions": {"repro": "0"},
            "machine": {"cpu": "made up"},
            "device": "cpu",
            "git_commit": None,
            "command": "made up",
            "created": "2026-01-01T00:00:00Z",
        }

    def _row(self, variant: str, seed: int) -> dict[str, Any]:
        collapsed = seed in self.collapsed.get(variant, ())
        noise = generator("made up", variant, seed).standard_normal(len(_BASE)) * self.spread
        scalars: dict[str, Any] = {
            name: max(value + self.effects.get(variant, {}).get(name, 0.0) + float(error), 0.0)
            for (name, value), error in zip(_BASE.items(), noise, strict=True)
        }
        if collapsed:
            scalars |= {"train_error": 1 - 1 / self.classes, "held_out_error": None}
        scalars |= {
            "normalisation_alive_conv1": 1.6,
            "normalisation_alive_conv2": 1.2,
            "kernel_cosine": 0.4,
            "kernel_norm_ratio": 2.0,
            "decay_dose": 0.0 if variant == "no_weight_decay" else 0.4,
            "steps": 1000,
            "epochs": 10,
            "cpu_seconds": 10.0,
            "pictures_per_second": 800.0,
            "parameters": 100_000,
            "multiply_adds": 5_000_000,
            "final_train_loss": 0.4,
            "constant_prediction": False,
            **self.scalars.get(variant, {}),
        }
        return {
            "identity": f"{variant}-{seed}",
            "variant": variant,
            "seed": seed,
            "role": "report",
            "parent": self.parent,
            "status": "collapsed" if collapsed else "finished",
            "collapse_reason": "made up" if collapsed else None,
            "scalars": scalars,
            "curves": {"epoch": [1], "learning_rate": [0.01], **self.curves},
            "provenance": {},
        }

    def _arrays(self, identity: str, variant: str, seed: int, place: int) -> dict[str, Any]:
        wanted = self.towers.get(variant, "alike")
        kind = wanted if isinstance(wanted, str) else wanted[place]
        if isinstance(self.colour_tower, str):
            colour = place % 2 if self.colour_tower == "alternating" else 1
        else:
            colour = self.colour_tower[place]
        live = np.arange(2 * KERNELS) % KERNELS < self.live
        return {
            f"{identity}/conv1": np.zeros((2 * KERNELS, 3, 2, 2), dtype=np.float32),
            f"{identity}/conv1_chroma": chroma(kind, colour, variant, seed),
            f"{identity}/conv1_chroma_initial": chroma(self.initial_towers, colour, variant, "initial", seed),
            f"{identity}/conv1_live": live,
        }


def chroma(kind: Towers, colour_tower: int, *words: str | int) -> np.ndarray:
    """Chroma shares of both towers' kernels, tower 0 first.

    split: one tower grey, the other coloured. alike: each tower half grey, half coloured. unclear: the
    towers lean to different sides, short of specialising.
    """
    noise = generator("chroma", *words).uniform(0, 0.2, 2 * KERNELS)
    grey_of_grey_tower = {"split": KERNELS, "alike": KERNELS // 2, "unclear": KERNELS * 2 // 3}[kind]
    place = np.arange(KERNELS)
    grey_tower = np.where(place < grey_of_grey_tower, 0.1, 0.7)
    colour_tower_values = np.where(place < KERNELS - grey_of_grey_tower, 0.1, 0.7)
    towers = [grey_tower, colour_tower_values]
    if colour_tower == 0:
        towers.reverse()
    return np.concatenate(towers) + noise

"""Made-up evidence: whole evidence directories with effects that a test chooses, written in milliseconds."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from repro.evidence.directory import Evidence, write_evidence
from repro.evidence.record import SCHEMA, RunRecord, StudyRecord
from repro.files import canonical_json
from repro.measurement.declared import MetricRule
from repro.net.table.settings import NetSettings
from repro.randomness import generator
from repro.settings import validated_json
from repro.study.identity import TRAINING_VERSION, run_identity
from repro.study.settings import RunSettings
from repro.verdicts.registry.metrics import METRICS

Towers = int | tuple[int, int]
"""Colour-agnostic kernels of the grey tower, as many specific ones in the other; or agnostic ones of either tower."""
SPLIT, ALIKE, LEANING, GREY = 24, 12, 14, (24, 24)
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
_LEVELS: dict[str, tuple[float, float]] = {
    "train_error": (0.08, 1),
    "train_loss": (0.3, 1),
    "held_out_error": (0.30, 1),
    "held_out_loss": (1.0, 1),
    "held_out_top5_error": (0.05, 1),
    "generalisation_gap": (0.22, 1),
    "ten_view_error": (0.28, 1),
    "ten_view_top5_error": (0.04, 1),
    "corner_error": (0.33, 1),
    "off_centre_error": (0.45, 1),
    "halves_excess": (0.0, 0.05),
    "colour_shift_agreement": (0.9, 1),
    "correlation_fc6": (0.15, 1),
    "correlation_fc7": (0.2, 1),
    "participation_fc6": (0.1, 1),
    "participation_fc7": (0.1, 1),
    "half_silenced_error": (0.4, 1),
    "dropout_kl_scaled": (0.01, 0.1),
    "dropout_kl_single": (0.2, 1),
    "dropout_kl_ratio": (0.05, 1),
    "dropout_geometric_error": (0.3, 0.25),
    "dropout_scaled_error": (0.3, 0.25),
    "neighbour_agreement": (0.6, 1),
    "neighbour_agreement_untrained": (0.25, 1),
    "neighbour_agreement_pixels": (0.2, 1),
    "neighbour_pixel_percentile": (20.0, 100),
    "code_agreement": (0.5, 1),
    "code_agreement_pixels": (0.2, 1),
    "labels_within_6_steps": (0.7, 1),
    "cat_share": (0.95, 1),
    "selective_kernels": (0.5, 1),
    "selective_kernels_initial": (0.05, 1),
    "orientation_bins": (5.0, 50),
    "orientation_bins_initial": (2.0, 50),
    "frequency_octaves": (1.8, 25),
    "colour_blobs": (8.0, 250),
    "early_train_loss": (2.0, 1),
    "train_error_as_trained": (0.15, 1),
    "train_loss_as_trained": (0.5, 1),
}


def _by_its_range(rule: MetricRule) -> tuple[float, float]:
    """For a metric that is not listed: the middle of its range, of whose width the sd is a share."""
    low = rule.range[0] or 0.0
    high = low + 50 if rule.range[1] is None else rule.range[1]
    return (low + high) / 2, high - low


LEVELS = {
    **_LEVELS,
    **{
        name: _by_its_range(rule)
        for name, rule in METRICS.items()
        if name not in _LEVELS and not name.startswith("ensemble_")
    },
}
"""The base's mean of each metric, and how many times `spread` the runs' sd of it is."""
SIGNED = tuple(name for name, rule in METRICS.items() if rule.range[0] is None or rule.range[0] < 0)
"""Metrics that may be negative."""
DATA = "0"
"""Digest of the pictures."""
POINTS, STEPS = 60, 3000
"""Of the learning curves."""
ARRIVAL = 300.0
"""Iterations to a training error of 25 %."""


@dataclass
class MadeUp:
    """What the evidence shows. Errors are fractions.

    levels    means of metrics by variant, in place of the base's
    effects   what is added to them
    arrival   iterations to a training error of 25 % by variant, where it is not ARRIVAL
    plateau   error that a variant's training error comes down to, where it is not 0
    averaging how much lower the error of averaged nets is than their mean error, by one view and by ten
    per_class pictures of each class by split; None: equally many
    evaluation settings of the measurements; None: whatever is measured on a part of the pictures is so on all
    accelerators names of the devices of a variant's seeds, where they are not a CPU; None: not recorded
    registry  digests of entries, as noted when the runs were created
    registered what was noted besides: what differs from the study as it stands; None: nothing was noted at all
    averaged_views  whether averages of nets were also measured over ten views
    notes     by seed, what of `registered` was noted otherwise for that seed's runs: they were created at another time
    traced    whether runs say their training version and the digest of their tensors, and have the identities that
              follow from their settings; None: where what was registered was noted
    provenance by variant and seed, what else a run's provenance says
    chroma    whether the responses of kernels were measured
    luck      sd of errors that would follow from the pictures on which nets differ; None: `spread`
    """

    study: str = "made"
    seeds: Sequence[int] = tuple(range(12))
    variants: Sequence[str] = VARIANTS
    family: Sequence[str] = ()
    looks: str = "fixed"
    classes: int = 10
    class_names: Sequence[str] = ()
    data_name: str = "made up"
    counts: Mapping[str, int] = field(default_factory=lambda: {"train": 4000, "held_out": 1000, "validation": 0})
    evaluation: Mapping[str, Any] | None = None
    per_class: Mapping[str, Sequence[int]] | None = None
    fidelity: str = "paper"
    scaling: str = "small"
    spread: float = 0.004
    luck: float | None = None
    levels: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    effects: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    arrival: Mapping[str, float] = field(default_factory=dict)
    plateau: Mapping[str, float] = field(default_factory=dict)
    steps: int = STEPS
    averaging: float = 0.03
    towers: Mapping[str, Towers | list[Towers]] = field(default_factory=lambda: {"base": SPLIT, "dense": ALIKE})
    initial_towers: Towers = ALIKE
    colour_tower: Literal["alternating", "second"] | Sequence[int] = "alternating"
    live: int = KERNELS
    scalars: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    collapsed: Mapping[str, Sequence[int]] = field(default_factory=dict)
    missing: Mapping[str, Sequence[int]] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    nets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    curves: Mapping[str, list[Any]] = field(default_factory=dict)
    outcomes: bool = True
    averaged_views: bool = True
    tuned: Mapping[str, Mapping[str, Any]] | None = None
    accelerators: Mapping[str, Mapping[int, Sequence[str]]] | None = field(default_factory=dict)
    runs_a_device: int = 1
    diverged: Mapping[str, Sequence[int]] = field(default_factory=dict)
    parent: str | None = None
    one_tower: Sequence[str] = ("dense",)
    registry: Mapping[str, str] = field(default_factory=dict)
    registered: Mapping[str, Any] | None = None
    smallest_effects: Mapping[str, float] = field(default_factory=dict)
    notes: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    traced: bool | None = None
    provenance: Mapping[tuple[str, int], Mapping[str, Any]] = field(default_factory=dict)
    chroma: bool = True
    facts: Mapping[str, Any] = field(default_factory=dict)

    def write(self, folder: Path) -> Path:
        """The evidence as files; returns the folder."""
        rows, arrays = self._rows_and_arrays()
        write_evidence(folder, self._record(), rows, self._facts(), arrays)
        return folder

    def evidence(self) -> Evidence:
        """What a reader of the files would have; for tests of what is made of it, since files take most of the time."""
        rows, arrays = self._rows_and_arrays()
        order = {variant: place for place, variant in enumerate(self.variants)}
        rows.sort(key=lambda row: (order[row["variant"]], row["seed"]))
        runs = tuple(validated_json(RunRecord, canonical_json(row), "made up") for row in rows)
        study = validated_json(StudyRecord, json.dumps(self._record()), "made up")  # in its own order, as in the file
        facts = json.loads(canonical_json({"schema": SCHEMA, **self._facts()}))
        return Evidence(Path(self.study), study, runs, facts, arrays)

    def _facts(self) -> dict[str, Any]:
        return {"fidelity": dict(self.facts)}

    def _rows_and_arrays(self) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        arrays: dict[str, Any] = {}
        for variant in self.variants:
            for place, seed in enumerate(self.seeds):
                if seed in self.missing.get(variant, ()):
                    continue
                row = self._row(variant, seed)
                rows.append(row)
                arrays.update(self._kernels(row["identity"], variant, seed, place))
                if self.outcomes:
                    arrays.update(self._outcomes(row))
        if self.outcomes:
            arrays.update(self._ensembles(rows))
        return rows, arrays

    def _record(self) -> dict[str, Any]:
        full = self.scaling == "none"
        return {
            "study": self.study,
            "summary": "made up",
            "fidelity": self.fidelity,
            "scaling": self.scaling,
            "classes": self.classes,
            "class_names": list(self.class_names) or [f"class{number}" for number in range(self.classes)],
            "data": {
                "name": self.data_name,
                "digest": DATA,
                "counts": dict(self.counts),
                **({} if self.per_class == {} else {"counts_per_class": self._per_class()}),
                "size": 256 if full else 56,
                "crop": 224 if full else 48,
            },
            "settings": {name: self._settings(name) for name in self.variants},
            "deviations": {name: [] for name in self.variants},
            "variants": list(self.variants),
            "seeds": list(self.seeds),
            "looks": self.looks,
            "family": list(self.family),
            "smallest_effects": dict(self.smallest_effects),
            "evaluation": self._evaluation(),
            "versions": {"repro": "0"},
            "machine": {"cpu": "made up"},
            "device": "cpu",
            "git_commit": None,
            "command": "made up",
            "created": "2026-01-01T00:00:00Z",
            "tuned": self.tuned if self.tuned is not None else dict.fromkeys(self.variants, _INSIDE),
        }

    def _evaluation(self) -> dict[str, Any]:
        return {"neighbour_queries": self.counts["held_out"]} if self.evaluation is None else dict(self.evaluation)

    def _per_class(self) -> dict[str, list[int]]:
        """As many pictures in each class as in the next, or one less."""
        even = {
            split: [(count + place) // self.classes for place in range(self.classes)]
            for split, count in self.counts.items()
        }
        return even if self.per_class is None else {split: list(counts) for split, counts in self.per_class.items()}

    @property
    def _traced(self) -> bool:
        return self.registered is not None if self.traced is None else self.traced

    def _settings(self, variant: str) -> dict[str, Any]:
        training = {**({} if self.scaling == "none" else {"schedule": {"kind": "steps"}}), **self.settings}
        if not self._traced:
            return {"net": self._net(variant), "training": training}
        if variant != "base":  # variants differ in something, or their runs would be the same ones
            training["momentum"] = 0.9 - 0.001 * (1 + list(self.variants).index(variant))
        return {"data": {"validation_per_class": 1}, "net": self._net(variant), "training": training}

    def _identity(self, variant: str, seed: int, version: int) -> str:
        if not self._traced:
            return f"{variant}-{seed}"
        settings = RunSettings.model_validate(self._settings(variant))
        return run_identity(settings, seed, DATA, self.parent, version=version)

    def _net(self, variant: str) -> dict[str, Any]:
        net = NetSettings().model_dump(mode="json")
        net["towers"] = 1 if variant in self.one_tower else 2
        for key, value in self.nets.get(variant, {}).items():
            net[key] = {**net[key], **value} if isinstance(value, Mapping) else value
        return net

    def _level(self, variant: str, metric: str) -> float:
        level = self.levels.get(variant, {}).get(metric, LEVELS[metric][0])
        return level + self.effects.get(variant, {}).get(metric, 0.0)

    def _row(self, variant: str, seed: int) -> dict[str, Any]:
        collapsed = seed in self.collapsed.get(variant, ())
        noise = generator("made up", variant, seed).standard_normal(len(LEVELS)) * self.spread
        scalars: dict[str, Any] = {
            name: max(self._level(variant, name) + float(error) * factor, -math.inf if name in SIGNED else 0.0)
            for (name, (_, factor)), error in zip(LEVELS.items(), noise, strict=True)
        }
        early = scalars.pop("early_train_loss")
        accelerators = list((self.accelerators or {}).get(variant, {}).get(seed, ()))
        if collapsed:
            scalars |= {"train_error": 1 - 1 / self.classes, "held_out_error": None}
        scalars |= {
            "held_out_pictures": self.counts["held_out"],
            "view_pictures": self.counts["held_out"],
            "dropout_pictures": self.counts["held_out"],
            "labels_within_6_steps_possible": 0.98,
            "labels_within_6_steps_by_chance": 0.05,
            "cat_classes": 4,
            "leopard_pictures": self.counts["held_out"],
            "normalisation_alive_conv1": 1.6,
            "normalisation_alive_conv2": 1.2,
            "kernel_cosine": 0.4,
            "kernel_norm_ratio": 2.0,
            "decay_dose": 0.0 if variant == "no_weight_decay" else 0.4,
            "steps": self.steps,
            "epochs": POINTS,
            "cpu_seconds": 10.0,
            "clock_seconds": (1.0 if accelerators else 10.0) * self.steps * (1 + 0.02 * (seed % 3)),
            "augmented_step_seconds": 1.02 if accelerators else None,
            "plain_step_seconds": 1.0 if accelerators else None,
            "parameters": 100_000,
            "multiply_adds": 5_000_000,
            "final_train_loss": 0.4,
            "constant_prediction": False,
            **self.scalars.get(variant, {}),
        }
        if diverged := seed in self.diverged.get(variant, ()):
            scalars["clock_seconds"] = 1.0
        traces = {"training_version": TRAINING_VERSION, "tensors_digest": f"of {variant} seed {seed}"}
        provenance = {**(traces if self._traced else {}), **self.provenance.get((variant, seed), {})}
        return {
            "identity": self._identity(variant, seed, provenance.get("training_version") or TRAINING_VERSION),
            "variant": variant,
            "seed": seed,
            "role": "report",
            "parent": self.parent,
            "status": "collapsed" if collapsed else "diverged" if diverged else "finished",
            "collapse_reason": "made up" if collapsed else None,
            "scalars": scalars,
            "curves": {**self._curves(variant, seed, early), **self.curves},
            "provenance": {"device": "made up", **provenance}
            | (
                {} if self.accelerators is None else {"accelerators": accelerators, "runs_a_device": self.runs_a_device}
            ),
            "registered": self._registered(seed),
        }

    def _registered(self, seed: int) -> dict[str, Any]:
        if self.registered is None:
            return {}
        return {
            "family": list(self.family),
            "seeds": list(self.seeds),
            "looks": self.looks,
            "smallest_effects": dict(self.smallest_effects),
            "evaluation": self._evaluation(),
            "registry": dict(self.registry),
            **self.registered,
            **self.notes.get(seed, {}),
        }

    def _curves(self, variant: str, seed: int, early: float) -> dict[str, list[Any]]:
        """Training and held-out error that halve again and again, 25 % reached at the variant's arrival."""
        chance = 1 - 1 / self.classes
        late = float(generator("iterations", variant, seed).standard_normal()) * 6 * self.spread
        half_life = self.arrival.get(variant, ARRIVAL) * np.exp(late) / np.log2(chance / 0.25)
        steps = np.arange(1, POINTS + 1) * (self.steps // POINTS)
        left, plateau = np.exp2(-steps / half_life), self.plateau.get(variant, 0.0)
        return {
            "epoch": list(range(1, POINTS + 1)),
            "step": steps.tolist(),
            "learning_rate": [0.01] * POINTS,
            "train_error": (plateau + (chance - plateau) * left).tolist(),
            "held_out_error": (0.3 + (chance - 0.3) * left).tolist(),
            "train_loss": [early] * (POINTS // 10) + [0.4] * (POINTS - POINTS // 10),
        }

    # ---- arrays ----------------------------------------------------------------------------------

    def _outcomes(self, row: Mapping[str, Any]) -> dict[str, Any]:
        scalars, words = row["scalars"], (row["variant"], row["seed"])
        errors = {
            "held_out_correct": scalars["held_out_error"],
            "ten_view_centre_correct": scalars["held_out_error"],
            "ten_view_correct": scalars["ten_view_error"],
        }
        return {
            f"{row['identity']}/{name}": self._right(error, name, *words)
            for name, error in errors.items()
            if error is not None
        }

    def _ensembles(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Averages of all base nets, of all but one, of five of the first six, and of all six for a first look."""
        base = {row["seed"]: row["scalars"] for row in rows if row["variant"] == "base"}
        wholes = [tuple(self.seeds)] + ([tuple(self.seeds[:6])] if self.looks == "two" else [])
        groups = [group for whole in wholes for group in (whole, *(_without(whole, seed) for seed in whole))]
        groups += [_without(tuple(self.seeds[:6]), seed) for seed in self.seeds[:6]] if len(self.seeds) > 5 else []
        ways = {"": "held_out_error"}
        if self.averaged_views:
            ways |= {"/ten_views": "ten_view_error", "/ten_views_top5": "ten_view_top5_error"}
        return {
            f"ensemble/base/{'+'.join(map(str, group))}{way}": self._right(
                sum(errors[seed] for seed in group) / len(group) - self.averaging, f"ensemble{way}", *group
            )
            for way, metric in ways.items()
            if (errors := {seed: scalars[metric] for seed, scalars in base.items()})
            for group in groups
            if group and all(errors.get(seed) is not None for seed in group)
        }

    def _right(self, error: float, *words: str | int) -> np.ndarray:
        """Outcomes with this error: the same pictures are hard for all nets, and each net has its own luck."""
        pictures = self.counts["held_out"]
        wrong = round(min(max(error, 0.0), 1.0) * pictures)
        right = np.arange(pictures) >= wrong
        luck = self.spread if self.luck is None else self.luck
        swapped = min(round((luck * pictures) ** 2 / 2), wrong, pictures - wrong)
        rng = generator("outcomes", *words)
        right[rng.choice(wrong, swapped, replace=False)] = True
        right[wrong + rng.choice(pictures - wrong, swapped, replace=False)] = False
        return np.packbits(right)

    def _kernels(self, identity: str, variant: str, seed: int, place: int) -> dict[str, Any]:
        wanted = self.towers.get(variant, ALIKE)
        kind = wanted[place] if isinstance(wanted, list) else wanted
        if isinstance(self.colour_tower, str):
            colour = place % 2 if self.colour_tower == "alternating" else 1
        else:
            colour = self.colour_tower[place]
        live = np.arange(2 * KERNELS) % KERNELS < self.live
        arrays = {
            "conv1": np.zeros((2 * KERNELS, 3, 2, 2), dtype=np.float32),
            "conv1_live": live,
        }
        if self.chroma:
            arrays["conv1_chroma_response"] = chroma(kind, colour, variant, seed)
            arrays["conv1_chroma_response_initial"] = chroma(self.initial_towers, colour, variant, "initial", seed)
        return {f"{identity}/{name}": value for name, value in arrays.items()}


_INSIDE = {"rate": 0.01, "interior": True, "criterion": "iterations"}


def _without(whole: tuple[int, ...], seed: int) -> tuple[int, ...]:
    return tuple(other for other in whole if other != seed)


def chroma(kind: Towers, colour_tower: int, *words: str | int) -> np.ndarray:
    """Chroma shares of both towers' kernels, tower 0 first.

    Agnostic kernels lie below 0.2 and specific ones above 0.5, in no order of their places.
    """
    rng = generator("chroma", *words)
    agnostic = kind if isinstance(kind, tuple) else (kind, KERNELS - kind)
    towers = [
        np.where(rng.permutation(KERNELS) < count, rng.uniform(0, 0.2, KERNELS), rng.uniform(0.5, 0.9, KERNELS))
        for count in agnostic
    ]
    if colour_tower == 0:
        towers.reverse()
    return np.concatenate(towers).astype(np.float32)

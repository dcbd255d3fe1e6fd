"""A study that nobody ran: evidence with plausible numbers and kernels."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from repro.evidence.directory import Evidence
from repro.evidence.division import division
from repro.evidence.record import RunRecord, StudyRecord
from repro.files import digest_of
from repro.verdicts.registry.registry import Registry, load_registry

ROOT = Path(__file__).resolve().parents[2]
VARIANTS = (
    *("base", "no_weight_decay", "dense"),
    *("remove_conv1", "remove_conv2", "remove_conv3", "remove_conv4", "remove_conv5"),
)
FAMILY = ("S12", "S61c", "S76", "S77", "S78", "S79", "S89", "S90")
EPOCHS, FALLS = 20, 16
"""Points of the learning curves, and the point after which the learning rate has fallen."""
POINTS = (0, 4, 8, 12, 16, 20)
"""Epochs at which the first layer's kernels were kept."""
STEPS_PER_EPOCH = 188
ERRORS = {  # training, held-out
    "base": (0.021, 0.118),
    "no_weight_decay": (0.034, 0.141),
    "dense": (0.019, 0.115),
    "remove_conv1": (0.148, 0.262),
    "remove_conv2": (0.066, 0.171),
    "remove_conv3": (0.030, 0.137),
    "remove_conv4": (0.027, 0.128),
    "remove_conv5": (0.029, 0.133),
}


def project_registry() -> Registry:
    return load_registry(ROOT / "claims" / "statements.yaml")


def study_record(**changes: Any) -> StudyRecord:
    """The record of the made-up study; any field can be given another value."""
    variants = changes.get("variants", VARIANTS)
    base = {
        "net": {"architecture": "alexnet", "towers": 2, "removed": [], "normalisation": {"blocks": None}},
        "training": {"weight_decay": 0.0005, "epochs": EPOCHS, "schedule": {"kind": "steps"}},
        "data": {"size": 56},
    }
    settings: dict[str, Any] = dict.fromkeys(variants, base)
    for name in variants:
        if name == "no_weight_decay":
            settings[name] = {**base, "training": {**base["training"], "weight_decay": 0.0}}
        elif name == "dense":
            settings[name] = {**base, "net": {**base["net"], "towers": 1, "normalisation": {"blocks": 2}}}
        elif name.startswith("remove_"):
            settings[name] = {**base, "net": {**base["net"], "removed": [name.removeprefix("remove_")]}}
    printed = [
        "net.input_divisor: 1.0 -> 64.0",
        "net.dropout.probability: 0.5 -> 0.0",
        "training.batch_size: 128 -> 32",
        "training.schedule.kind: plateau -> steps",
        f"training.epochs: 90 -> {EPOCHS}",
    ]
    fields: dict[str, Any] = {
        "study": "smoke",
        "summary": "The headline claims' variants on the embedded pictures, in minutes on two cores.",
        "fidelity": "paper",
        "scaling": "small",
        "classes": 12,
        "class_names": tuple(f"n{k:08d}" for k in range(12)),
        "data": {
            "name": "procedural",
            "digest": "5d1e0c7f" * 8,
            "counts": {"train": 6000, "held_out": 1200, "validation": 0},
            "size": 56,
            "crop": 48,
        },
        "settings": settings,
        "deviations": dict.fromkeys(variants, printed),
        "variants": variants,
        "seeds": (10, 11, 12),
        "looks": "fixed",
        "family": FAMILY,
        "versions": {"alexnet-repro": "0.1.0", "python": "3.11.2", "torch": "2.14.1", "numpy": "2.3.1"},
        "machine": {
            "system": "Linux 6.1",
            "processor": "AMD EPYC 7B13",
            "cores": 2,
            "memory_bytes": 8 * 2**30,
            "accelerators": [],
        },
        "device": "cpu",
        "git_commit": "0" * 40,
        "command": "dvc repro evaluate@smoke",
        "created": "2026-01-01T00:00:00+00:00",
    }
    return StudyRecord(**{**fields, **changes})


def run_record(variant: str, seed: int, *, epochs: int = EPOCHS, classes: int = 12, **changes: Any) -> RunRecord:
    """A finished run near its variant's errors; `scalars` in `changes` are laid over its own."""
    rng = np.random.default_rng(hash_of(variant, seed))
    train, held_out = (error * math.exp(rng.normal(0, 0.06)) for error in ERRORS.get(variant, (0.05, 0.15)))
    shape = np.exp(-np.arange(1, epochs + 1) / (epochs / 8))
    wobble = rng.normal(1, 0.03, (2, epochs))
    scalars = {
        "train_error": train,
        "train_loss": 3 * train,
        "held_out_error": held_out,
        "held_out_loss": 3 * held_out,
        "held_out_top5_error": held_out / 6,
        "normalisation_alive_conv1": None if variant == "remove_conv1" else 1.62 + rng.normal(0, 0.05),
        "normalisation_alive_conv2": 1.31 + rng.normal(0, 0.05),
        "kernel_cosine": 0.42 + rng.normal(0, 0.03),
        "train_error_as_trained": 1.4 * train,
        "train_loss_as_trained": 4 * train,
        "decay_dose": 0.0 if variant == "no_weight_decay" else 0.194,
        "cpu_seconds": 41.0 + rng.random(),
        "parameters": 312_344 + 1000 * len(variant),
        "multiply_adds": 14_200_000 + 100_000 * len(variant),
        "constant_prediction": False,
    }
    fields: dict[str, Any] = {
        "identity": f"{hash_of(variant, seed):016x}",
        "variant": variant,
        "seed": seed,
        "role": "report",
        "parent": None,
        "status": "finished",
        "collapse_reason": None,
        "curves": {
            "epoch": list(range(1, epochs + 1)),
            "step": [STEPS_PER_EPOCH * epoch for epoch in range(1, epochs + 1)],
            "learning_rate": [0.01 if epoch <= FALLS else 0.001 for epoch in range(1, epochs + 1)],
            "train_loss": (0.1 + 2.3 * shape).tolist(),
            "batch_error": (1.4 * train + (1 - 1 / classes - 1.4 * train) * shape).tolist(),
            "train_error": ((train + (1 - 1 / classes - train) * shape) * wobble[0]).tolist(),
            "held_out_error": ((held_out + (1 - 1 / classes - held_out) * shape) * wobble[1]).tolist(),
        },
        "provenance": {"weights_digest": "0" * 64},
    }
    return RunRecord(**{**fields, **changes, "scalars": {**scalars, **changes.get("scalars", {})}})


def collapsed_run(variant: str, seed: int) -> RunRecord:
    """A run that stayed at chance."""
    return run_record(
        variant,
        seed,
        status="collapsed",
        collapse_reason="final training loss 2.4841 is at least 0.95 of ln(12)",
        scalars={"train_error": 11 / 12, "held_out_error": 11 / 12, "held_out_top5_error": 7 / 12},
    )


def hash_of(*words: Any) -> int:
    """A number that is the same in every process."""
    return int(digest_of(words)[:15], 16) + 1


def kernels(seed: int, *, split: bool, count: int = 48, side: int = 5) -> tuple[Any, Any]:
    """Gratings without colour in one half and coloured blobs in the other, or both mixed; and which are coloured."""
    rng = np.random.default_rng(seed)
    at = np.linspace(-1, 1, side)
    x, y = np.meshgrid(at, at)
    made, kinds = [], []
    for number in range(count):
        coloured = (number >= count // 2) != (seed % 2 == 0) if split else rng.random() < 0.5
        angle, frequency, phase = rng.uniform(0, np.pi), rng.uniform(1.5, 4), rng.uniform(0, 2 * np.pi)
        wave = np.cos(frequency * (x * np.cos(angle) + y * np.sin(angle)) + phase)
        tint = rng.normal(0, 1, 3)
        tint -= tint.mean()
        colour = tint / np.abs(tint).max() * 1.2 + rng.normal(0, 0.3) if coloured else 1 + rng.normal(0, 0.12, 3)
        envelope = np.exp(-(x**2 + y**2) * (0.8 if coloured else 0.4))
        made.append(colour[:, None, None] * (wave * envelope) + rng.normal(0, 0.05, (3, side, side)))
        kinds.append(bool(coloured))
    return np.asarray(made, dtype=np.float32), np.asarray(kinds)


def arrays_of(runs: list[RunRecord], *, count: int = 48, side: int = 5, dead: int = 2) -> dict[str, Any]:
    """Kernels of every run with their chroma shares, at the end, before training and along it; `dead` kernels of each
    half are noise. Dense nets read coloured kernels apart from grey ones."""
    arrays: dict[str, Any] = {}
    for run in runs:
        rng = np.random.default_rng(hash_of("initial", run.variant, run.seed))
        initial = rng.normal(0, 0.05, (count, 3, side, side)).astype(np.float32)
        learned, coloured = kernels(run.seed, split=run.variant != "dense", count=count, side=side)
        live = np.ones(count, dtype=bool)
        for half in (0, count // 2):
            live[half : half + dead] = False
        learned[~live] = initial[~live]
        start = rng.uniform(0.05, 0.15, count)
        shares = np.where(coloured, rng.uniform(0.5, 0.9, count), rng.uniform(0.0, 0.15, count))
        along = [start + (shares - start) * point / POINTS[-1] for point in POINTS]
        arrays |= {
            f"{run.identity}/conv1": learned,
            f"{run.identity}/conv1_initial": initial,
            f"{run.identity}/conv1_live": live,
            f"{run.identity}/conv1_chroma_response": shares.astype(np.float32),
            f"{run.identity}/conv1_chroma_response_initial": start.astype(np.float32),
            f"{run.identity}/conv1_points_step": np.asarray([STEPS_PER_EPOCH * point for point in POINTS], np.int32),
            f"{run.identity}/conv1_points_chroma_response": np.asarray(along, dtype=np.float16),
            f"{run.identity}/conv1_points_division": np.asarray([division(at, live) for at in along], np.float16),
        }
        if run.variant == "dense":
            arrays[f"{run.identity}/conv2_input_vector"] = (0.1 + 0.1 * shares).astype(np.float32)
    return arrays


def made_up_study(
    runs: list[RunRecord] | None = None, *, arrays: dict[str, Any] | None = None, dead: int = 2, **study: Any
) -> Evidence:
    """The made-up study with all its runs, or with the runs, arrays and fields of the record given here."""
    record = study_record(**study)
    if runs is None:
        runs = [run_record(variant, seed) for variant in record.variants for seed in record.seeds]
    held = arrays_of(runs, dead=dead) if arrays is None else arrays
    return Evidence(Path("made-up"), record, tuple(runs), {"schema": 1, "fidelity": {}}, held)

"""A study that nobody ran with every variant, every measure and every form of claim, judged by the real code."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from repro.evidence.directory import Evidence, load_evidence, write_evidence
from repro.evidence.record import RunRecord
from repro.study.load import load_variants
from repro.verdicts.judging.ledger import make_ledger
from tests.report.made_up_study import (
    ROOT,
    arrays_of,
    collapsed_run,
    hash_of,
    project_registry,
    run_record,
    study_record,
)

SEEDS = tuple(range(10, 18))
PICTURES = 1200
VARIANTS = tuple(load_variants(ROOT))

_MEANS = {  # of the base, where it is not like an error
    "train_loss": 0.08,
    "train_error_as_trained": 0.04,
    "train_loss_as_trained": 0.12,
    "held_out_loss": 0.4,
    "early_train_loss": 1.1,
    "generalisation_gap": 0.09,
    "ten_view_error": 0.105,
    "ten_view_top5_error": 0.018,
    "corner_error": 0.13,
    "off_centre_error": 0.19,
    "halves_excess": 0.006,
    "colour_shift_agreement": 0.95,
    "correlation_fc6": 0.11,
    "correlation_fc7": 0.14,
    "participation_fc6": 0.3,
    "participation_fc7": 0.2,
    "half_silenced_error": 0.16,
    "dropout_kl_scaled": 0.004,
    "dropout_kl_single": 0.09,
    "dropout_kl_ratio": 0.045,
    "dropout_geometric_error": 0.118,
    "dropout_scaled_error": 0.119,
    "neighbour_agreement": 0.81,
    "neighbour_agreement_untrained": 0.34,
    "neighbour_agreement_pixels": 0.29,
    "neighbour_pixel_percentile": 31.0,
    "code_agreement": 0.7,
    "code_agreement_pixels": 0.25,
    "labels_within_6_steps": 0.66,
    "cat_share": 0.7,
    "selective_kernels": 0.62,
    "selective_kernels_initial": 0.06,
    "orientation_bins": 6,
    "frequency_octaves": 1.7,
    "orientation_bins_initial": 2,
    "colour_blobs": 9,
}
_EFFECTS: Mapping[str, Mapping[str, float]] = {
    "no_dropout": {"correlation_fc6": 0.05, "correlation_fc7": 0.06, "generalisation_gap": 0.05},
    "no_crops": {"generalisation_gap": 0.07, "held_out_error": 0.05},
    "no_normalisation": {"generalisation_gap": 0.002, "held_out_error": 0.004},
    "non_overlapping_pooling": {"held_out_error": -0.012, "generalisation_gap": -0.001},
    "half_width_one_tower": {"held_out_error": 0.018},
    "tanh": {"held_out_error": 0.05},
    "sigmoid": {"held_out_error": 0.09},
    "half_width": {"train_error": 0.02, "held_out_error": 0.02},
    "remove_conv3": {"train_error": 0.012, "held_out_error": 0.02},
    "shuffled_pixels": {"held_out_error": 0.31},
    "biases_0": {"early_train_loss": 0.3},
    "no_colour_noise": {"colour_shift_agreement": -0.04},
}
_SLOWNESS = {
    "tanh": 3.4,
    "sigmoid": 7.0,
    "half_width_tanh": 2.9,
    "remove_conv4_tanh": 1.6,
    "base": 1.0,
    "no_dropout": 0.5,
}


def every_form_evidence(**study: Any) -> Evidence:
    """Runs of all variants with all measures; kernels of the base and its control."""
    registry = project_registry()
    digests = {name: registry.digest(name) for name in _family()}
    tuned = {name: {"rate": 0.01, "interior": True} for name in VARIANTS}
    record = study_record(**{"variants": VARIANTS, "seeds": SEEDS, "family": _family(), "tuned": tuned, **study})
    registered = {
        "family": list(_family()),
        "seeds": list(SEEDS),
        "looks": "fixed",
        "smallest_effects": {},
        "registry": digests,
    }
    runs = [replace(_run(variant, seed), registered=registered) for variant in VARIANTS for seed in SEEDS]
    runs[-1] = collapsed_run(VARIANTS[-1], SEEDS[-1])
    shown = [run for run in runs if run.variant in ("base", "dense")]
    arrays = {**arrays_of(shown, count=48, side=7), **_outcomes([run for run in runs if run.variant == "base"])}
    return Evidence(Path("made-up"), record, tuple(runs), {"schema": 1, "fidelity": {}}, arrays)


@lru_cache(maxsize=1)
def every_form() -> tuple[Evidence, list[dict[str, Any]]]:
    """That study as evidence on disk would be read, and the verdicts of the project's own claims on it."""
    made = every_form_evidence()
    study = {name: list(value) if isinstance(value, tuple) else value for name, value in vars(made.study).items()}
    with TemporaryDirectory() as folder:
        path = Path(folder) / "evidence"
        write_evidence(path, study, map(vars, made.runs), made.facts, made.arrays)
        evidence = load_evidence(path)
        assert evidence.arrays
        return evidence, make_ledger(ROOT / "claims", [path]).as_json()


def _family() -> tuple[str, ...]:
    return tuple(entry.id for entry in project_registry() if entry.scope == "statistical")


def _run(variant: str, seed: int) -> RunRecord:
    rng = np.random.default_rng(hash_of("measures", variant, seed))
    effects, scalars = _EFFECTS.get(variant, {}), {}
    for metric, mean in _MEANS.items():
        spread = 0.04 * mean * rng.normal()
        value = mean + effects.get(metric, 0.0) + spread
        scalars[metric] = round(value) if metric in ("orientation_bins", "colour_blobs") else value
    counts = dict.fromkeys(("held_out_pictures", "view_pictures", "dropout_pictures"), PICTURES)
    made = run_record(variant, seed, scalars={**scalars, **counts, "steps": 1500})
    errors = {name: made.scalars[name] + effects.get(name, 0.0) for name in ("train_error", "held_out_error")}
    return run_record(variant, seed, scalars={**made.scalars, **errors}, curves=_curves(variant, rng, errors))


def _curves(variant: str, rng: np.random.Generator, ends: Mapping[str, float]) -> dict[str, list[Any]]:
    points = 30
    at = np.arange(1, points + 1)
    time = 2.2 * _SLOWNESS.get(variant, 1.2) * math.exp(rng.normal(0, 0.08))
    wobble = rng.normal(1, 0.003, (2, points))
    fall = np.exp(-at / time)
    lines = {name: (end + (11 / 12 - end) * fall) * wobble[row] for row, (name, end) in enumerate(ends.items())}
    return {
        "epoch": (at / 2.5).tolist(),
        "step": (at * 50).tolist(),
        "learning_rate": [0.01] * points,
        "train_loss": (0.1 + 2.3 * fall).tolist(),
        **{name: np.clip(line, 0, 1).tolist() for name, line in lines.items()},
    }


def _outcomes(runs: list[RunRecord]) -> dict[str, Any]:
    """Which pictures each net of the base got right, in the centre, by ten views, and all nets together."""
    hard = np.random.default_rng(5).random(PICTURES)
    arrays: dict[str, Any] = {}
    for run in runs:
        noise = np.random.default_rng(hash_of("outcomes", run.seed)).normal(0, 0.08, PICTURES)
        arrays[f"{run.identity}/held_out_correct"] = np.packbits(hard + noise > 0.13)
        arrays[f"{run.identity}/ten_view_centre_correct"] = np.packbits(hard + noise > 0.13)
        arrays[f"{run.identity}/ten_view_correct"] = np.packbits(hard + 0.7 * noise > 0.115)
    seeds = [run.seed for run in runs]
    for left_out in (None, *seeds):
        group = [seed for seed in seeds if seed != left_out]
        arrays[f"ensemble/base/{'+'.join(map(str, group))}"] = np.packbits(hard > 0.095)
    return arrays

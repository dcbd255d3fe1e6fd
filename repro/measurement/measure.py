"""All measurements of one finished run, cached by the run's identity and the measurement's version."""

from __future__ import annotations

import io
import math
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load_file

from repro.data.chosen_pictures import pictures_of
from repro.data.packed import Packed
from repro.errors import UserError
from repro.files import digest_of, read_json, write_bytes, write_json
from repro.measurement import kernels as first_layer
from repro.net.alexnet import AlexNet, load_tower_state
from repro.net.layers import layer_table
from repro.study.settings import EvaluationSettings
from repro.training.evaluation import Inputs, fixed_sample, outcomes
from repro.training.run_store import Run

MEASUREMENT_VERSION = 1
"""Goes up when the same run would be measured differently; cached measurements of others are not read."""

COLLAPSED_LOSS_SHARE = 0.95
"""A run whose final training loss is at least this share of ln(classes) has collapsed."""

Arrays = dict[str, npt.NDArray[Any]]
_NORMALISATION_PICTURES = 256


@dataclass(frozen=True)
class Measurements:
    """What was read off one run; see docs/evidence.md for every name."""

    status: str
    collapse_reason: str | None
    scalars: dict[str, Any]
    curves: dict[str, list[Any]]
    provenance: dict[str, Any]
    arrays: Arrays


def load_net(run: Run, packed: Packed, device: torch.device) -> AlexNet:
    """The trained net of a finished run, in evaluation mode, its weights' digest checked."""
    settings = run.spec().settings
    dtype = torch.float64 if settings.training.precision == "float64" else torch.float32
    net = AlexNet(settings.net, len(packed.classes), run.spec().seed, dtype=dtype)
    load_tower_state(net, load_file(run.checked_weights()))
    return net.to(device).eval()


def measure(run: Run, packed: Packed, settings: EvaluationSettings, device: torch.device) -> Measurements:
    """Measure a finished run, or read what was measured of it before."""
    wanted = digest_of({"evaluation": settings.model_dump(mode="json"), "version": MEASUREMENT_VERSION})[:12]
    cache = run.store / "measurements" / f"{run.identity}-{wanted}"
    if (cache / "measurements.json").is_file():
        return _read(cache)
    seen = pictures_of(run.spec().settings.training.pictures, packed)
    result = _measure(run, seen, settings, device)
    _write(cache, result)
    return result


def _measure(run: Run, packed: Packed, settings: EvaluationSettings, device: torch.device) -> Measurements:
    record = run.result()
    spec = run.spec()
    inputs = Inputs.of(spec.settings, packed, device)
    net = load_net(run, packed, device)
    classes = len(packed.classes)
    chance = math.log(classes)

    train = outcomes(
        net, inputs, packed.train, fixed_sample(packed.train, "train", settings.train_sample), batch=settings.batch
    )
    everything = np.arange(len(packed.held_out.labels))
    held_out = outcomes(net, inputs, packed.held_out, everything, batch=settings.batch)

    status, reason = _status(record, len(np.unique(packed.train.labels)), held_out.constant)
    table = layer_table(spec.settings.net, classes)
    scalars: dict[str, Any] = {
        "train_error": train.error,
        "train_loss": _finite(train.loss, chance),
        "held_out_error": held_out.error,
        "held_out_loss": _finite(held_out.loss, chance),
        "held_out_top5_error": held_out.top5_error if classes > 5 else None,
        "train_sample": len(train.ranks),
        "held_out_pictures": len(held_out.ranks),
        "constant_prediction": held_out.constant,
        "final_train_loss": record["final_train_loss"],
        "decay_dose": record["decay_dose"],
        "steps": record["steps"],
        "epochs": record["epochs"],
        "cpu_seconds": record["cpu_seconds"],
        "pictures_per_second": record["pictures_per_second"],
        "parameters": sum(layer.parameters for layer in table),
        "multiply_adds": sum(layer.multiply_adds for layer in table),
        **_normalisation(net, inputs, packed),
    }
    arrays = _kernels(net, spec.seed, classes)
    arrays["held_out_correct"] = np.packbits(held_out.ranks == 0)
    scalars["kernel_cosine"] = float(first_layer.cosines(arrays["conv1"], arrays["conv1_initial"]).mean())
    norms = [float(np.sqrt((arrays[name].astype(np.float64) ** 2).sum())) for name in ("conv1", "conv1_initial")]
    scalars["kernel_norm_ratio"] = _finite(norms[0] / norms[1], 0.0) if norms[1] else None
    return Measurements(
        status=status,
        collapse_reason=reason,
        scalars=scalars,
        curves=_curves(run.log()),
        provenance={**record["provenance"], "weights_digest": record["weights_digest"], "sittings": record["sittings"]},
        arrays=arrays,
    )


def _status(record: dict[str, Any], classes: int, constant: bool) -> tuple[str, str | None]:
    """Whether a run collapsed: by its training log or a constant prediction, the same rule for every variant."""
    if record["status"] == "diverged":
        return "diverged", "the loss was not finite"
    loss = record["final_train_loss"]
    if loss >= COLLAPSED_LOSS_SHARE * math.log(classes):
        return "collapsed", f"final training loss {loss:.4f} is at least {COLLAPSED_LOSS_SHARE} of ln({classes})"
    if constant:
        return "collapsed", "every held-out picture gets the same answer"
    return "finished", None


def _normalisation(net: AlexNet, inputs: Inputs, packed: Packed) -> dict[str, float | None]:
    """Mean of s/k, the normalisation's divisor before its power, over held-out pictures; 1 means inert."""
    sample = fixed_sample(packed.held_out, "normalisation", _NORMALISATION_PICTURES)
    pixels, _ = next(inputs.batches(packed.held_out, sample, _NORMALISATION_PICTURES))
    captured: dict[str, torch.Tensor] = {}
    with torch.inference_mode():
        net(pixels, capture=captured)
    k = net.net.normalisation.k
    values: dict[str, float | None] = {}
    for layer in ("conv1", "conv2"):
        scale = captured.get(f"{layer}.normalisation_scale")
        values[f"normalisation_alive_{layer}"] = None if scale is None else _finite(float(scale.mean()) / k, 0.0)
    return values


def _kernels(net: AlexNet, seed: int, classes: int) -> Arrays:
    """First-layer kernels now and at the start, with what section 6.1's statements ask of them."""
    now = _first_kernels(net)
    start = _first_kernels(AlexNet(net.net, classes, seed, dtype=next(net.parameters()).dtype))
    finite = np.nan_to_num(now, nan=0.0, posinf=0.0, neginf=0.0)
    return {
        "conv1": finite.astype(np.float32),
        "conv1_initial": start.astype(np.float32),
        "conv1_live": first_layer.live(finite, start),
        "conv1_chroma": first_layer.chroma_shares(finite),
        "conv1_chroma_initial": first_layer.chroma_shares(start),
    }


def _first_kernels(net: AlexNet) -> npt.NDArray[Any]:
    """Kernels (n, 3, h, w) of the layer that reads the picture: conv1, or conv2 in a net without it."""
    kernels: npt.NDArray[Any] = net.state_dict()[f"{net.table[0].name}.weight"].cpu().numpy()
    return kernels


def _curves(rows: list[dict[str, Any]]) -> dict[str, list[Any]]:
    names = ("epoch", "learning_rate", "train_loss", "train_error", "held_out_error", "validation_error")
    return {name: [row.get(name) for row in rows] for name in names if any(name in row for row in rows)}


def _finite(value: float, otherwise: float) -> float:
    """A diverged net's numbers are not numbers: its loss counts as guessing, as its error does."""
    return value if math.isfinite(value) else otherwise


def _write(cache: Path, result: Measurements) -> None:
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **result.arrays)
    write_bytes(cache / "arrays.npz", buffer.getvalue())
    values = {key: value for key, value in vars(result).items() if key != "arrays"}
    write_json(cache / "measurements.json", values)


def _read(cache: Path) -> Measurements:
    values = read_json(cache / "measurements.json")
    try:
        with np.load(cache / "arrays.npz", allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        return Measurements(**values, arrays=arrays)
    except (OSError, ValueError, TypeError, zipfile.BadZipFile) as error:
        raise UserError(f"{cache} is damaged ({error}); delete that folder to measure the run again") from None

"""What the manifest of prepared pictures says: where they come from, how they were made, what they hold."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from repro.data.colour import ColourSums
from repro.data.layouts.layout import Layout
from repro.data.packed import PACKED_SPLITS
from repro.data.preparation.choice import Chosen
from repro.data.preparation.packing import Filled, Job
from repro.data.preparation.resizing import GEOMETRY
from repro.files import canonical_json

if TYPE_CHECKING:
    from repro.study.settings import DataSettings

PREPARE_VERSION = 2
Labels = npt.NDArray[np.int64]
_MOST_NAMED = 10
_MOST_ODD = 1000


def description(
    source: dict[str, Any],
    settings: DataSettings,
    layout: Layout,
    chosen: Chosen,
    labels: dict[str, Labels],
    jobs: Sequence[Job],
    filled: dict[str, Filled],
    sums: ColourSums,
) -> dict[str, Any]:
    """Everything but the folder's key and name; `labels` are those of the pictures that were kept.

    No path, time or machine is in it: the same pictures and settings give the same text.
    """
    classes = chosen.classes
    odd = [
        {"picture": f"{job.split}/{job.pictures[index].name}", "why": why}
        for job in jobs
        for index, why in sorted(filled[job.split].odd.items())
    ]
    return {
        "digest": _content_digest(classes, labels, filled, settings.size),
        "source": {field: source[field] for field in ("layout", "digest", "counts")},
        "settings": settings_record(settings),
        "prepare_version": PREPARE_VERSION,
        "size": settings.size,
        "classes": list(classes),
        "class_titles": {name: layout.class_titles[name] for name in classes if name in layout.class_titles},
        "counts": {split: len(labels[split]) for split in PACKED_SPLITS},
        "counts_per_class": {
            split: np.bincount(labels[split], minlength=len(classes)).tolist() for split in PACKED_SPLITS
        },
        "colour": sums.summary(len(labels["train"])),
        "geometry": GEOMETRY,
        "filter": settings.filter,
        "decoder": _versions(),
        "routes": {job.split: dict(sorted(filled[job.split].routes.items())) for job in jobs},
        "odd_count": len(odd),
        "odd_pictures": odd[:_MOST_ODD],
        "skipped": [
            f"{job.split}/{job.pictures[index].name}" for job in jobs for index in sorted(filled[job.split].bad)
        ],
        "also_in_train": _also_in_train(jobs, filled),
    }


def _content_digest(classes: Sequence[str], labels: dict[str, Labels], filled: dict[str, Filled], size: int) -> str:
    """SHA-256 over class names, labels and pixels of every split: what a run's numbers can depend on."""
    total = hashlib.sha256(canonical_json({"classes": list(classes), "size": size}).encode())
    for split in PACKED_SPLITS:
        total.update(f"{split}:{len(labels[split])}".encode())
        total.update(labels[split].astype("<i8").tobytes())
        for digest in _kept_digests(filled[split]).values() if split in filled else ():
            total.update(digest)
    return total.hexdigest()


def _kept_digests(filled: Filled) -> dict[int, bytes]:
    return {index: digest for index, digest in enumerate(filled.all_digests()) if index not in filled.bad}


def _also_in_train(jobs: Sequence[Job], filled: dict[str, Filled]) -> dict[str, Any]:
    """Pictures of the other splits whose prepared pixels are also a training picture's: how many, and the
    first few.
    """
    train = set(_kept_digests(filled["train"]).values())
    names = [
        f"{job.split}/{job.pictures[index].name}"
        for job in jobs
        if job.split != "train"
        for index, digest in _kept_digests(filled[job.split]).items()
        if digest in train
    ]
    return {"count": len(names), "pictures": names[:_MOST_NAMED]}


def settings_record(settings: DataSettings) -> dict[str, Any]:
    """The settings that decide the pictures, in a form that does not depend on the order of lists."""
    classes = settings.classes
    excluded = {"exclude_pictures": sorted(settings.exclude_pictures)} if settings.exclude_pictures else {}
    return excluded | {
        "size": settings.size,
        "classes": sorted(classes) if isinstance(classes, tuple) else classes,
        "class_seed": settings.class_seed,
        "exclude_classes": sorted(settings.exclude_classes),
        "train_per_class": settings.train_per_class,
        "validation_per_class": settings.validation_per_class,
        "held_out": settings.held_out,
        "filter": settings.filter,
    }


def _versions() -> dict[str, str]:
    import PIL
    import simplejpeg
    import torch

    return {
        "jpeg": f"simplejpeg {simplejpeg.__version__}, exact inverse transform, smooth chroma upsampling",
        "others": f"Pillow {PIL.__version__}",
        "resize": f"torch {torch.__version__}, antialias, uint8",
        "rules": "EXIF orientation and ICC profiles ignored, alpha dropped, high byte of 16-bit samples",
    }

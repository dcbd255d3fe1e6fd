"""Stage `prepare`: chosen pictures, rescaled and cropped by the paper's rule, into the packed store.

What comes out depends on the pictures, the settings and PREPARE_VERSION alone: not on the file system's
order, the number of workers, or interruptions.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from repro.cores import usable_cores
from repro.data.layouts.layout import Layout, listed
from repro.data.packed import MANIFEST, MEAN_PICTURE, PACKED_SPLITS, SCHEMA, open_packed, packed_folder
from repro.data.preparation.choice import Chosen, choose_classes, choose_pictures
from repro.data.preparation.packing import PROGRESS, Filled, Job, PictureFile, block_length, fill
from repro.data.preparation.prepared_manifest import PREPARE_VERSION, Labels, description, settings_record
from repro.data.preparation.work_folder import alone, check_space, errors_of, publish, save_array
from repro.data.registration import load_manifest, open_data
from repro.errors import UserError
from repro.files import digest_of, write_json
from repro.progress import Progress, say

if TYPE_CHECKING:
    from repro.study.settings import DataSettings


_MOST_NAMED = 10


def prepare_key(manifest_digest: str, settings: DataSettings, *, skip_bad: bool = False) -> str:
    """The name of the folder that holds these pictures prepared with these settings."""
    wanted: dict[str, Any] = {
        "manifest": manifest_digest,
        "settings": settings_record(settings),
        "version": PREPARE_VERSION,
    }
    if skip_bad:
        wanted["skip_bad"] = True
    return digest_of(wanted)[:20]


def prepare(
    settings: DataSettings,
    name: str,
    root: Path,
    store: Path,
    *,
    workers: int | None = None,
    progress: bool = True,
    skip_bad: bool = False,
) -> dict[str, Any]:
    """Prepare the registered pictures `name` of the repository at `root` into <store>/pictures/<key>/.

    Returns the manifest, `key` in it; if they are prepared already, at once. `workers` threads decode (all
    cores by default). `skip_bad` leaves undecodable pictures out, and records their names. Raises UserError
    for pictures that are missing, changed or undecodable, classes with too few, and a disk without the space.
    """
    source = load_manifest(root, name)
    key = prepare_key(source["digest"], settings, skip_bad=skip_bad)
    work_key = prepare_key(source["digest"], settings)
    folder = packed_folder(store, key)
    if (folder / MANIFEST).exists():
        return dict(open_packed(folder).manifest)
    kept = "what is finished is kept, the same command goes on"
    with errors_of(folder.parent, kept), alone(folder.parent / f".{work_key}.lock"):
        if (folder / MANIFEST).exists():  # another process finished it while this one waited
            return dict(open_packed(folder).manifest)
        if progress:  # listing a million files takes a while
            say(f"listing the pictures of {name}")
        layout = open_data(root, name)
        chosen = _choose(layout, settings)
        work = folder.parent / f".preparing-{work_key}"
        work.mkdir(exist_ok=True)
        jobs = _jobs(work, chosen)
        total = sum(len(job.pictures) for job in jobs)
        check_space(work, total * settings.size**2 * 3, "set REPRO_STORE to another disk")
        with _one_torch_thread(), Progress(f"prepare {name}", total, progress) as shown:
            filled, sums = fill(
                work,
                jobs,
                layout.read,
                size=settings.size,
                filter=settings.filter,
                workers=workers or usable_cores(),
                most_bad=sys.maxsize if skip_bad else _MOST_NAMED,
                on_block=shown.advance,
                on_bad=lambda why: shown.say(f"undecodable: {why}"),
            )
        _refuse_or_leave_out(jobs, filled, settings.size, skip_bad)
        labels = _labels(chosen, filled)
        manifest = {"schema": SCHEMA, "key": key, "name": name}
        manifest |= description(source, settings, layout, chosen, labels, jobs, filled, sums)
        for split in PACKED_SPLITS:
            if len(labels[split]):
                save_array(work / f"{split}_labels.npy", labels[split])
        save_array(work / MEAN_PICTURE, sums.mean_picture(len(labels["train"])))
        write_json(work / MANIFEST, manifest)
        publish(work, folder)
        (folder / PROGRESS).unlink()
    return dict(open_packed(folder).manifest)


def _choose(layout: Layout, settings: DataSettings) -> Chosen:
    classes = choose_classes(layout.classes, settings.classes, settings.class_seed, settings.exclude_classes)
    return choose_pictures(
        layout,
        classes,
        seed=settings.class_seed,
        train_per_class=settings.train_per_class,
        validation_per_class=settings.validation_per_class,
        held_out=settings.held_out,
        exclude=frozenset(settings.exclude_pictures),
    )


def _pairs(chosen: Chosen) -> dict[str, Any]:
    return {"train": chosen.train, "validation": chosen.validation, "held_out": chosen.held_out}


def _jobs(work: Path, chosen: Chosen) -> list[Job]:
    return [
        Job(split, [picture for _, picture in pairs], work / f"{split}_pictures.npy")
        for split, pairs in _pairs(chosen).items()
        if pairs
    ]


def _refuse_or_leave_out(jobs: Sequence[Job], filled: dict[str, Filled], size: int, skip_bad: bool) -> None:
    bad = [why for job in jobs for _, why in sorted(filled[job.split].bad.items())]
    if bad and not skip_bad:
        raise UserError(
            "pictures that cannot be decoded: " + "; ".join(bad[:_MOST_NAMED]) + ". Replace them and register the data "
            "again, or leave them out with `repro prepare --skip-bad` (their names are then recorded); what "
            "is "
            "decoded is kept"
        )
    for job in jobs:
        if filled[job.split].bad:
            _leave_out(job, filled[job.split], size)


def _leave_out(job: Job, filled: Filled, size: int) -> None:
    """Write the split's array again without the undecodable pictures.

    A kill in the middle is harmless: the next start finds that blocks and digests differ, and decodes those
    again.
    """
    keep = [index for index in range(len(job.pictures)) if index not in filled.bad]
    shorter = job.path.with_suffix(".shorter")
    shorter.unlink(missing_ok=True)
    step = block_length(size)
    with (
        PictureFile(job.path, len(job.pictures), size) as whole,
        PictureFile(shorter, len(keep), size) as file,
    ):
        for start in range(0, len(keep), step):
            kept = [whole.read(index, 1) for index in keep[start : start + step]]
            file.write(start, np.concatenate(kept))
        file.sync()
    shorter.replace(job.path)


def _labels(chosen: Chosen, filled: dict[str, Filled]) -> dict[str, Labels]:
    labels = {}
    for split, pairs in _pairs(chosen).items():
        bad = filled[split].bad if split in filled else {}
        labels[split] = np.array([label for index, (label, _) in enumerate(pairs) if index not in bad], np.int64)
    for split in ("train", "held_out"):
        bare = sorted(set(range(len(chosen.classes))) - set(labels[split].tolist()))
        if bare:
            names = listed([chosen.classes[label] for label in bare])
            raise UserError(f"without the undecodable pictures no {split} picture of {names} is left")
    return labels


@contextlib.contextmanager
def _one_torch_thread() -> Iterator[None]:
    """One thread inside each operation: the parallelism is over pictures."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)

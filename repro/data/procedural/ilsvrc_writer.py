"""Writing pictures in the layout in which ILSVRC2012 is downloaded.

Three archives: the training pictures as a tar of one tar a class, the validation pictures as a flat tar,
and a development kit that says which validation picture shows what. As in the original, the kit's ids are
not the positions of the sorted synset names, and the validation pictures are mixed.
"""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np

from repro.errors import UserError
from repro.files import write_bytes, writing
from repro.randomness import key, permutation

TRAIN_ARCHIVE = "ILSVRC2012_img_train.tar"
VALIDATION_ARCHIVE = "ILSVRC2012_img_val.tar"
DEVKIT_ARCHIVE = "ILSVRC2012_devkit_t12.tar.gz"
_DEVKIT = "ILSVRC2012_devkit_t12"
_FIELDS = (
    "ILSVRC2012_ID",
    "WNID",
    "words",
    "gloss",
    "num_children",
    "children",
    "wordnet_height",
    "num_train_images",
)
_MAT_HEADER_TEXT = 116  # bytes of free text at the start of a MATLAB 5 file; scipy puts the time there


def write_ilsvrc(
    folder: Path,
    splits: Mapping[str, Mapping[str, Sequence[bytes]]],
    titles: Mapping[str, str],
    *,
    readme: str = "Pictures in the layout of ILSVRC2012.\n",
) -> dict[str, list[int]]:
    """Write the three archives into `folder`; equal arguments give equal bytes.

    `splits` maps "train" and "validation" to the encoded pictures of each class by synset name; `titles`
    gives each class its words. Returns, for each split, the class's position among the sorted synset names
    of each picture in the order of the file names. Raises UserError when the splits' classes are not those
    of the titles, when a class has no training picture, or when there is no validation picture.
    """
    train, validation = splits["train"], splits["validation"]
    wnids = sorted(titles)
    for split, pictures in splits.items():
        if sorted(pictures) != wnids:
            raise UserError(f"the {split} pictures have classes {sorted(pictures)}, the titles {wnids}")
    empty = [wnid for wnid in wnids if not train[wnid]]
    if empty or not any(validation.values()):
        raise UserError(f"no picture to write for {', '.join(empty) or 'validation'}")
    folder = Path(folder)
    _write_train(folder / TRAIN_ARCHIVE, train)
    labels = _write_validation(folder / VALIDATION_ARCHIVE, validation)
    ids = _ids(wnids)
    ground_truth = "".join(f"{ids[wnids[label]]}\n" for label in labels)
    parts = {
        f"{_DEVKIT}/data/ILSVRC2012_validation_ground_truth.txt": ground_truth.encode(),
        f"{_DEVKIT}/data/meta.mat": _synset_table(ids, titles, {wnid: len(train[wnid]) for wnid in wnids}),
        f"{_DEVKIT}/readme.txt": readme.encode(),
    }
    write_bytes(folder / DEVKIT_ARCHIVE, gzip.compress(_tar(parts.items()), mtime=0))
    return {"train": [label for label, wnid in enumerate(wnids) for _ in train[wnid]], "validation": labels}


def _write_train(path: Path, pictures: Mapping[str, Sequence[bytes]]) -> None:
    """A tar of tars, a class at a time: only one class's tar is in memory."""
    with writing(path) as handle, _archive(handle) as archive:
        for wnid in sorted(pictures):
            names = (f"{wnid}_{number}.JPEG" for number in range(1, len(pictures[wnid]) + 1))
            content = _tar(zip(names, pictures[wnid], strict=True))
            archive.addfile(_member(f"{wnid}.tar", len(content)), io.BytesIO(content))


def _write_validation(path: Path, pictures: Mapping[str, Sequence[bytes]]) -> list[int]:
    """The flat tar of mixed pictures; returns the class positions in the order of the names."""
    grouped = [(label, picture) for label, wnid in enumerate(sorted(pictures)) for picture in pictures[wnid]]
    mixed = [grouped[index] for index in permutation(key("ilsvrc validation order"), len(grouped))]
    with writing(path) as handle, _archive(handle) as archive:
        for number, (_, picture) in enumerate(mixed, start=1):
            archive.addfile(_member(f"ILSVRC2012_val_{number:08d}.JPEG", len(picture)), io.BytesIO(picture))
    return [label for label, _ in mixed]


def _ids(wnids: list[str]) -> dict[str, int]:
    """Ids 1 to n by synset name: rotated, so that no id is the sorted position plus 1."""
    half = len(wnids) // 2
    return {wnid: number for number, wnid in enumerate(wnids[half:] + wnids[:half], start=1)}


def _synset_table(ids: Mapping[str, int], titles: Mapping[str, str], counts: Mapping[str, int]) -> bytes:
    """meta.mat: the leaves in order of their ids, then one inner node above them all."""
    from scipy.io import savemat  # slow to import, and reading pictures does not need it

    table = np.zeros((len(ids) + 1, 1), dtype=[(name, "O") for name in _FIELDS])
    for wnid, number in sorted(ids.items(), key=lambda item: item[1]):
        nothing = np.zeros((1, 0), np.uint8)
        table[number - 1, 0] = (number, wnid, titles[wnid], titles[wnid], 0, nothing, 0, counts[wnid])
    children = np.arange(1, len(ids) + 1, dtype=np.uint16)
    table[len(ids), 0] = (len(ids) + 1, "n90000000", "entity", "everything", len(ids), children, 1, 0)
    buffer = io.BytesIO()
    savemat(buffer, {"synsets": table})  # type: ignore[arg-type]  # the stubs know paths only
    return b"MATLAB 5.0 MAT-file".ljust(_MAT_HEADER_TEXT) + buffer.getvalue()[_MAT_HEADER_TEXT:]


def _archive(handle: BinaryIO) -> tarfile.TarFile:
    return tarfile.open(fileobj=handle, mode="w", format=tarfile.USTAR_FORMAT)


def _tar(parts: Iterable[tuple[str, bytes]]) -> bytes:
    buffer = io.BytesIO()
    with _archive(buffer) as archive:
        for name, content in parts:
            archive.addfile(_member(name, len(content)), io.BytesIO(content))
    return buffer.getvalue()


def _member(name: str, size: int) -> tarfile.TarInfo:
    """A header that says nothing of who wrote it and when."""
    member = tarfile.TarInfo(name)
    member.size, member.mode, member.mtime = size, 0o644, 0
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member

"""A downscaled subset of any recognised collection, as an ImageFolder of PNG files.

PNG because it is lossless: preparing the subset at its own size gives the very pixels that preparing the
whole collection with the same choice would give (JPEG at quality 95 moves them by 2 grey levels on average).
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from PIL import Image

from repro.data.layouts.layout import Layout, Picture
from repro.data.preparation.choice import choose_classes, shuffled
from repro.data.preparation.decoding import decode
from repro.data.preparation.resizing import GEOMETRY, resize_and_crop
from repro.data.preparation.work_folder import check_space, errors_of
from repro.errors import UserError
from repro.files import write_json, write_text

SCHEMA = 1
_FILTER = "bicubic"
_AT_ONCE = 256
_LONGEST = 255 - len(".png")
"""Bytes of a file's name, as all usual file systems have it."""


def make_subset(
    source: Layout,
    out: Path,
    classes: int,
    per_class: int,
    size: int,
    seed: int,
    held_out_per_class: int | None = None,
) -> dict[str, Any]:
    """Write train/<class>/ and val/<class>/ into the new folder `out`; returns what subset.json records.

    `classes` classes and `per_class` training pictures of each are chosen by `seed`, and `held_out_per_class`
    held-out ones (all by default), each rescaled and cropped to `size` px. The same call gives the same
    files; the folder gets its name when it is complete. Raises UserError when `out` exists, there are not
    enough classes or pictures, or a chosen picture cannot be decoded.
    """
    out = Path(out).absolute()
    _refuse_taken(out)
    if not out.parent.is_dir():
        raise UserError(f"{out.parent} is not a folder; make it first")
    if source.root.is_dir() and Path(os.path.realpath(out)).is_relative_to(os.path.realpath(source.root)):
        raise UserError(f"{out} lies inside {source.root}, where nothing is ever written; choose another folder")
    chosen = choose_classes(source.classes, classes, seed)
    pictures = {
        "train": _choose(source, "train", chosen, per_class, seed),
        "val": _choose(source, "validation", chosen, held_out_per_class, seed),
    }
    record = {
        "schema": SCHEMA,
        "source": {"layout": source.name, "digest": source.digest()},
        "classes": list(chosen),
        "per_class": per_class,
        "held_out_per_class": held_out_per_class,
        "size": size,
        "seed": seed,
        "filter": _FILTER,
        "geometry": GEOMETRY,
        "format": "PNG",
        "counts": {split: len(of_split) for split, of_split in pictures.items()},
        "pictures": {
            split: {target: picture.name for target, picture in of_split} for split, of_split in pictures.items()
        },
    }
    work = out.parent / f".{out.name[:32]}.making-{os.getpid()}"
    try:
        with errors_of(work, f"{out} was not made"):
            check_space(work, sum(map(len, pictures.values())) * size * size * 3, "give a folder on another disk")
            for split, of_split in pictures.items():
                for label in chosen:
                    (work / split / label).mkdir(parents=True)
                _write(source, work / split, of_split, size)
            titled = [name for name in chosen if name in source.class_titles]
            titles = [f"{name}\t{source.class_titles[name]}\n" for name in titled]
            if titles:
                write_text(work / "words.txt", "".join(titles))
            write_json(work / "subset.json", record)
            work.rename(out)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return record


def _refuse_taken(out: Path) -> None:
    try:
        out.lstat()
    except FileNotFoundError:
        return
    except OSError as error:
        raise UserError(f"cannot write {out}: {error.strerror or error}") from error
    raise UserError(f"{out} exists already; give a folder that does not, or remove it")


def _choose(
    source: Layout, split: str, chosen: Sequence[str], count: int | None, seed: int
) -> list[tuple[str, Picture]]:
    """(class/file.png, picture) of `count` pictures of each chosen class, or of all of them."""
    of_class: dict[str, list[Picture]] = defaultdict(list)
    for picture in source.pictures(split):
        of_class[source.classes[picture.label]].append(picture)
    by_target: dict[str, Picture] = {}
    for name in chosen:
        pictures = of_class[name]
        if count is not None:
            if len(pictures) < count:
                raise UserError(f"class {name} has {len(pictures)} {split} pictures, {count} are asked for")
            pictures = shuffled(pictures, name, seed)[:count]
        same = Counter(_stem(picture.base_name) for picture in pictures)
        for picture in pictures:
            path = picture.base_name
            if same[_stem(path)] > 1:  # two folders of one class may hold files of the same name
                path = picture.name.removeprefix(f"{name}/").replace("/", "_")
            target = f"{name}/{_short(_stem(path))}.png"
            if target in by_target:
                target = f"{name}/{_short(path)}.png"
            if target in by_target:
                raise UserError(f"{picture.shown()} and {by_target[target].shown()} would both become {target}")
            by_target[target] = picture
    return sorted(by_target.items())


def _short(base: str) -> str:
    """A name that leaves room for an ending; of one that is too long the beginning, and a digest of it all."""
    content = os.fsencode(base)
    if len(content) <= _LONGEST:
        return base
    digest = hashlib.sha256(content).hexdigest()[:16]
    return f"{content[: _LONGEST - 17].decode(errors='ignore')}-{digest}"


def _stem(name: str) -> str:
    """A file's name without its ending."""
    return name.rpartition(".")[0] or name


def _write(source: Layout, folder: Path, pictures: Sequence[tuple[str, Picture]], size: int) -> None:
    def one(pair: tuple[str, Picture]) -> None:
        target, picture = pair
        content = source.read(picture)
        if isinstance(content, bytes):
            content = decode(content, picture.name, picture.shown()).pixels
        encoded = io.BytesIO()
        Image.fromarray(resize_and_crop(content, size, _FILTER)).save(encoded, "PNG")
        (folder / target).write_bytes(encoded.getvalue())

    with ThreadPoolExecutor() as pool:
        for part in _parts(pictures):
            for _ in pool.map(one, part):
                pass


def _parts(pictures: Sequence[tuple[str, Picture]]) -> Iterator[Sequence[tuple[str, Picture]]]:
    for start in range(0, len(pictures), _AT_ONCE):
        yield pictures[start : start + _AT_ONCE]

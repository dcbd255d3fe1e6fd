"""`prepare`: full-size JPEG to 256 px beside Pillow, one core and two, and its memory."""

from __future__ import annotations

import io
import shutil
import sys
from collections.abc import Iterable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from simplejpeg import decode_jpeg

from benchmarks.alternation import clock_seconds, in_turns, processor_seconds
from benchmarks.drawn_pictures import image_folder, jpeg
from benchmarks.processes import Helper, own_memory
from benchmarks.projects import folder
from benchmarks.results import Record, compared, measured
from repro.data.layouts.layout import Pixels
from repro.data.preparation.decoding import decode
from repro.data.preparation.prepare import prepare as prepare_pictures
from repro.data.preparation.resizing import FILTERS, crop_offset, resize_and_crop, resized_shape
from repro.data.registration import use_data
from repro.study.settings import DataSettings

SIZE = 256
TARGETS = {"bicubic": 2.5, "bilinear": 2.0}


def prepare(tiny: bool) -> Iterable[Record]:
    """All of it."""
    files = [jpeg(number) for number in range(3 if tiny else 48)]
    kilobytes = sum(map(len, files)) / len(files) / 1000
    rounds = 1 if tiny else 7
    torch.set_num_threads(1)
    for filter in FILTERS:
        ways = {
            name: processor_seconds(lambda way=way, filter=filter: [way(content, SIZE, filter) for content in files])
            for name, way in (("ours", by_ours), ("pillow", by_pillow))
        }
        taken = in_turns(ways, rounds)
        yield compared(
            f"prepare, {filter}",
            f"decode, resize, crop to {SIZE} px, one core; {len(files)} drawn JPEG of {kilobytes:.0f} kB",
            "Pillow: open, convert, resize, crop, the same filter",
            [1000 * seconds / len(files) for seconds in taken["ours"]],
            [1000 * seconds / len(files) for seconds in taken["pillow"]],
            "ms a picture",
            target=TARGETS[filter],
        )
    decoder = processor_seconds(lambda: [decode_jpeg(content, fastdct=False) for content in files])
    pixels = sum(decode_jpeg(content).size / 3 for content in files) / 1e6
    rates = [pixels / seconds for seconds in in_turns({"decode": decoder}, rounds)["decode"]]
    yield measured("decoder of a core", "libjpeg-turbo's exact decode alone: the limit of prepare", rates, "Mpixel/s")
    yield from cores_and_memory(tiny)


def cores_and_memory(tiny: bool) -> Iterable[Record]:
    """The whole stage on one core and on two, and what it holds with many pictures and with few."""
    pictures = 100 if tiny else 1500
    with folder() as parent:
        roots = {}
        for name, count in (("many", pictures), ("few", pictures // 10)):
            roots[name] = parent / name
            tree = image_folder(parent / f"pictures of {name}", count, (80, 100) if tiny else None)
            use_data(tree, "drawn", roots[name])
        ways = {
            workers: clock_seconds(partial(afresh, roots["many"], workers=count))
            for workers, count in (("one", 1), ("two", 2))
        }
        taken = in_turns(ways, 1 if tiny else 3)
        yield compared(
            "prepare on two cores",
            f"the stage on {pictures} pictures with two threads, its speed a core",
            "with one thread",
            [2 * seconds for seconds in taken["two"]],
            taken["one"],
            "core seconds",
            target=0.9,
        )
        memory = {name: peak_memory(root) for name, root in roots.items()}
    yield compared(
        "prepare, memory",
        f"largest anonymous memory of the stage on {pictures} pictures",
        f"on {pictures // 10}",
        [memory["many"]],
        [memory["few"]],
        "MB",
        ratio_of="ours / peer",
        target=1.1,
        goal="at most",
    )


def afresh(root: Path, *, workers: int, size: int = SIZE) -> None:
    """The stage into an empty store."""
    store = root / "store"
    shutil.rmtree(store, ignore_errors=True)
    prepare_pictures(DataSettings(size=size), "drawn", root, store, workers=workers, progress=False)


def peak_memory(root: Path, size: int = SIZE) -> float:
    """Largest anonymous memory (MB) of a process that prepares the pictures registered in `root`."""
    with Helper("benchmarks.preparing", [str(root), str(size)], keep_memory=False) as helper:
        return float(helper.ask("prepare"))


def by_ours(content: bytes, size: int, filter: str) -> Pixels:
    """What `prepare` does with a file."""
    return resize_and_crop(decode(content, "").pixels, size, filter)


def by_pillow(content: bytes, size: int, filter: str) -> Pixels:
    """What most programs do."""
    picture = Image.open(io.BytesIO(content)).convert("RGB")
    height, width = resized_shape(picture.height, picture.width, size)
    top, left = crop_offset(height, size), crop_offset(width, size)
    resized = picture.resize((width, height), FILTERS[filter])
    return np.asarray(resized.crop((left, top, left + size, top + size)))


def main() -> None:
    """Answer every line with the largest anonymous memory while the pictures are prepared."""
    root, size = Path(sys.argv[1]), int(sys.argv[2])
    for _ in sys.stdin:
        with own_memory() as most:
            afresh(root, workers=2, size=size)
        print(most["anonymous"], flush=True)


if __name__ == "__main__":
    main()

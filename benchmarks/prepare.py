"""How fast `prepare` turns files into pixels, beside Pillow, in one process on one thread.

    python benchmarks/prepare.py FOLDER_OR_TAR [--size 256] [--pictures 500] [--rounds 5]

Takes the pictures of any recognised layout (or, for a folder without one, all picture files below it), reads
them into memory, and alternates round by round: Pillow open, convert, resize, crop against ours. Prints
the best of the rounds in milliseconds of CPU time a picture, the ratio, and the largest and mean difference
from the reference in grey levels.
"""

from __future__ import annotations

import argparse
import io
import os
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from repro.data.layouts.layout import Pixels
from repro.data.layouts.recognise import recognise
from repro.data.layouts.trees.tar_tree import TarTree
from repro.data.layouts.trees.tree import FolderTree, picture_files
from repro.data.preparation.decoding import decode
from repro.data.preparation.resizing import FILTERS, crop_offset, resize_and_crop, resized_shape
from repro.errors import UserError


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", type=Path)
    parser.add_argument("--size", type=int, default=256, help="shorter side and crop in pixels (default: 256)")
    parser.add_argument("--pictures", type=int, default=500, help="at most so many (default: 500)")
    parser.add_argument("--rounds", type=int, default=5, help="the best counts (default: 5)")
    options = parser.parse_args()
    torch.set_num_threads(1)
    files = some(contents(options.path), options.pictures)
    kilobytes = sum(map(len, files)) / len(files) / 1000
    print(f"{len(files)} pictures of {kilobytes:.1f} kB on average, load {os.getloadavg()[0]:.1f}")
    for filter in FILTERS:
        ways: dict[str, Callable[[bytes], Pixels]] = {
            "pillow": partial(by_pillow, size=options.size, filter=filter),
            "ours": partial(by_ours, size=options.size, filter=filter),
        }
        best = measure(ways, files, options.rounds)
        differences = [difference(content, options.size, filter) for content in files]
        ratio = best["pillow"] / best["ours"]
        most, mean = max(most for most, _ in differences), np.mean([mean for _, mean in differences])
        print(f"{filter:9s} {best['pillow']:.3f} ms by Pillow, {best['ours']:.3f} ms by ours: ratio {ratio:.2f}")
        print(f"          at most {most} levels from the reference, {mean:.4f} on average")


def contents(path: Path) -> list[bytes]:
    """All files of the collection."""
    try:
        layout = recognise(path)
    except UserError:
        tree = FolderTree(path) if path.is_dir() else TarTree(path)
        return [bytes(tree.source.read(file.where, file.size)) for _, file in picture_files(tree, "")]
    read = (layout.read(picture) for picture in layout.train)
    return [content for content in read if isinstance(content, bytes)]


def some(files: Sequence[bytes], count: int) -> list[bytes]:
    """`count` of them, evenly spread."""
    step = max(1, len(files) // count)
    return list(files[::step][:count])


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


def reference(content: bytes, size: int, filter: str) -> Pixels:
    """Pillow as two one-axis calls, columns first: the pixels that ours are held against."""
    picture = Image.open(io.BytesIO(content)).convert("RGB")
    height, width = resized_shape(picture.height, picture.width, size)
    top, left = crop_offset(height, size), crop_offset(width, size)
    resized = picture.resize((width, picture.height), FILTERS[filter]).resize((width, height), FILTERS[filter])
    return np.asarray(resized)[top : top + size, left : left + size]


def measure(ways: dict[str, Callable[[bytes], Pixels]], files: Sequence[bytes], rounds: int) -> dict[str, float]:
    """Best CPU milliseconds a picture of each way; the ways alternate, so that load falls on all alike."""
    best = dict.fromkeys(ways, float("inf"))
    for _ in range(rounds):
        for name, way in ways.items():
            start = time.process_time()
            for content in files:
                way(content)
            best[name] = min(best[name], (time.process_time() - start) / len(files) * 1000)
    return best


def difference(content: bytes, size: int, filter: str) -> tuple[int, float]:
    """Largest and mean difference from the reference in grey levels."""
    levels = np.abs(by_ours(content, size, filter).astype(int) - reference(content, size, filter))
    return int(levels.max()), float(levels.mean())


if __name__ == "__main__":
    main()

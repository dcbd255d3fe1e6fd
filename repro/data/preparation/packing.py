"""Filling the arrays of a packed store block by block, with all cores, so that a kill at any moment costs
little.

The arrays have their full length from the start (the disk's space is taken at once). A block is a few MiB of
pictures; when it is written, a line with a digest of each picture is appended to progress.jsonl. After an
interruption the blocks on record are read and compared with their digests, and only the others decoded.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from repro.data.colour import ColourSums
from repro.data.layouts.layout import Picture, Pixels
from repro.data.preparation.decoding import BadPictureError, decode
from repro.data.preparation.resizing import resize_and_crop
from repro.errors import UserError

PROGRESS = "progress.jsonl"
_BLOCK_BYTES = 4 << 20
_DIGEST_BYTES = 16


@dataclass(frozen=True)
class Job:
    """One split to fill: its pictures in order, and the file that takes them."""

    split: str
    pictures: Sequence[Picture]
    path: Path


@dataclass
class Filled:
    """What is known of a split's pictures: digests in order, routes of decoding, odd and undecodable ones."""

    digests: dict[int, list[bytes]] = field(default_factory=dict)
    routes: dict[str, int] = field(default_factory=dict)
    odd: dict[int, str] = field(default_factory=dict)
    bad: dict[int, str] = field(default_factory=dict)

    def all_digests(self) -> list[bytes]:
        """The digest of every picture, in order."""
        return [digest for block in sorted(self.digests) for digest in self.digests[block]]

    def take(self, record: dict[str, Any]) -> None:
        """Enter one finished block."""
        self.digests[record["block"]] = [bytes.fromhex(text) for text in record["digests"]]
        for route, count in record["routes"].items():
            self.routes[route] = self.routes.get(route, 0) + count
        self.odd.update({int(index): why for index, why in record["odd"]})
        self.bad.update({int(index): why for index, why in record["bad"]})


class PictureFile:
    """A .npy file of (n, S, S, 3) uint8, written by offset. A full disk is an error here, never a crash."""

    def __init__(self, path: Path, count: int, size: int) -> None:
        self.path = path
        self.count = count
        self._shape = (size, size, 3)
        self._each = size * size * 3
        header = io.BytesIO()
        np.lib.format.write_array_header_1_0(
            header, {"descr": "|u1", "fortran_order": False, "shape": (count, size, size, 3)}
        )
        self._offset = len(header.getvalue())
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        total = self._offset + count * self._each
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(self._descriptor, 0, total)
        os.ftruncate(self._descriptor, total)
        os.pwrite(self._descriptor, header.getvalue(), 0)

    def write(self, first: int, pictures: Pixels) -> None:
        """Put pictures (m, S, S, 3) at positions first, first + 1, ..."""
        view = np.ascontiguousarray(pictures).data.cast("B")
        position = self._offset + first * self._each
        while view:
            written = os.pwrite(self._descriptor, view, position)
            view, position = view[written:], position + written

    def read(self, first: int, count: int) -> Pixels:
        """Pictures (count, S, S, 3) from position `first`."""
        content = os.pread(self._descriptor, count * self._each, self._offset + first * self._each)
        return np.frombuffer(bytearray(content), np.uint8).reshape(count, *self._shape)

    def sync(self) -> None:
        """Bring everything to the disk."""
        os.fsync(self._descriptor)

    def __enter__(self) -> PictureFile:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)


def block_length(size: int) -> int:
    """Pictures in a block at `size` px."""
    return max(1, _BLOCK_BYTES // (size * size * 3))


def picture_digest(pixels: Pixels) -> bytes:
    """A digest of one prepared picture's pixels."""
    return hashlib.sha256(np.ascontiguousarray(pixels).data).digest()[:_DIGEST_BYTES]


def fill(
    folder: Path,
    jobs: Sequence[Job],
    read: Callable[[Picture], bytes | Pixels],
    *,
    size: int,
    filter: str,
    workers: int,
    most_bad: int,
    on_block: Callable[[int, bool], None],
    on_bad: Callable[[str], None],
) -> tuple[dict[str, Filled], ColourSums]:
    """Prepare all pictures of `jobs` into their files in `folder`; returns what is known of each split, and
    the sums over the training pictures.

    Goes on past undecodable pictures until `most_bad` are found (their pixels are zeros). `on_block` gets
    the number of pictures and whether they were decoded now. Raises UserError when a file cannot be read or
    written.
    """
    recorded = _recorded(folder / PROGRESS)
    filled = {job.split: Filled() for job in jobs}
    sums = ColourSums(size)
    files: dict[str, PictureFile] = {}
    length = block_length(size)

    def work(job: Job, block: int) -> tuple[Job, dict[str, Any], ColourSums | None, bool]:
        first = block * length
        count = min(length, len(job.pictures) - first)
        record = recorded.get((job.split, block))
        pictures = files[job.split].read(first, count) if record is not None else None
        fresh = pictures is None or record is None or not _same(pictures, record)
        if pictures is None or record is None or fresh:
            pictures, record = _prepare_block(job, block, first, count, read, size, filter)
            files[job.split].write(first, pictures)
        own = None
        if job.split == "train":
            own = ColourSums(size)
            own.add(pictures)
        return job, record, own, fresh

    blocks = [(job, block) for job in jobs for block in range(-(-len(job.pictures) // length))]
    # Opened for appending: a line that an interruption cut in two is ended first, and ignored when read.
    with ExitStack() as opened:
        log = opened.enter_context(open(folder / PROGRESS, "ab"))
        for job in jobs:
            files[job.split] = opened.enter_context(PictureFile(job.path, len(job.pictures), size))
        if log.tell():
            log.write(b"\n")
        for job, record, own, fresh in _in_order(work, blocks, workers):
            filled[job.split].take(record)
            if own is not None:
                sums.merge(own)
            if fresh:
                log.write(json.dumps(record).encode() + b"\n")
                log.flush()
            for _, why in record["bad"]:
                on_bad(why)
            on_block(len(record["digests"]), fresh)
            if sum(len(of.bad) for of in filled.values()) >= most_bad:
                break
        for file in files.values():
            file.sync()
    return filled, sums


def _in_order(
    work: Callable[[Job, int], tuple[Job, dict[str, Any], ColourSums | None, bool]],
    blocks: Sequence[tuple[Job, int]],
    workers: int,
) -> Iterator[tuple[Job, dict[str, Any], ColourSums | None, bool]]:
    """Results in the order of blocks, with at most two blocks a worker in flight: memory does not grow."""
    with ThreadPoolExecutor(workers, thread_name_prefix="prepare") as pool:
        waiting: deque[Future[tuple[Job, dict[str, Any], ColourSums | None, bool]]] = deque()
        try:
            for job, block in blocks:
                waiting.append(pool.submit(work, job, block))
                if len(waiting) >= 2 * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _prepare_block(
    job: Job,
    block: int,
    first: int,
    count: int,
    read: Callable[[Picture], bytes | Pixels],
    size: int,
    filter: str,
) -> tuple[Pixels, dict[str, Any]]:
    pictures = np.zeros((count, size, size, 3), np.uint8)
    routes: dict[str, int] = {}
    odd, bad = [], []
    for index in range(count):
        picture = job.pictures[first + index]
        content = read(picture)
        try:
            if isinstance(content, bytes):
                decoded = decode(content, picture.name, picture.shown())
                pixels, route = decoded.pixels, decoded.route
                if decoded.odd:
                    odd.append([first + index, decoded.odd])
            else:
                pixels, route = content, "raw"
            pictures[index] = resize_and_crop(pixels, size, filter)
            routes[route] = routes.get(route, 0) + 1
        except BadPictureError as error:
            bad.append([first + index, str(error)])
    record = {
        "split": job.split,
        "block": block,
        "digests": [picture_digest(picture).hex() for picture in pictures],
        "routes": routes,
        "odd": odd,
        "bad": bad,
    }
    return pictures, record


def _same(pictures: Pixels, record: dict[str, Any]) -> bool:
    digests = record["digests"]
    return len(digests) == len(pictures) and all(
        picture_digest(picture).hex() == digest for picture, digest in zip(pictures, digests, strict=True)
    )


def _recorded(path: Path) -> dict[tuple[str, int], dict[str, Any]]:
    """The blocks on record; a line cut short by an interruption does not count."""
    blocks: dict[tuple[str, int], dict[str, Any]] = {}
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return blocks
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from error
    for line in content.splitlines():
        try:
            record = json.loads(line)
            blocks[record["split"], record["block"]] = record
        except (ValueError, KeyError, TypeError):
            continue
    return blocks

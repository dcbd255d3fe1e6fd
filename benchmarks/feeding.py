"""Batches for training from prepared pictures, and ten views, beside torchvision's ImageFolder and DataLoader."""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain, cycle, repeat
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch.utils.data import DataLoader

from benchmarks.alternation import Measure, in_turns, processor_seconds
from benchmarks.drawn_pictures import image_folder
from benchmarks.preparing import afresh
from benchmarks.processes import Helper
from benchmarks.projects import folder
from benchmarks.results import Record, compared, measured
from repro.data.augmentation import draw
from repro.data.packed import MANIFEST, Packed, open_packed
from repro.data.registration import use_data
from repro.measurement.predictions.views import cut_views, offsets, ten_views
from repro.runs.store import RunSpec
from repro.study.settings import Augmentation, RunSettings
from repro.training.batches import Batches
from repro.training.evaluation import Inputs

BATCH = 128
VIEWED = 32
"""Pictures that are cut into views at once."""
CPU = torch.device("cpu")
SIZES = {64: 56, 256: 224}
"""Prepared size and crop."""
RAW_TARGETS, FLOAT_TARGETS = {64: 80.0, 256: 25.0}, {64: 40.0, 256: 4.0}
PEER = "ImageFolder and DataLoader, 0 workers: RandomCrop, flip, ToTensor, Normalize on JPEG of that size"


def feeding(tiny: bool) -> Iterable[Record]:
    """All of it, on one thread."""
    torch.set_num_threads(1)
    for size, crop in SIZES.items():
        yield from batches(size, crop, tiny)
    yield from views(tiny)
    yield from memory_copy(tiny)


@contextlib.contextmanager
def helpers(size: int, crop: int, pictures: int) -> Iterator[tuple[Helper, Helper]]:
    """Two processes that answer as `main` on drawn pictures: ours started as a worker is, the peer's plainly."""
    with folder() as root:
        tree = image_folder(root / "made", pictures, (size, size))
        use_data(tree, "drawn", root)
        afresh(root, workers=1, size=size)
        (prepared,) = (path.parent for path in (root / "store" / "pictures").glob(f"*/{MANIFEST}"))
        arguments = [str(prepared), str(tree / "train"), str(crop)]
        with (
            Helper("benchmarks.feeding", arguments, keep_memory=True) as ours,
            Helper("benchmarks.feeding", arguments, keep_memory=False) as peer,
        ):
            yield ours, peer


def asked(helper: Helper, kind: str, times: int, scale: float) -> Measure:
    """Processor seconds of one call, multiplied by `scale`."""
    return lambda: scale * float(helper.ask(f"{kind} {times}"))


def batches(size: int, crop: int, tiny: bool) -> Iterable[Record]:
    """Raw bytes and floats of one size of picture."""
    pictures, us = 256 if tiny else {64: 4096, 256: 1024}[size], 1e6 / BATCH
    with helpers(size, crop, pictures) as (ours, peer):
        ways = {
            "raw": asked(ours, "raw", 2 if tiny else 30, us),
            "float": asked(ours, "float", 1 if tiny else 10, us),
            "peer": asked(peer, "peer", 1 if tiny else 2, us),
        }
        taken = in_turns(ways, 1 if tiny else 7)
    for name, what, targets in (
        ("raw", "uint8 pictures and their draws, for a device that crops and subtracts", RAW_TARGETS),
        ("float", "float32 crops, mirrored, the mean picture subtracted", FLOAT_TARGETS),
    ):
        yield compared(
            f"feeding, {size} px, {name}",
            f"batches of {BATCH}: {what}; from {pictures} prepared pictures",
            PEER,
            taken[name],
            taken["peer"],
            "us a picture",
            target=targets[size],
        )


def main() -> None:
    """Answer every line, KIND CALLS, with processor seconds a call: a batch, or ten views of VIEWED pictures."""
    torch.set_num_threads(1)
    packed, tree, crop = open_packed(Path(sys.argv[1])), Path(sys.argv[2]), int(sys.argv[3])
    kinds: dict[str, Callable[[], object]] = {}
    for line in sys.stdin:
        kind, count = line.split()
        if kind not in kinds:
            kinds[kind] = {
                "raw": lambda: of_epochs(packed, crop, raw_batch),
                "float": lambda: of_epochs(packed, crop, float_batch),
                "peer": lambda: partial(next, torchvision_batches(tree, crop)),
                "cut": lambda: partial(cut_views, torch.from_numpy(viewed(packed)), crop),
                "seen": lambda: partial(ten_views, viewed(packed), Inputs.of(run_settings(packed, crop), packed, CPU)),
                "decoded": lambda: decoded_views(tree, crop),
            }[kind]()
        print(processor_seconds(kinds[kind], int(count))(), flush=True)


Make = Callable[[Batches, Packed, Inputs, int, Any, int], object]


def run_settings(packed: Packed, crop: int) -> RunSettings:
    """A run's on these pictures."""
    return RunSettings.model_validate(
        {
            "data": {"size": packed.mean_picture.shape[0]},
            "net": {"geometry": {"crop": crop}},
            # As the peer's: a crop and a reflection for each picture, no colour noise.
            "training": {
                "batch_size": BATCH,
                "schedule": {"kind": "steps", "at": [0.5]},
                "augmentation": {"colour_noise": 0.0},
            },
        }
    )


def of_epochs(packed: Packed, crop: int, make: Make) -> Callable[[], object]:
    """A call gives the next batch of a run, epoch after epoch."""
    settings = run_settings(packed, crop)
    made = Batches(RunSpec(settings, 0, packed.digest, "pictures"), packed)
    inputs = Inputs.of(settings, packed, CPU)

    def each() -> Iterator[object]:
        for epoch in cycle(range(1000)):
            order = made.order(epoch)
            for offset in range(0, made.pictures - BATCH + 1, BATCH):
                yield make(made, packed, inputs, epoch, order, offset)

    batches = each()
    return lambda: next(batches)


def float_batch(made: Batches, packed: Packed, inputs: Inputs, epoch: int, order: Any, offset: int) -> object:
    """What a run on the CPU reads."""
    return made.at(epoch, order, offset, inputs)


def raw_batch(made: Batches, packed: Packed, inputs: Inputs, epoch: int, order: Any, offset: int) -> object:
    """What the host does of a batch that the device makes: as `Batches.at` up to what is sent."""
    samples = order[offset : offset + BATCH]
    draws = draw(
        Augmentation(colour_noise=0.0),
        packed.colour,
        seed=0,
        epoch=epoch,
        samples=packed.train.ids_of(samples),
        offset=offset,
        size=packed.train.pictures.shape[1],
        crop=inputs.crop,
    )
    return packed.train.pictures[samples], packed.train.labels[samples], draws


def torchvision_batches(tree: Path, crop: int) -> Iterator[Any]:
    """Batches without end, as torchvision's own training script makes them."""
    from torchvision import datasets, transforms  # takes seconds, which whoever only imports this module need not wait

    normalise = transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    changes = [transforms.RandomCrop(crop), transforms.RandomHorizontalFlip(), transforms.ToTensor(), normalise]
    loader = DataLoader(
        datasets.ImageFolder(str(tree), transforms.Compose(changes)), BATCH, shuffle=True, num_workers=0, drop_last=True
    )
    return chain.from_iterable(repeat(loader))


def viewed(packed: Packed) -> npt.NDArray[np.uint8]:
    """The pictures that are cut into views."""
    return np.array(packed.train.pictures[:VIEWED])


def decoded_views(tree: Path, crop: int) -> Callable[[], None]:
    """A call takes ten passes over VIEWED pictures' JPEG files, which are in memory."""
    from torchvision.transforms import ToTensor

    to_tensor = ToTensor()
    files = [path.read_bytes() for path in sorted(tree.rglob("*.JPEG"))[:VIEWED]]
    size = Image.open(io.BytesIO(files[0])).size[0]

    def passes() -> None:
        for content in files:
            for top, left in offsets(size, crop):
                for mirrored in (False, True):
                    picture = Image.open(io.BytesIO(content)).convert("RGB").crop((left, top, left + crop, top + crop))
                    to_tensor(picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if mirrored else picture)

    return passes


def views(tiny: bool, size: int = 256, crop: int = 224) -> Iterable[Record]:
    """Ten views of prepared pictures, and of JPEG files that are decoded for each."""
    with helpers(size, crop, 2 * VIEWED) as (ours, peer):
        ways = {
            "bytes": asked(ours, "cut", 1 if tiny else 10, 1000 / VIEWED),
            "floats": asked(ours, "seen", 1 if tiny else 3, 1000 / VIEWED),
            "peer": asked(peer, "decoded", 1, 1000 / VIEWED),
        }
        taken = in_turns(ways, 1 if tiny else 7)
    against = "ten passes over the JPEG: decode, crop, mirror, ToTensor"
    for name, what, target in (
        ("bytes", "cut as uint8, before the mean is subtracted", 30.0),
        ("floats", "as `repro evaluate` makes them on a CPU: float32, the mean subtracted", None),
    ):
        yield compared(
            f"ten views, {name}",
            f"ten views of {crop} px of prepared pictures of {size} px, {what}",
            against,
            taken[name],
            taken["peer"],
            "ms a picture",
            target=target,
        )


def memory_copy(tiny: bool) -> Iterable[Record]:
    """The limit of whatever moves pictures."""
    source = np.ones((1 if tiny else 64) * 2**20, np.float32)
    target = np.empty_like(source)
    copy = processor_seconds(lambda: np.copyto(target, source))
    rates = [2 * source.nbytes / seconds / 1e9 for seconds in in_turns({"copy": copy}, 2 if tiny else 9)["copy"]]
    yield measured("memory of a core", "a large copy, bytes read and written: the limit of feeding", rates, "GB/s")


if __name__ == "__main__":
    main()

"""Pictures a second of a training step against batch, width, picture size and processes; batches against their size."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

from benchmarks.drawn_pictures import image_folder
from benchmarks.feeding import BATCH
from benchmarks.growth.points import Point
from benchmarks.preparing import afresh
from benchmarks.processes import Helper
from benchmarks.projects import folder, resolved
from benchmarks.step_helper import SIDE
from benchmarks.training_step import helpers, multiply_adds, request
from repro.cores import usable_cores
from repro.data.packed import MANIFEST
from repro.data.registration import use_data
from repro.study.settings import RunSettings

RATE = "pictures/s"
PEAK = "matrix-product peak of a core"


def training(tiny: bool) -> Iterator[Point]:
    """One thread each, studies/decay.yaml's net, batch 32, where nothing else is said."""
    steps = 1 if tiny else 15
    product: dict[str, Any] = {"form": "product"}
    with helpers({"product": product}) as started:
        peak = SIDE**3 / min(started["product"].ask("2")["processor"] for _ in range(1 if tiny else 10))
    base = resolved("decay").settings["base"]
    for figure, name, values in (
        ("batch", "pictures in a batch", (8, 32) if tiny else (4, 8, 16, 32, 64, 128, 256)),
        ("width", "times the maps and units of each layer", (1,) if tiny else (0.5, 1, 2, 3, 4)),
        ("side", "pixels of a crop's side", (46,) if tiny else (30, 46, 62, 78, 94, 126)),
    ):
        for value in values:
            settings, batch = changed(base, figure, value), int(value) if figure == "batch" else 32
            with helpers({"ours": request("ours", settings, 10, batch)}) as started:
                started["ours"].ask("2")
                taken = sorted(started["ours"].ask(str(steps))["processor"] for _ in range(1 if tiny else 5))
            limit = peak / multiply_adds(settings.net, 10)
            yield point(figure, "training step", name, value, batch / taken[len(taken) // 2], limit, PEAK)
    yield from processes(base, tiny)
    yield from feeding(tiny)


def changed(base: RunSettings, what: str, value: float) -> RunSettings:
    """The settings with other widths or another crop."""
    settings = base.model_dump()
    if what == "width":
        widths = settings["net"]["widths"]
        for kind in ("conv", "fc"):
            widths[kind] = [int(width * value) for width in widths[kind]]
    if what == "side":
        settings["data"]["size"] = max(settings["data"]["size"], int(value))
        settings["net"]["geometry"]["crop"] = int(value)
    return RunSettings.model_validate(settings)


def processes(base: RunSettings, tiny: bool) -> Iterator[Point]:
    """Steps in several processes at once, by the clock."""
    alone = None
    for count in range(1, (1 if tiny else usable_cores()) + 1):
        with helpers({str(number): request("ours", base, 10, 32) for number in range(count)}) as started:
            for helper in started.values():
                helper.ask("2")
            with ThreadPoolExecutor(count) as pool:
                taken = list(pool.map(lambda helper: helper.ask("2" if tiny else "150")["clock"], started.values()))
        rate = sum(32 / seconds for seconds in taken)
        alone = alone or rate
        yield point("processes", "training step", "processes", count, rate, count * alone, "as many times one process")


def feeding(tiny: bool) -> Iterator[Point]:
    """Raw batches for a device: what a core can copy is the limit."""
    from benchmarks.feeding import memory_copy

    (copy,) = memory_copy(tiny)
    assert copy.ours is not None
    for size, crop in ((64, 56),) if tiny else ((64, 56), (128, 112), (256, 224)):
        with folder() as root, ExitStack() as stack:
            tree = image_folder(root / "made", 256 if tiny else 1024, (size, size))
            use_data(tree, "drawn", root)
            afresh(root, workers=1, size=size)
            (prepared,) = (path.parent for path in (root / "store" / "pictures").glob(f"*/{MANIFEST}"))
            arguments = [str(prepared), str(tree / "train"), str(crop)]
            helper = stack.enter_context(Helper("benchmarks.feeding", arguments, keep_memory=True))
            seconds = min(float(helper.ask("raw 2" if tiny else "raw 20")) for _ in range(2 if tiny else 7))
        limit = copy.ours * 1e9 / (2 * size**2 * 3)
        yield point("feeding", "raw batches", "pixels of a side", size, BATCH / seconds, limit, "memory of a core")


def point(
    figure: str, series: str, x_name: str, x: float, y: float, limit: float | None = None, limit_name: str = ""
) -> Point:
    """A point of speed."""
    return Point(figure=figure, series=series, x_name=x_name, x=x, y_name=RATE, y=y, limit=limit, limit_name=limit_name)

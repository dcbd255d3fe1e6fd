"""Measuring growth, part by part, into benchmarks/growth.json and docs/performance.md with its pictures."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.growth.pipeline import evidence, preparing
from benchmarks.growth.plots import draw, page_with
from benchmarks.growth.points import POINTS, Point, read_points, write_points
from benchmarks.growth.training import training
from benchmarks.results import machine, number
from repro.files import write_text
from tests.project_copy import ROOT

PAGE = ROOT / "docs" / "performance.md"
PICTURES = ROOT / "docs" / "performance"
PARTS: tuple[tuple[str, Callable[[bool], Iterator[Point]]], ...] = (
    ("training", training),
    ("prepare", preparing),
    ("runs", evidence),
)


def measure_growth(tiny: bool) -> int:
    """Exit code 1 when a part broke; the others are measured, and figures that it did not reach stay as they were."""
    points, broken = read_points(POINTS), False
    for name, part in PARTS:
        start, of_part = time.monotonic(), []
        try:
            for point in part(tiny):
                of_part.append(point.model_copy(update={"machine": machine()}))
                line = f"{number(point.x)} {point.x_name}: {number(point.y)} {point.y_name}"
                print(f"  {point.figure}, {point.series}: {line}", flush=True)
        except Exception:
            traceback.print_exc()
            broken = True
        print(f"{name}: {time.monotonic() - start:.0f} s", flush=True)
        again = {point.figure for point in of_part}
        points = [*(point for point in points if point.figure not in again), *of_part]
        if not tiny:
            write(points, POINTS, PAGE, PICTURES)
    return 1 if broken else 0


def write(points: list[Point], into: Path, page: Path, pictures: Path) -> None:
    """The points, their pictures and the page."""
    write_points(points, into)
    draw(points, pictures)
    write_text(page, page_with(page.read_text(), points))

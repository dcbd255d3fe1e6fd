"""Pictures of growth, and the tables of docs/performance.md, both from `growth.json`."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

from benchmarks.growth.points import Point
from benchmarks.results import number
from repro.files import write_bytes
from repro.report.drawing.own_matplotlib import Axes, Figure, default_style

BEGIN, END = "<!-- growth: make bench-growth -->", "<!-- end of growth -->"
NOTHING = "Not measured yet: `make bench-growth` puts tables and pictures here."


def figures_of(points: Sequence[Point]) -> dict[str, list[Point]]:
    """The points of each figure, in the order in which they were measured."""
    figures: dict[str, list[Point]] = {}
    for point in points:
        figures.setdefault(point.figure, []).append(point)
    return figures


def file_of(figure: str) -> str:
    return f"{figure.replace(', ', '-')}.svg"


def draw(points: Sequence[Point], folder: Path) -> None:
    """A picture for each figure, in SVG; the same bytes from the same points."""
    with default_style():
        import matplotlib

        with matplotlib.rc_context({"svg.hashsalt": "growth", "svg.fonttype": "none", "font.size": 9}):
            for name, found in figures_of(points).items():
                figure = Figure(figsize=(4.2, 2.8), layout="constrained")
                _draw(figure.subplots(), found)
                content = io.BytesIO()
                figure.savefig(content, format="svg", metadata={"Date": None})
                write_bytes(folder / file_of(name), content.getvalue())


def _draw(axes: Axes, points: list[Point]) -> None:
    for series in dict.fromkeys(point.series for point in points):
        own = [point for point in points if point.series == series]
        axes.plot([point.x for point in own], [point.y for point in own], "o-", label=series, markersize=3)
        limited = [(point.x, point.limit) for point in own if point.limit is not None]
        if limited:
            axes.plot(*zip(*limited, strict=True), ":", color="grey", label=own[0].limit_name)
    axes.set(xlabel=points[0].x_name, ylabel=points[0].y_name)
    if max(point.x for point in points) >= 30 * min(point.x for point in points):
        axes.set_xscale("log")
    values = [value for point in points for value in (point.y, point.limit) if value is not None]
    if max(values) >= 30 * min(values):
        axes.set_yscale("log")
    else:
        axes.set_ylim(bottom=0)
    axes.legend(frameon=False)


def text_of(points: Sequence[Point]) -> str:
    """What stands between the marks of the page."""
    if not points:
        return NOTHING
    lines = []
    for name, found in figures_of(points).items():
        told = f"{found[0].y_name} against {found[0].x_name}"
        lines += [f"![{told}](performance/{file_of(name)})", ""]
        lines += [f"| {found[0].x_name} | series | {found[0].y_name} | limit |", "|---|---|---|---|"]
        for point in found:
            limit = "" if point.limit is None else f"{number(point.limit)} ({point.limit_name})"
            lines.append(f"| {number(point.x)} | {point.series} | {number(point.y)} | {limit} |")
        lines.append("")
    lines.append(f"Measured on: {'. '.join(dict.fromkeys(point.machine for point in points))}.")
    return "\n".join(lines)


def page_with(page: str, points: Sequence[Point]) -> str:
    """The page with the growth of today between its marks."""
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n{text_of(points)}\n{END}{after}"

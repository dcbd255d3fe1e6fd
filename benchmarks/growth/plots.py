"""Pictures of growth, and the tables of docs/performance.md, both from `growth.json`."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

from benchmarks.growth.points import Point
from benchmarks.results import number
from repro.files import write_text
from repro.report.drawing.axes import Axis, axis_over, log_axis_over

BEGIN, END = "<!-- growth: make bench-growth -->", "<!-- end of growth -->"
WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 420, 280, 56, 60, 40
COLOURS, LIMIT = ("#1f5fa8", "#b3541e", "#3b7a3b"), "#777"
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
    for name, of_figure in figures_of(points).items():
        write_text(folder / file_of(name), svg_of(of_figure))


def svg_of(points: Sequence[Point]) -> str:
    """Lines through the measured points of each series, and in grey dots the limits."""
    values = [value for point in points for value in (point.y, point.limit) if value is not None]
    across = _axis([point.x for point in points], from_zero=False)
    up = _axis(values, from_zero=True)
    parts = [_ticks(across, up), _text(WIDTH / 2, HEIGHT - 6, points[0].x_name), _text(LEFT, 14, points[0].y_name)]
    names: list[tuple[str, str]] = []
    for number_of, series in enumerate(dict.fromkeys(point.series for point in points)):
        own, colour = [point for point in points if point.series == series], COLOURS[number_of]
        parts.append(_line([(point.x, point.y) for point in own], across, up, colour, dots=True))
        names.append((series, colour))
        if limited := [(point.x, point.limit) for point in own if point.limit is not None]:
            parts.append(_line(limited, across, up, LIMIT, dots=False))
            names.append((own[0].limit_name, LIMIT))
    parts += [_text(WIDTH - 8, 14 + 14 * line, name, "end", colour) for line, (name, colour) in enumerate(names)]
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
        f'font-size="11">\n<rect width="100%" height="100%" fill="#fff"/>\n{body}\n</svg>\n'
    )


def _axis(values: Sequence[float], *, from_zero: bool) -> Axis:
    """Logarithmic where the values span more than a power of ten and a half."""
    if max(values) >= 30 * min(values):
        return log_axis_over(values)
    return axis_over([*values, 0.0] if from_zero else values)


def _x(axis: Axis, value: float) -> float:
    return round(LEFT + (WIDTH - LEFT - 8) * axis.position(value) / 100, 1)


def _y(axis: Axis, value: float) -> float:
    return round(HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * axis.position(value) / 100, 1)


def _ticks(across: Axis, up: Axis) -> str:
    bottom, right = HEIGHT - BOTTOM, WIDTH - 8
    lines = [
        f'<path d="M{LEFT} {_y(up, tick)}H{right}" stroke="#e4e4e4"/>'
        + _text(LEFT - 5, _y(up, tick) + 4, number(tick), "end")
        for tick in up.ticks
    ]
    lines += [_text(_x(across, tick), bottom + 14, number(tick)) for tick in across.ticks]
    return "\n".join(lines)


def _line(positions: Sequence[tuple[float, float]], across: Axis, up: Axis, colour: str, *, dots: bool) -> str:
    drawn = [(_x(across, x), _y(up, y)) for x, y in positions]
    joined = " ".join(f"{x},{y}" for x, y in drawn)
    dashes = "" if dots else ' stroke-dasharray="2 3"'
    line = f'<polyline points="{joined}" fill="none" stroke="{colour}" stroke-width="1.5"{dashes}/>'
    return line + "".join(f'<circle cx="{x}" cy="{y}" r="2.5" fill="{colour}"/>' for x, y in drawn if dots)


def _text(x: float, y: float, text: str, anchor: str = "middle", colour: str = "#333") -> str:
    anchor = "start" if x == LEFT else anchor
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" fill="{colour}">{escape(text)}</text>'


def text_of(points: Sequence[Point]) -> str:
    """What stands between the marks of the page."""
    if not points:
        return NOTHING
    lines = []
    for name, of_figure in figures_of(points).items():
        caption = f"{of_figure[0].y_name} against {of_figure[0].x_name}"
        lines += [f"![{caption}](performance/{file_of(name)})", ""]
        lines += [f"| {of_figure[0].x_name} | series | {of_figure[0].y_name} | limit |", "|---|---|---|---|"]
        for point in of_figure:
            limit = "" if point.limit is None else f"{number(point.limit)} ({point.limit_name})"
            lines.append(f"| {number(point.x)} | {point.series} | {number(point.y)} | {limit} |")
        lines.append("")
    lines.append(f"Measured on: {'. '.join(_machines(points))}.")
    return "\n".join(lines)


def _machines(points: Sequence[Point]) -> list[str]:
    """Each machine once, with its lowest and its highest load."""
    loads: dict[str, list[float]] = {}
    for point in points:
        machine, _, load = point.machine.partition("; load ")
        loads.setdefault(machine, []).extend([float(load)] if load else [])
    return [f"{machine}; load {min(seen)} to {max(seen)}" if seen else machine for machine, seen in loads.items()]


def page_with(page: str, points: Sequence[Point]) -> str:
    """The page with the growth of today between its marks."""
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n{text_of(points)}\n{END}{after}"

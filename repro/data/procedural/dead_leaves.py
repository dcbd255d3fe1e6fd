"""Drawing dead-leaves scenes: overlapping figures on a background, under uneven light, with noise.

A scene is a pile of flat figures ("leaves") that hide each other, the simplest model of pictures with
occlusion. Lengths are shares of the picture's side, so the same scene can be drawn at any size; x runs
to the right, y downwards; colours are on 0-255.

Only additions, multiplications, divisions, square roots and comparisons touch a pixel: those are the
same on every processor, so a scene is the same to the last bit (sines, cosines and powers would not be).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, assert_never

import numpy as np
import numpy.typing as npt

Canvas = npt.NDArray[np.float32]
Colour = tuple[float, float, float]
Form = Literal["disc", "square", "diamond", "bar", "ring", "cross", "frame"]
_FARTHEST = 1.6  # no figure reaches farther from its centre than this many radii


@dataclass(frozen=True)
class Range:
    """The numbers from `low` up to `high`, each as likely as any other."""

    low: float
    high: float

    def draw(self, random: np.random.Generator) -> float:
        """One number."""
        return self.low + (self.high - self.low) * float(random.random())

    def count(self, random: np.random.Generator) -> int:
        """One whole number, both ends included."""
        return int(self.low + (self.high - self.low + 1) * float(random.random()))


@dataclass(frozen=True)
class Direction:
    """A unit vector."""

    x: float
    y: float


@dataclass(frozen=True)
class Stripes:
    """Stripes that repeat along `across` every `period`, brighter and darker by the share `contrast`."""

    across: Direction
    period: float
    phase: float
    contrast: float


@dataclass(frozen=True)
class Leaf:
    """One flat figure; a bar lies along `direction`, the others are turned to it."""

    form: Form
    x: float
    y: float
    radius: float
    direction: Direction
    colour: Colour
    stripes: Stripes | None = None


def near_axis(random: np.random.Generator, *, vertical: bool, tilt: float) -> Direction:
    """A direction whose slope against the y axis (`vertical`) or the x axis is at most `tilt`."""
    slope = tilt * (2.0 * float(random.random()) - 1.0)
    length = math.sqrt(1.0 + slope * slope)
    return Direction(slope / length, 1.0 / length) if vertical else Direction(1.0 / length, slope / length)


def any_direction(random: np.random.Generator) -> Direction:
    """A direction near either axis, with a slope of up to 1: all of them occur."""
    return near_axis(random, vertical=bool(random.random() < 0.5), tilt=1.0)


def colour_of(hue: float, saturation: float, brightness: float) -> Colour:
    """The colour of a hue in turns (0 red, 1/3 green, 2/3 blue) whose channels have the mean `brightness`.

    The mean and not the maximum is given: otherwise yellow would be brighter than blue, and pictures
    without colour would still show the hue.
    """
    sector = (hue % 1.0) * 6.0
    red = min(max(abs(sector - 3.0) - 1.0, 0.0), 1.0)
    green = min(max(2.0 - abs(sector - 2.0), 0.0), 1.0)
    blue = min(max(2.0 - abs(sector - 4.0), 0.0), 1.0)
    mean = (red + green + blue) / 3.0
    strength = saturation * brightness / max(mean, 0.5)
    return (
        brightness + strength * (red - mean),
        brightness + strength * (green - mean),
        brightness + strength * (blue - mean),
    )


def draw_leaf(canvas: Canvas, leaf: Leaf) -> None:
    """Paint `leaf` over what is on `canvas` (side, side, 3), in place. Only its window is computed."""
    side = canvas.shape[0]
    columns, rows = _window(leaf.x, leaf.radius, side), _window(leaf.y, leaf.radius, side)
    x = ((np.arange(side)[columns] + 0.5) / side - leaf.x)[None, :]
    y = ((np.arange(side)[rows] + 0.5) / side - leaf.y)[:, None]
    inside = _inside(leaf, x, y)
    shade = np.ones(inside.shape)
    if leaf.stripes is not None:
        across = x * leaf.stripes.across.x + y * leaf.stripes.across.y
        turns = across / leaf.stripes.period + leaf.stripes.phase
        triangle = 4.0 * np.abs(turns - np.floor(turns) - 0.5) - 1.0
        shade += leaf.stripes.contrast * np.clip(2.0 * triangle, -1.0, 1.0)
    canvas[rows, columns][inside] = shade[inside][:, None] * np.array(leaf.colour)


def shine(canvas: Canvas, random: np.random.Generator, *, gain: Range, fall: float, cast: float) -> None:
    """Multiply by light, in place: a gain, brighter towards one side by up to the share `fall`, and tinted.

    `cast` is the largest relative difference of a channel's gain.
    """
    side = canvas.shape[0]
    position = (np.arange(side) + 0.5) / side - 0.5
    along_x, along_y = (fall * (2.0 * random.random(2) - 1.0)).tolist()
    field = gain.draw(random) * (1.0 + along_x * position[None, :] + along_y * position[:, None])
    channels = 1.0 + cast * (2.0 * random.random(3) - 1.0)
    canvas *= (field[:, :, None] * channels).astype(np.float32)


def add_noise(canvas: Canvas, random: np.random.Generator, deviation: float) -> None:
    """Add independent noise of standard deviation `deviation` grey levels to every value, in place.

    The sum of three uniform numbers, whose deviation is 1/2, stands in for a normal one.
    """
    uniform = random.random((3, *canvas.shape), dtype=np.float32)
    canvas += np.float32(2.0 * deviation) * (uniform[0] + uniform[1] + uniform[2] - np.float32(1.5))


def halved(canvas: Canvas) -> Canvas:
    """Means over blocks of 2 x 2 pixels: (2 n, 2 n, 3) becomes (n, n, 3), with soft edges."""
    above, below = canvas[0::2], canvas[1::2]
    mean: Canvas = ((above[:, 0::2] + above[:, 1::2]) + (below[:, 0::2] + below[:, 1::2])) * np.float32(0.25)
    return mean


def to_picture(canvas: Canvas) -> npt.NDArray[np.uint8]:
    """The canvas rounded and clipped to 8 bits."""
    return np.clip(np.rint(canvas), 0, 255).astype(np.uint8)


def _window(centre: float, radius: float, side: int) -> slice:
    low = math.floor((centre - _FARTHEST * radius) * side)
    high = math.ceil((centre + _FARTHEST * radius) * side)
    return slice(min(max(low, 0), side), min(max(high, 0), side))


def _inside(leaf: Leaf, x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    along = x * leaf.direction.x + y * leaf.direction.y
    beside = y * leaf.direction.x - x * leaf.direction.y
    if leaf.form == "disc":
        return along * along + beside * beside <= leaf.radius * leaf.radius
    if leaf.form == "square":
        return np.maximum(np.abs(along), np.abs(beside)) <= 0.9 * leaf.radius
    if leaf.form == "diamond":
        return np.abs(along) + np.abs(beside) <= 1.25 * leaf.radius
    if leaf.form == "bar":
        return (np.abs(along) <= 1.2 * leaf.radius) & (np.abs(beside) <= 0.55 * leaf.radius)
    if leaf.form == "ring":
        outward = along * along + beside * beside
        outer, inner = 1.1 * leaf.radius, 0.55 * leaf.radius
        return (outward <= outer * outer) & (outward >= inner * inner)
    if leaf.form == "cross":
        arms = np.minimum(np.abs(along), np.abs(beside)) <= 0.35 * leaf.radius
        return arms & (np.maximum(np.abs(along), np.abs(beside)) <= 1.1 * leaf.radius)
    if leaf.form == "frame":
        outward = np.maximum(np.abs(along), np.abs(beside))
        return (outward <= leaf.radius) & (outward >= 0.5 * leaf.radius)
    assert_never(leaf.form)

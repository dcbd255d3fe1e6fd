"""The embedded set `procedural`: dead-leaves scenes whose ten classes only colour and structure together tell apart.

A class is a hue and a direction of stripes, five times two, carried by the same figures. The largest of
them is an upright bar, nearly always lying along its stripes, so form speaks for the class too, without
deciding it. Around and over these figures lie others, grey or of any colour, plain or striped in any
direction: colour alone leaves the direction open, structure alone the hue. Neighbouring hues nearly
touch, so a few pictures of each class are hard.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from repro.data.procedural import dead_leaves
from repro.data.procedural.dead_leaves import Canvas, Colour, Form, Leaf, Range, Stripes
from repro.randomness import generator

VERSION = 1  # raise it whenever a picture of the same seed changes

HUES = {"red": 0.97, "yellow": 0.17, "green": 0.37, "blue": 0.57, "purple": 0.77}  # in turns
HUE_SPREAD = 0.08  # of a picture around its class's hue; hues are 0.2 apart
FIGURE_HUE_SPREAD = 0.02  # of a figure around its picture's hue
SATURATION = Range(0.3, 0.85)
BRIGHTNESS = Range(80.0, 170.0)
GREY_SATURATION = Range(0.0, 0.08)
GREY_BRIGHTNESS = Range(50.0, 190.0)

STRIPE_TILT = 0.3  # slope; stripes stay within 17 degrees of their class's axis
STRIPE_PERIOD = Range(0.10, 0.15)
STRIPE_CONTRAST = Range(0.35, 0.65)

FORMS: tuple[Form, ...] = ("disc", "square", "diamond", "bar")
FIGURES = Range(2, 3)
FIGURE_CENTRE = Range(0.15, 0.85)
FIGURE_RADIUS = Range(0.14, 0.26)
BAR_RADIUS = Range(0.20, 0.30)
BAR_TILT = 0.2
BAR_AGREES = 0.85  # share of pictures whose bar lies along its stripes

BEHIND = Range(4, 6)
IN_FRONT = Range(1, 2)
IN_FRONT_RADIUS = Range(0.05, 0.12)
STRIPED_BYSTANDERS = 0.2
COLOURED_BYSTANDERS = 0.25  # of those without stripes

GAIN = Range(0.75, 1.2)
FALL = 0.5
CAST = 0.08
NOISE = Range(4.0, 12.0)  # standard deviation in grey levels


@dataclass(frozen=True)
class Kind:
    """What a class looks like."""

    wnid: str
    title: str
    hue: float
    horizontal: bool


KINDS: tuple[Kind, ...] = tuple(
    Kind(f"n{90000001 + 2 * index + horizontal}", f"{name} {direction} stripes", hue, bool(horizontal))
    for index, (name, hue) in enumerate(HUES.items())
    for horizontal, direction in enumerate(("vertical", "horizontal"))
)


def draw_picture(kind: Kind, index: int, *, split: str, side: int, seed: int) -> npt.NDArray[np.uint8]:
    """Picture `index` of a class before compression: uint8 (side, side, 3), the same on every machine."""
    random = generator(seed, "procedural", split, kind.wnid, index)
    canvas = np.empty((side, side, 3), np.float32)
    canvas[...] = _grey(random)
    for _ in range(BEHIND.count(random)):
        dead_leaves.draw_leaf(canvas, _bystander(random, FIGURE_RADIUS))
    for leaf in _figures(random, kind):
        dead_leaves.draw_leaf(canvas, leaf)
    for _ in range(IN_FRONT.count(random)):
        dead_leaves.draw_leaf(canvas, _bystander(random, IN_FRONT_RADIUS))
    _finish(canvas, random)
    return dead_leaves.to_picture(canvas)


def _figures(random: np.random.Generator, kind: Kind) -> list[Leaf]:
    """The figures that show the class; the bar comes last, so none of them hides it."""
    hue = kind.hue + HUE_SPREAD * _signed(random)
    leaves = []
    for remaining in range(FIGURES.count(random), 0, -1):
        stripes = Stripes(
            dead_leaves.near_axis(random, vertical=kind.horizontal, tilt=STRIPE_TILT),
            STRIPE_PERIOD.draw(random),
            float(random.random()),
            STRIPE_CONTRAST.draw(random),
        )
        x, y = FIGURE_CENTRE.draw(random), FIGURE_CENTRE.draw(random)
        colour = dead_leaves.colour_of(
            hue + FIGURE_HUE_SPREAD * _signed(random), SATURATION.draw(random), BRIGHTNESS.draw(random)
        )
        if remaining == 1:
            upright = bool(random.random() < BAR_AGREES) != kind.horizontal
            along = dead_leaves.near_axis(random, vertical=upright, tilt=BAR_TILT)
            leaves.append(Leaf("bar", x, y, BAR_RADIUS.draw(random), along, colour, stripes))
        else:
            turned = dead_leaves.any_direction(random)
            leaves.append(Leaf(_form(random), x, y, FIGURE_RADIUS.draw(random), turned, colour, stripes))
    return leaves


def _bystander(random: np.random.Generator, radius: Range) -> Leaf:
    """A figure that says nothing about the class: grey and plain, or striped, or coloured, never both."""
    stripes = None
    colour = _grey(random)
    if random.random() < STRIPED_BYSTANDERS:
        across = dead_leaves.any_direction(random)
        stripes = Stripes(across, STRIPE_PERIOD.draw(random), float(random.random()), STRIPE_CONTRAST.draw(random))
    elif random.random() < COLOURED_BYSTANDERS:
        colour = dead_leaves.colour_of(float(random.random()), SATURATION.draw(random), BRIGHTNESS.draw(random))
    x, y = float(random.random()), float(random.random())
    turned = dead_leaves.any_direction(random)
    return Leaf(_form(random), x, y, radius.draw(random), turned, colour, stripes)


def _finish(canvas: Canvas, random: np.random.Generator) -> None:
    dead_leaves.shine(canvas, random, gain=GAIN, fall=FALL, cast=CAST)
    dead_leaves.add_noise(canvas, random, NOISE.draw(random))


def _grey(random: np.random.Generator) -> Colour:
    hue = float(random.random())
    return dead_leaves.colour_of(hue, GREY_SATURATION.draw(random), GREY_BRIGHTNESS.draw(random))


def _form(random: np.random.Generator) -> Form:
    return FORMS[int(len(FORMS) * random.random())]


def _signed(random: np.random.Generator) -> float:
    return 2.0 * float(random.random()) - 1.0

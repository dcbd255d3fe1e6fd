"""The embedded set `parts`: twelve classes that differ in nothing but the arrangement of the same four parts.

A class says which of a disc, a ring, a cross and a frame stands at which of four places around a centre: above,
right, below and left of it. The twelve arrangements are the even permutations of the four parts, so every part stands
at every place in three classes, and any two parts at any two places in one: a part at its place leaves three classes
open. Every part has a colour of its own, lighter or darker than the background; the centre, the size, the tilt and
every part's place vary; smaller parts lie about in any arrangement. So a net has to tell the parts apart and to keep
where they lie; linear classifiers of the pixels hardly do better than guessing. Whether more convolutional layers
help with that is what the pictures are for. Nothing here is a scene.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, permutations

import numpy as np
import numpy.typing as npt

from repro.data.procedural import dead_leaves
from repro.data.procedural.dead_leaves import Colour, Direction, Form, Leaf, Range
from repro.randomness import generator

VERSION = 1  # raise it whenever a picture of the same seed changes

PARTS: tuple[Form, ...] = ("disc", "ring", "cross", "frame")
PLACES = ("above", "right", "below", "left")

# Lengths are shares of the picture's side.
CENTRE_SPREAD = 0.23  # farthest that the centre lies from the picture's, along either axis
DISTANCE = 0.18  # of a part from the centre
RADIUS = 0.085  # of a part
SIZE = Range(0.85, 1.15)  # of the whole arrangement
PART_SIZE = Range(0.9, 1.1)  # of a part beside the others
TILT = 0.8  # slope; an arrangement stands within 39 degrees of upright
PART_TILT = 0.3
SCATTER = 0.05  # farthest that a part lies from its place, along either axis

STRAYS = Range(2, 5)
STRAY_RADIUS = Range(0.025, 0.05)

BACKGROUND_SATURATION = Range(0.0, 0.5)
BACKGROUND_BRIGHTNESS = Range(90.0, 150.0)
SATURATION = Range(0.2, 0.9)
CONTRAST = Range(35.0, 110.0)  # of a part's brightness with the background's, to either side

GAIN = Range(0.8, 1.15)
FALL = 0.3
CAST = 0.05
NOISE = Range(3.0, 8.0)  # standard deviation in grey levels


@dataclass(frozen=True)
class Kind:
    """A class: `forms` stand above, right, below and left of the centre."""

    wnid: str
    title: str
    forms: tuple[Form, ...]


def _even_arrangements() -> Iterator[tuple[Form, ...]]:
    for order in permutations(range(len(PARTS))):
        if sum(first > second for first, second in combinations(order, 2)) % 2 == 0:
            yield tuple(PARTS[part] for part in order)


KINDS: tuple[Kind, ...] = tuple(
    Kind(
        f"n{91000001 + number}",
        ", ".join(f"{form} {place}" for form, place in zip(forms, PLACES, strict=True)),
        forms,
    )
    for number, forms in enumerate(_even_arrangements())
)


def draw_picture(kind: Kind, index: int, *, split: str, side: int, seed: int) -> npt.NDArray[np.uint8]:
    """Picture `index` of a class before compression: uint8 (side, side, 3), the same on every machine."""
    random = generator(seed, "parts", split, kind.wnid, index)
    canvas = np.empty((2 * side, 2 * side, 3), np.float32)
    background = BACKGROUND_BRIGHTNESS.draw(random)
    canvas[...] = dead_leaves.colour_of(float(random.random()), BACKGROUND_SATURATION.draw(random), background)
    for _ in range(STRAYS.count(random)):
        dead_leaves.draw_leaf(canvas, _stray(random, background))
    for leaf in _arrangement(random, kind, background):
        dead_leaves.draw_leaf(canvas, leaf)
    canvas = dead_leaves.halved(canvas)
    dead_leaves.shine(canvas, random, gain=GAIN, fall=FALL, cast=CAST)
    dead_leaves.add_noise(canvas, random, NOISE.draw(random))
    return dead_leaves.to_picture(canvas)


def _arrangement(random: np.random.Generator, kind: Kind, background: float) -> Iterator[Leaf]:
    """The class's parts at their places; all tilt together, and each lies a little beside its place."""
    centre_x, centre_y = 0.5 + _around(random, CENTRE_SPREAD), 0.5 + _around(random, CENTRE_SPREAD)
    size = SIZE.draw(random)
    right = dead_leaves.near_axis(random, vertical=False, tilt=TILT * float(random.random()))
    below = Direction(-right.y, right.x)
    towards = (Direction(-below.x, -below.y), right, below, Direction(-right.x, -right.y))
    for form, place in zip(kind.forms, towards, strict=True):
        yield Leaf(
            form,
            centre_x + DISTANCE * size * place.x + _around(random, SCATTER),
            centre_y + DISTANCE * size * place.y + _around(random, SCATTER),
            RADIUS * size * PART_SIZE.draw(random),
            dead_leaves.near_axis(random, vertical=False, tilt=PART_TILT),
            _colour(random, background),
        )


def _around(random: np.random.Generator, farthest: float) -> float:
    """A number from -farthest to farthest, the likelier the nearer to 0: most pictures are easy, some are hard."""
    return farthest * (float(random.random()) + float(random.random()) - 1.0)


def _stray(random: np.random.Generator, background: float) -> Leaf:
    """A small part that belongs to no arrangement."""
    form = PARTS[int(len(PARTS) * random.random())]
    x, y = float(random.random()), float(random.random())
    radius = STRAY_RADIUS.draw(random)
    return Leaf(form, x, y, radius, dead_leaves.any_direction(random), _colour(random, background))


def _colour(random: np.random.Generator, background: float) -> Colour:
    """Any hue, lighter or darker than the background."""
    sign = 1.0 if random.random() < 0.5 else -1.0
    return dead_leaves.colour_of(
        float(random.random()), SATURATION.draw(random), background + sign * CONTRAST.draw(random)
    )

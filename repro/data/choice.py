"""Which classes and pictures a study uses: a function of names and seeds, never of the file system's order.

Each name gets a number hashed from (seed, purpose, name), and the smallest are taken. So a choice of 10 is
part of a choice of 20, and adding pictures to one class changes nothing in the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from repro.data.layouts.layout import Layout, Picture, listed
from repro.errors import UserError
from repro.randomness import key


@dataclass(frozen=True)
class Chosen:
    """The classes, sorted by name, and the pictures of each split as (new label, picture)."""

    classes: tuple[str, ...]
    train: tuple[tuple[int, Picture], ...]
    validation: tuple[tuple[int, Picture], ...]
    held_out: tuple[tuple[int, Picture], ...]


def choose_classes(
    available: Sequence[str], wanted: str | int | Sequence[str], seed: int, exclude: Sequence[str] = ()
) -> tuple[str, ...]:
    """Class names, sorted: all of them, a number chosen by `seed`, or those listed; never one of `exclude`.

    Raises UserError when a name is not there, a listed one is excluded, or there are not enough.
    """
    unknown = sorted(set(exclude) - set(available))
    if unknown:
        raise UserError(f"data.exclude_classes: {listed(unknown)} is not a class of these pictures")
    rest = sorted(set(available) - set(exclude))
    if isinstance(wanted, str):
        if wanted != "all":
            raise UserError(f"data.classes must be all, a number or a list of names, not {wanted!r}")
        chosen = rest
    elif isinstance(wanted, int):
        if wanted > len(rest):
            raise UserError(f"data.classes asks for {wanted} classes, {len(rest)} are available after exclusions")
        chosen = sorted(sorted(rest, key=lambda name: key(seed, "class", name))[:wanted])
    else:
        strange = sorted(set(wanted) - set(available))
        if strange:
            raise UserError(f"data.classes lists {listed(strange)}, which these pictures do not have")
        excluded = sorted(set(wanted) & set(exclude))
        if excluded:
            raise UserError(f"data.classes lists {listed(excluded)}, which data.exclude_classes excludes")
        chosen = sorted(wanted)
    if len(chosen) < 2:
        raise UserError(f"only {len(chosen)} class is left by data.classes and data.exclude_classes; at least 2 needed")
    return tuple(chosen)


def choose_pictures(
    layout: Layout,
    classes: Sequence[str],
    *,
    seed: int,
    train_per_class: str | int,
    validation_per_class: int,
    held_out: str,
) -> Chosen:
    """The pictures of each split. Training pictures of a class are ordered by a hash of their names: the
    first `train_per_class` train, the last `validation_per_class` validate, and with "validation_and_rest"
    what lies between joins the held-out ones. So changing one number leaves the other's pictures as they
    were.

    Raises UserError when a class has too few.
    """
    position = {name: label for label, name in enumerate(classes)}
    of_class: dict[str, list[Picture]] = {name: [] for name in classes}
    for picture in layout.train:
        name = layout.classes[picture.label]
        if name in position:
            of_class[name].append(picture)
    train, validation, rest = [], [], []
    for name, pictures in of_class.items():
        everything = train_per_class == "all"
        count = len(pictures) - validation_per_class if everything else int(train_per_class)
        if count < 1 or count + validation_per_class > len(pictures):
            asked = "at least 1" if everything else str(train_per_class)
            raise UserError(
                f"class {name} has {len(pictures)} training pictures; data.train_per_class ({asked}) and "
                f"data.validation_per_class ({validation_per_class}) ask for more"
            )
        if not (everything and validation_per_class == 0):
            pictures = sorted(pictures, key=lambda picture: key(seed, "picture", name, picture.name))
        last = len(pictures) - validation_per_class
        label = position[name]
        train += [(label, picture) for picture in pictures[:count]]
        rest += [(label, picture) for picture in pictures[count:last]]
        validation += [(label, picture) for picture in pictures[last:]]
    own = [
        (position[layout.classes[picture.label]], picture)
        for picture in layout.validation
        if layout.classes[picture.label] in position
    ]
    if held_out == "validation_and_rest":
        own = _by_name(own) + _by_name(rest)
    elif held_out == "validation":
        own = _by_name(own)
    else:
        raise UserError(f"data.held_out must be validation or validation_and_rest, not {held_out!r}")
    bare = sorted(set(range(len(classes))) - {label for label, _ in own})
    if bare:
        raise UserError(f"no held-out picture of {listed([classes[label] for label in bare])}")
    return Chosen(tuple(classes), tuple(_by_name(train)), tuple(_by_name(validation)), tuple(own))


def _by_name(pictures: list[tuple[int, Picture]]) -> list[tuple[int, Picture]]:
    """In order of name, which is close to the order on disk: archives are read from front to back."""
    return sorted(pictures, key=lambda pair: pair[1].name)

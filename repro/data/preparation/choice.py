"""Which classes and pictures a study uses, and in which order: a function of names and seeds.

Each name gets a number hashed from (seed, purpose, name), and the smallest are taken. So a choice of 10 is
part of a choice of 20, and adding pictures to one class changes nothing in the others. A picture's name here
is its class and its base name, so neither the file system's order nor the folders of a layout matter.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
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
    exclude: Collection[str] = (),
) -> Chosen:
    """The pictures of each split, by class and base name; none whose base name is among `exclude`.

    Training pictures of a class are ordered by a hash of their names: the first `train_per_class` train, the
    last `validation_per_class` validate, and with "validation_and_rest" what lies between joins the held-out
    ones. So changing one number leaves the other's pictures as they were.

    Raises UserError when a class has too few.
    """
    position = {name: label for label, name in enumerate(classes)}
    of_class: dict[str, list[Picture]] = {name: [] for name in classes}
    for picture in layout.train:
        name = layout.classes[picture.label]
        if name in position and picture.base_name not in exclude:
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
            pictures = shuffled(pictures, name, seed)
        last = len(pictures) - validation_per_class
        label = position[name]
        train += [(label, picture) for picture in pictures[:count]]
        rest += [(label, picture) for picture in pictures[count:last]]
        validation += [(label, picture) for picture in pictures[last:]]
    own = [
        (position[layout.classes[picture.label]], picture)
        for picture in layout.validation
        if layout.classes[picture.label] in position and picture.base_name not in exclude
    ]
    if held_out == "validation_and_rest":
        own += rest
    elif held_out != "validation":
        raise UserError(f"data.held_out must be validation or validation_and_rest, not {held_out!r}")
    bare = sorted(set(range(len(classes))) - {label for label, _ in own})
    if bare:
        raise UserError(f"no held-out picture of {listed([classes[label] for label in bare])}")
    return Chosen(tuple(classes), _by_name(train), _by_name(validation), _by_name(own))


def shuffled(pictures: Sequence[Picture], class_name: str, seed: int) -> list[Picture]:
    """The pictures of one class in an order that their base names and `seed` decide.

    Only where two of them have one base name do their folders order them.
    """

    def sort_key(picture: Picture) -> tuple[int, str]:
        return key(seed, "picture", class_name, f"{class_name}/{picture.base_name}"), picture.name

    return sorted(pictures, key=sort_key)


def _by_name(pictures: Sequence[tuple[int, Picture]]) -> tuple[tuple[int, Picture], ...]:
    """By class and base name; split and folders decide only between pictures of one class and base name."""
    return tuple(sorted(pictures, key=lambda pair: (pair[0], pair[1].base_name, pair[1].split, pair[1].name)))

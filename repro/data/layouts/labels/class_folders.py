"""Splits that hold a folder for each class: their classes, and their pictures labelled by folder."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from itertools import pairwise

from repro.data.layouts.labels.tables import composed, keyed, read_lines
from repro.data.layouts.layout import Picture, is_picture_name, listed
from repro.data.layouts.trees.passed_over import is_archive_name
from repro.data.layouts.trees.tree import Tree, has_file, joined, labelled, picture_files
from repro.errors import UserError

_LEFT_EMPTY = "images"
"""Tiny-ImageNet's folder, which scripts that sort its pictures into classes leave behind without any."""
_AROUND_ALL = (
    "train", "training", "val", "validation", "valid", "test", "images", "image", "imgs", "img", "pictures", "data",
)  # fmt: skip
"""Names of a folder that an unpacking may put round all classes of a split, and that is no class."""
_MOST_SEEN_THROUGH = 3


def split_folder(tree: Tree, split: str) -> str:
    """Where a split's class folders lie: in `split`, or below it where an unpacking put one folder round them all."""
    for _ in range(_MOST_SEEN_THROUGH):
        inner = tree.folders(split)
        if len(inner) != 1 or has_flat_pictures(tree, split):
            break
        name, below = inner[0].casefold(), joined(split, inner[0])
        if name not in _AROUND_ALL and not name.startswith("ilsvrc"):
            break
        if not tree.folders(below) or has_flat_pictures(tree, below):
            break
        split = below
    return split


def flat_folder(tree: Tree, split: str, classes: Iterable[str]) -> str:
    """The folder with a split's flat pictures: `split`, or the only folder in it where that is not a class's."""
    inner = tree.folders(split)
    if len(inner) == 1 and not has_flat_pictures(tree, split):
        class_names = {composed(name) for name in classes}
        if composed(inner[0]) not in class_names and has_flat_pictures(tree, joined(split, inner[0])):
            return joined(split, inner[0])
    return split


def class_folders(tree: Tree, folder: str) -> list[str]:
    """The sorted names of the class folders in `folder`; one left empty by a script that sorted is passed over.

    Raises UserError for a name that is not text, and for two names that differ in their Unicode form alone. Files
    that lie beside the folders, where no class is theirs, are noted.
    """
    names = tree.folders(folder)
    for name in names:
        if not _is_text(name):
            shown = os.fsencode(name).decode("utf-8", "backslashreplace")
            raise UserError(
                f"{tree.root}/{folder} has a class whose name is not UTF-8 text ({shown}, a folder); rename the folder"
            )
    ordered = sorted(names, key=lambda name: (composed(name), name))
    for left, right in pairwise(ordered):
        if composed(left) == composed(right):
            raise UserError(
                f"{tree.root}/{folder} has two folders {composed(left)}, whose names differ in their Unicode form "
                f"alone ({left!a} and {right!a}); put their pictures into one"
            )
    if len(names) > 1 and _LEFT_EMPTY in names and not has_pictures(tree, joined(folder, _LEFT_EMPTY)):
        tree.passed_over.add("folder", "without a picture", joined(folder, _LEFT_EMPTY))
        names.remove(_LEFT_EMPTY)
    if names:
        _note_files_beside(tree, folder, names)
    return names


def has_flat_pictures(tree: Tree, folder: str) -> bool:
    """Whether pictures lie in the folder itself."""
    return any(is_picture_name(file.name) for file in tree.files(folder))


def has_pictures(tree: Tree, folder: str) -> bool:
    """Whether there is any picture below `folder`."""
    return next(picture_files(tree, folder), None) is not None


def folders_by_class(classes: Iterable[str], folders: Iterable[str]) -> tuple[dict[str, str], list[str], list[str]]:
    """The folder of each class, the classes that have no folder, and the folders that are of no class.

    Names are compared in one Unicode form.
    """
    unclaimed = {composed(folder): folder for folder in folders}
    claimed = {name: unclaimed.pop(composed(name)) for name in classes if composed(name) in unclaimed}
    return claimed, sorted(set(classes) - set(claimed)), sorted(unclaimed.values())


def pictures_by_folder(tree: Tree, split: str, folder: str, folder_of: Mapping[str, str]) -> list[Picture]:
    """The pictures of all classes, each class's in its own folder in `folder`; names begin with the class."""
    return [
        picture
        for label, (name, below) in enumerate(sorted(folder_of.items()))
        for picture in labelled(tree, split, joined(folder, below), label, name)
    ]


def listed_classes(tree: Tree, folder: str, classes: list[str]) -> None:
    """Where wnids.txt lists the classes, hold train/ against it: a half-finished unpacking shows here."""
    if not has_file(tree, "wnids.txt"):
        return
    where = f"{tree.root}/wnids.txt"
    lines = enumerate(read_lines(tree, "wnids.txt"), start=1)
    wanted = keyed(((number, line.strip(), line.strip()) for number, line in lines if line.strip()), where, composed)
    _, missing, strange = folders_by_class(wanted.values(), classes)
    if missing:
        raise UserError(
            f"{tree.root}/{folder} lacks {listed(missing)} of the {len(wanted)} classes in wnids.txt; unpack it again"
        )
    if strange:
        raise UserError(f"{tree.root}/{folder} holds {listed(strange)}, which wnids.txt does not list")


def _note_files_beside(tree: Tree, folder: str, names: list[str]) -> None:
    for file in tree.files(folder):
        path = joined(folder, file.name)
        if is_picture_name(file.name):
            tree.passed_over.add("file", "outside of the folders of classes", path)
        elif is_archive_name(file.name) and file.name.partition(".")[0] not in names:
            tree.passed_over.add("file", "still packed", path)


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True

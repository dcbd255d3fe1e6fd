"""ImageFolder: train/<class>/ and val/<class>/ (or validation/, valid/, test/), pictures at any depth."""

from __future__ import annotations

from repro.data.layouts.labels.class_folders import (
    class_folders,
    folders_by_class,
    has_flat_pictures,
    has_pictures,
    listed_classes,
    pictures_by_folder,
    split_folder,
)
from repro.data.layouts.labels.tables import titles
from repro.data.layouts.layout import Layout, Picture, assemble, is_picture_name, listed
from repro.data.layouts.trees.passed_over import is_archive_name
from repro.data.layouts.trees.tree import Tree, joined
from repro.errors import UserError

_HELD_OUT_FOLDERS = ("val", "validation", "valid", "test")
CIFAR10_CLASSES = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip


def recognise_image_folder(tree: Tree) -> Layout | None:
    """The layout of folders named by class; the index is built from train/ and must fit the other split.

    Raises UserError when the two splits have different classes, or a class folder is empty.
    """
    if "train" not in tree.folders(""):
        return None
    train = split_folder(tree, "train")
    classes = class_folders(tree, train)
    if not classes:
        raise UserError(_no_classes(tree, train))
    listed_classes(tree, train, classes)
    if len(classes) == 1:
        raise UserError(_one_class(tree, train, classes[0]))
    split = next((name for name in _HELD_OUT_FOLDERS if name in tree.folders("")), None)
    if split is None:
        raise UserError(_no_held_out(tree))
    held_out = split_folder(tree, split)
    folders = _same_classes(tree, classes, train, held_out)
    pictures = {
        "train": _labelled(tree, "train", train, {name: name for name in classes}),
        "validation": _labelled(tree, "validation", held_out, folders),
    }
    name = "cifar10-pictures" if tuple(classes) == CIFAR10_CLASSES else "image-folder"
    words, notes = titles(tree, classes)
    return assemble(name, tree.root, classes, words, pictures["train"], pictures["validation"], notes=notes)


def _labelled(tree: Tree, split: str, folder: str, folders: dict[str, str]) -> list[Picture]:
    pictures = pictures_by_folder(tree, split, folder, folders)
    filled = {picture.label for picture in pictures}
    for label, name in enumerate(folders):
        if label not in filled:
            below = joined(folder, folders[name])
            others = sorted({f".{file.name.rpartition('.')[2]}" for file in tree.files(below) if "." in file.name})
            holds = f" that is read here, but files that end in {listed(others)}" if others else ""
            raise UserError(f"{tree.root}/{below} holds no picture{holds}; unpack it again, or remove the class")
    return pictures


def _no_classes(tree: Tree, train: str) -> str:
    files = tree.files(train)
    archives = [file.name for file in files if is_archive_name(file.name)]
    flat = [file.name for file in files if is_picture_name(file.name)]
    contents = f"archives not yet unpacked ({listed(archives)})" if archives else "no folder for each class"
    if flat:
        contents = f"pictures without class folders ({flat[0]}, ...)"
    return f"{tree.root}/{train} holds {contents}; it must hold one folder of pictures for each class"


def _one_class(tree: Tree, train: str, name: str) -> str:
    inside = tree.folders(joined(train, name))
    up = f"; if the folders in it ({listed(inside)}) are the classes, move them up" if len(inside) > 1 else ""
    return f"{tree.root}/{train} holds only 1 class, {name}; at least 2 are needed{up}"


def _no_held_out(tree: Tree) -> str:
    archives = [file.name for file in tree.files("") if is_archive_name(file.name)]
    packed = f"; if {listed(archives)} holds it, unpack it" if archives else ""
    folders = ", ".join(f"{name}/" for name in _HELD_OUT_FOLDERS)
    return f"{tree.root} has train/ but none of {folders}; held-out errors need a second split{packed}"


def _same_classes(tree: Tree, classes: list[str], train: str, held_out: str) -> dict[str, str]:
    """The held-out folder of each class; UserError when the two splits have different classes."""
    others = class_folders(tree, held_out)
    where = f"{tree.root}/{held_out}"
    if not others:
        raise UserError(
            f"{where} holds no folder for each class; sort its pictures into {where}/<class>/, or for "
            f"ILSVRC put the development kit beside it"
        )
    folders, missing, strange = folders_by_class(classes, others)
    if len(others) == 1 and strange:
        _refuse_unlabelled(tree, held_out, others[0])
    if missing or strange:
        only = _only(tree, train, missing) + _only(tree, held_out, strange)
        raise UserError(f"{where} and {train}/ hold different classes: {only}every class must be in both")
    return folders


def _refuse_unlabelled(tree: Tree, held_out: str, only: str) -> None:
    """Held-out pictures in one folder that is none of a class."""
    if only == "images":
        raise UserError(
            f"{tree.root}/{held_out} holds one folder, images/, instead of a folder for each class: this looks like "
            f"Tiny-ImageNet without val/val_annotations.txt; put that file back"
        )
    if has_flat_pictures(tree, joined(held_out, only)):
        raise UserError(
            f"{tree.root}/{held_out}/{only} holds pictures that lie in no folder of a class; sort them into "
            f"{held_out}/<class>/, or for ILSVRC put the development kit into {tree.root}"
        )


def _only(tree: Tree, folder: str, names: list[str]) -> str:
    if not names:
        return ""
    empty = all(not has_pictures(tree, joined(folder, name)) for name in names)
    return f"only {folder}/ has {listed(names)}{' (no picture in it)' if empty else ''}; "

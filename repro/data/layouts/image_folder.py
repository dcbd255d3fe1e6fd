"""ImageFolder: train/<class>/ and val/<class>/ (or validation/, valid/, test/), pictures at any depth."""

from __future__ import annotations

from repro.data.layouts.layout import Layout, Picture, assemble, is_picture_name, listed
from repro.data.layouts.tree import Tree, has_file, labelled, read_lines
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
    classes = tree.folders("train")
    if not classes:
        archives = [file.name for file in tree.files("train") if file.name.endswith(".tar")]
        flat = [file.name for file in tree.files("train") if is_picture_name(file.name)]
        found = f"archives not yet unpacked ({listed(archives)})" if archives else "no folder for each class"
        if flat:
            found = f"pictures without class folders ({flat[0]}, ...)"
        raise UserError(f"{tree.root}/train holds {found}; it must hold one folder of pictures for each class")
    listed_classes(tree, classes)
    held_out = next((name for name in _HELD_OUT_FOLDERS if name in tree.folders("")), None)
    if held_out is None:
        raise UserError(
            f"{tree.root} has train/ but none of {', '.join(f'{name}/' for name in _HELD_OUT_FOLDERS)}; "
            f"held-out "
            "errors need a second split"
        )
    _same_classes(tree, classes, held_out)
    pictures: dict[str, list[Picture]] = {}
    for split, folder in (("train", "train"), ("validation", held_out)):
        pictures[split] = []
        for label, name in enumerate(classes):
            of_class = labelled(tree, split, f"{folder}/{name}", label, name)
            if not of_class:
                raise UserError(f"{tree.root}/{folder}/{name} holds no picture; unpack it again, or remove the class")
            pictures[split] += of_class
    name = "cifar10-pictures" if tuple(classes) == CIFAR10_CLASSES else "image-folder"
    return assemble(name, tree.root, classes, titles(tree), pictures["train"], pictures["validation"])


def listed_classes(tree: Tree, classes: list[str]) -> None:
    """Where wnids.txt lists the classes, hold train/ against it: a half-finished unpacking shows here."""
    if not has_file(tree, "wnids.txt"):
        return
    wanted = {line.strip() for line in read_lines(tree, "wnids.txt") if line.strip()}
    missing, strange = sorted(wanted - set(classes)), sorted(set(classes) - wanted)
    if missing:
        raise UserError(
            f"{tree.root}/train lacks {listed(missing)} of the {len(wanted)} classes in wnids.txt; unpack it again"
        )
    if strange:
        raise UserError(f"{tree.root}/train holds {listed(strange)}, which wnids.txt does not list")


def titles(tree: Tree) -> dict[str, str]:
    """Names in words, from words.txt (`wnid<TAB>names`) or LOC_synset_mapping.txt (`wnid names`), if there is
    one.
    """
    for name, separator in (("words.txt", "\t"), ("LOC_synset_mapping.txt", " ")):
        if has_file(tree, name):
            pairs = (line.partition(separator) for line in read_lines(tree, name))
            return {wnid.strip(): words.strip() for wnid, found, words in pairs if found}
    return {}


def _same_classes(tree: Tree, classes: list[str], held_out: str) -> None:
    others = tree.folders(held_out)
    where = f"{tree.root}/{held_out}"
    if others == ["images"]:
        raise UserError(
            f"{where} holds one folder, images/, instead of a folder for each class: this looks like "
            f"Tiny-ImageNet "
            "without val/val_annotations.txt; put that file back"
        )
    if not others:
        raise UserError(
            f"{where} holds no folder for each class; sort its pictures into {where}/<class>/, or for "
            f"ILSVRC put the "
            "development kit beside it"
        )
    missing, strange = sorted(set(classes) - set(others)), sorted(set(others) - set(classes))
    if missing or strange:
        only = f"only train/ has {listed(missing)}; " if missing else ""
        only += f"only {held_out}/ has {listed(strange)}; " if strange else ""
        raise UserError(f"{where} and train/ hold different classes: {only}every class must be in both")

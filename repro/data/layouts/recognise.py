"""Which layout a folder or archive has: the first that fits, or one clear refusal."""

from __future__ import annotations

from pathlib import Path

from repro.data.layouts.cifar10 import recognise_cifar10, recognise_cifar10_archive
from repro.data.layouts.ilsvrc import (
    archive_names,
    checked_with_devkit,
    recognise_archives,
    recognise_folders,
)
from repro.data.layouts.image_folder import recognise_image_folder
from repro.data.layouts.kaggle import recognise_kaggle
from repro.data.layouts.layout import Layout, listed
from repro.data.layouts.tiny_imagenet import recognise_tiny_imagenet
from repro.data.layouts.tree import Below, FolderTree, TarTree, Tree
from repro.errors import UserError

KNOWN = (
    "ILSVRC2012 or ILSVRC2010 as downloaded (the folder with the train, validation and devkit archives)",
    "ILSVRC unpacked (train/<class>/, val/ flat with the devkit beside it, or val/<class>/)",
    "Kaggle's ILSVRC (ILSVRC/Data/CLS-LOC with LOC_val_solution.csv)",
    "ImageFolder (train/<class>/ and val/<class>/ or test/<class>/)",
    "Tiny-ImageNet-200 (with val/val_annotations.txt)",
    "CIFAR-10 as pictures or as python batches (cifar-10-batches-py/ or cifar-10-python.tar.gz)",
)
_COMPRESSED = (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".zip", ".gz")
_DOWNSAMPLED = ("train_data_batch_1", "train_data_batch_1.npz", "val_data", "val_data.npz")


def recognise(path: Path) -> Layout:
    """The layout of the pictures at `path` (a folder, an uncompressed tar, or CIFAR-10's archive), read-only.

    Raises UserError when there is nothing, it cannot be read, it is a known layout with a fault, or it is
    none of the known layouts; the message then says what was found and what is known.
    """
    path = Path(path).absolute()
    if path.is_dir():
        layout = recognise_archives(path)
        return layout or _from_tree(FolderTree(path))
    if not path.exists():
        raise UserError(f"{path} does not exist")
    if path.name in archive_names():
        raise UserError(f"{path} is one of ILSVRC's archives: give the folder that holds all of them, {path.parent}")
    cifar = recognise_cifar10_archive(path)
    if cifar is not None:
        return cifar
    if path.name.lower().endswith(_COMPRESSED):
        raise UserError(f"{path} is compressed, so its pictures cannot be read one by one: unpack it, give the folder")
    if path.name.lower().endswith(".tar"):
        return _from_tree(TarTree(path))
    raise UserError(f"{path} is neither a folder nor an archive of pictures. Known layouts: {_known()}")


def _from_tree(tree: Tree) -> Layout:
    for candidate in _candidates(tree):
        for family in (
            recognise_kaggle,
            recognise_tiny_imagenet,
            recognise_cifar10,
            recognise_folders,
            recognise_image_folder,
        ):
            layout = family(candidate)
            if layout is not None:
                return checked_with_devkit(layout) if layout.name == "image-folder" else layout
    folders, files = tree.folders(""), [file.name for file in tree.files("")]
    if any(name in _DOWNSAMPLED for name in files):
        raise UserError(
            f"{tree.root} holds batches of downsampled ImageNet, which are not supported: their pictures "
            f"have no names "
            f"and were squeezed to squares. Known layouts: {_known()}"
        )
    found = [f"{name}/" for name in folders] + files
    raise UserError(
        f"{tree.root} has no known layout; found: {listed(found, 8) or 'nothing'}. Known layouts: {_known()}"
    )


def _candidates(tree: Tree) -> list[Tree]:
    """The tree itself and, where everything lies in one top folder, what is below that."""
    found = [tree]
    while not tree.files("") and len(tree.folders("")) == 1 and len(found) < 4:
        only = tree.folders("")[0]
        tree = FolderTree(tree.root / only) if isinstance(tree, FolderTree) else Below(tree, only)
        found.append(tree)
    return found


def _known() -> str:
    return "; ".join(KNOWN)

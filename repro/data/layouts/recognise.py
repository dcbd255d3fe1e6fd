"""Which layout a folder or archive has: the first that fits, or one clear refusal."""

from __future__ import annotations

import stat
from dataclasses import replace
from pathlib import Path

from repro.data.layouts.cifar10 import recognise_cifar10, recognise_cifar10_archive
from repro.data.layouts.doubled import refuse_doubled
from repro.data.layouts.ilsvrc import (
    archive_names,
    checked_with_devkit,
    recognise_archives,
    recognise_folders,
)
from repro.data.layouts.image_folder import recognise_image_folder
from repro.data.layouts.kaggle import recognise_kaggle
from repro.data.layouts.labels.class_folders import has_flat_pictures
from repro.data.layouts.layout import Layout, listed
from repro.data.layouts.tiny_imagenet import recognise_tiny_imagenet
from repro.data.layouts.trees.passed_over import is_archive_name
from repro.data.layouts.trees.tar_tree import TarTree
from repro.data.layouts.trees.tree import Below, FolderTree, Tree
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
    layout = _layout(Path(path).absolute())
    refuse_doubled(layout)
    return layout


def _layout(path: Path) -> Layout:
    try:
        kind = path.stat().st_mode
    except FileNotFoundError:
        raise UserError(f"{path} does not exist") from None
    except OSError as error:  # a name too long, a link in a circle, no permission
        raise UserError(f"cannot read {path}: {error.strerror or error}") from error
    if stat.S_ISDIR(kind):
        return _from_tree(FolderTree(path))
    if path.name in archive_names():
        raise UserError(f"{path} is one of ILSVRC's archives: give the folder that holds all of them, {path.parent}")
    cifar = recognise_cifar10_archive(path) if stat.S_ISREG(kind) else None
    if cifar is not None:
        return cifar
    if path.name.lower().endswith(_COMPRESSED):
        raise UserError(f"{path} is compressed, so its pictures cannot be read one by one: unpack it, give the folder")
    if path.name.lower().endswith(".tar"):
        return _from_tree(TarTree(path))
    raise UserError(f"{path} is neither a folder nor an archive of pictures. Known layouts: {_known()}")


def _from_tree(tree: Tree) -> Layout:
    for candidate in _candidates(tree):
        layout = recognise_archives(candidate.root) if isinstance(candidate, FolderTree) else None
        if layout is not None:
            return layout
        for family in (
            recognise_kaggle,
            recognise_tiny_imagenet,
            recognise_cifar10,
            recognise_folders,
            recognise_image_folder,
        ):
            layout = family(candidate)
            if layout is not None:
                if layout.name == "image-folder":
                    layout = checked_with_devkit(layout, candidate)
                return replace(layout, notes=layout.notes + candidate.passed_over.notes())
    raise UserError(_unknown(tree))


def _unknown(tree: Tree) -> str:
    """What was found instead of a known layout, and what may be done about it."""
    files = [file.name for file in tree.files("")]
    if any(name in _DOWNSAMPLED for name in files):
        return (
            f"{tree.root} holds batches of downsampled ImageNet, which are not supported: their pictures "
            f"have no names and were squeezed to squares. Known layouts: {_known()}"
        )
    entries = [f"{name}/" for name in tree.folders("")] + files
    archives = [name for name in files if is_archive_name(name)]
    packed = f" Pictures that are still packed must be unpacked first ({listed(archives)})." if archives else ""
    return (
        f"{tree.root} has no known layout; found: {listed(entries, 8) or 'nothing'}.{packed} Known layouts: {_known()}"
    )


def _candidates(tree: Tree) -> list[Tree]:
    """The tree itself and, where there is but one folder in it and no picture, what is below that.

    Other files do not matter: the archive that a folder was unpacked from often lies beside it.
    """
    trees = [tree]
    while len(tree.folders("")) == 1 and not has_flat_pictures(tree, "") and len(trees) < 4:
        only = tree.folders("")[0]
        tree = FolderTree(tree.root / only) if isinstance(tree, FolderTree) else Below(tree, only)
        trees.append(tree)
    return trees


def _known() -> str:
    return "; ".join(KNOWN)

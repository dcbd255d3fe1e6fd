"""Tiny-ImageNet-200 as distributed: train/<wnid>/images/, val/images/ with val_annotations.txt."""

from __future__ import annotations

from repro.data.layouts.image_folder import listed_classes, titles
from repro.data.layouts.layout import Layout, Picture, assemble, is_picture_name, listed
from repro.data.layouts.tree import Tree, has_file, labelled, read_lines
from repro.errors import UserError

_ANNOTATIONS = "val/val_annotations.txt"


def recognise_tiny_imagenet(tree: Tree) -> Layout | None:
    """The layout, recognised by val/val_annotations.txt; classes are sorted, whatever the order of wnids.txt.

    Raises UserError when the annotations and the pictures do not fit, or a class in wnids.txt has no folder.
    """
    if not has_file(tree, _ANNOTATIONS):
        return None
    classes = tree.folders("train")
    listed_classes(tree, classes)
    position = {wnid: label for label, wnid in enumerate(classes)}
    labels = {}
    for number, line in enumerate(read_lines(tree, _ANNOTATIONS), start=1):
        fields = line.split("\t")
        if len(fields) < 2 or fields[1] not in position:
            raise UserError(
                f"{tree.root}/{_ANNOTATIONS}, line {number}: {line[:40]!r} is not `file<TAB>class<TAB>box` "
                f"with a class "
                "that train/ holds"
            )
        labels[fields[0]] = position[fields[1]]
    files = {file.name: file for file in tree.files("val/images") if is_picture_name(file.name)}
    unlabelled, missing = sorted(set(files) - set(labels)), sorted(set(labels) - set(files))
    if unlabelled or missing:
        raise UserError(
            f"{tree.root}/val/images and val_annotations.txt do not fit: without a label "
            f"{listed(unlabelled) or 'none'}, "
            f"without a picture {listed(missing) or 'none'}; unpack val/ again"
        )
    train = [
        picture
        for label, wnid in enumerate(classes)
        for picture in labelled(tree, "train", f"train/{wnid}", label, wnid)
    ]
    held_out = [
        Picture("validation", labels[name], name, file.size, tree.source, file.where) for name, file in files.items()
    ]
    return assemble("tiny-imagenet", tree.root, classes, titles(tree), train, held_out)

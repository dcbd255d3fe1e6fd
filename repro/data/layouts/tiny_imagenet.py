"""Tiny-ImageNet-200 as distributed: train/<wnid>/images/, val/images/ with val_annotations.txt."""

from __future__ import annotations

from dataclasses import replace

from repro.data.layouts.image_folder import recognise_image_folder
from repro.data.layouts.labels.class_folders import (
    class_folders,
    has_pictures,
    listed_classes,
    pictures_by_folder,
    split_folder,
)
from repro.data.layouts.labels.table_labels import LabelTable, Row, refuse_half_sorted
from repro.data.layouts.labels.tables import composed, file_key, keyed, read_lines, titles
from repro.data.layouts.layout import Layout, assemble
from repro.data.layouts.trees.tree import Tree, flat_pictures, has_file
from repro.errors import UserError

_ANNOTATIONS = "val/val_annotations.txt"
_PICTURES = "val/images"


def recognise_tiny_imagenet(tree: Tree) -> Layout | None:
    """The layout, recognised by val/val_annotations.txt; classes are sorted, whatever the order of wnids.txt.

    Where the usual scripts have sorted val/ into class folders and left the annotations, those are held against
    the folders, and the layout is an ImageFolder. Raises UserError when the annotations and the pictures do not
    fit, or a class in wnids.txt has no folder.
    """
    if not has_file(tree, _ANNOTATIONS):
        return None
    annotations = _annotations(tree)
    flat = flat_pictures(tree, _PICTURES)
    folders = [f"val/{name}" for name in tree.folders("val") if name != "images"]
    folders = [*folders, *(f"{_PICTURES}/{name}" for name in tree.folders(_PICTURES))]
    folders = [folder for folder in folders if has_pictures(tree, folder)]
    if folders and not flat:
        layout = recognise_image_folder(tree)
        if layout is None:
            return None
        return replace(layout, notes=layout.notes + annotations.held_against(tree, layout.validation, layout.classes))
    if folders and len(flat) < len(annotations.rows):
        refuse_half_sorted(f"{tree.root}/val", flat[0].name, folders)
    for folder in folders:
        tree.passed_over.add("folder", f"beside the pictures that {_ANNOTATIONS} labels", folder)
    train = split_folder(tree, "train")
    classes = class_folders(tree, train)
    listed_classes(tree, train, classes)
    held_out = annotations.joined(tree, _PICTURES, flat, classes)
    words, notes = titles(tree, classes)
    pictures = pictures_by_folder(tree, "train", train, {name: name for name in classes})
    return assemble("tiny-imagenet", tree.root, classes, words, pictures, held_out, notes=notes)


def _annotations(tree: Tree) -> LabelTable:
    rows = []
    for number, line in enumerate(read_lines(tree, _ANNOTATIONS), start=1):
        fields = line.split("\t")
        if len(fields) < 2:
            raise UserError(f"{tree.root}/{_ANNOTATIONS}, line {number}: {line[:40]!r} is not `file<TAB>class<TAB>box`")
        rows.append((number, fields[0], Row(number, fields[0], composed(fields[1].strip()))))
    return LabelTable(_ANNOTATIONS, keyed(rows, f"{tree.root}/{_ANNOTATIONS}", file_key), file_key)

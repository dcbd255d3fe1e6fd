"""Kaggle's ImageNet (imagenet-object-localization-challenge): Data/CLS-LOC with labels in CSV files."""

from __future__ import annotations

import csv

from repro.data.layouts.labels.class_folders import (
    class_folders,
    flat_folder,
    folders_by_class,
    has_pictures,
    pictures_by_folder,
    split_folder,
)
from repro.data.layouts.labels.table_labels import LabelTable, Row, refuse_half_sorted
from repro.data.layouts.labels.tables import composed, file_key, keyed, read_lines
from repro.data.layouts.layout import Layout, Picture, assemble, listed
from repro.data.layouts.trees.tree import Tree, flat_pictures, has_file
from repro.errors import UserError

_SOLUTION = "LOC_val_solution.csv"
_MAPPING = "LOC_synset_mapping.txt"
_TRAIN_LIST = "ILSVRC/ImageSets/CLS-LOC/train_cls.txt"
_PICTURES = "ILSVRC/Data/CLS-LOC"


def recognise_kaggle(tree: Tree) -> Layout | None:
    """The layout, recognised by ILSVRC/Data/CLS-LOC; validation labels are joined by picture id, not by
    order, or are those of the class folders that somebody has sorted the pictures into.

    Raises UserError when a CSV is missing or does not fit the pictures, or when train/ is not complete.
    """
    if "CLS-LOC" not in tree.folders("ILSVRC/Data"):
        if has_file(tree, _SOLUTION):
            raise UserError(f"{tree.root} holds {_SOLUTION} but no {_PICTURES}; unpack the pictures beside it")
        return None
    if not has_file(tree, _MAPPING):
        raise UserError(f"{tree.root} lacks {_MAPPING}, which lists the classes; put it there")
    words = _mapping(tree)
    classes = sorted(words)
    train = split_folder(tree, f"{_PICTURES}/train")
    folders = _folders(tree, train, classes)
    pictures = pictures_by_folder(tree, "train", train, folders)
    if has_file(tree, _TRAIN_LIST):
        # The number on each line is a running number, not a label; only the count of pictures is of use.
        names = [line.split(" ", 1)[0] for line in read_lines(tree, _TRAIN_LIST)]
        if len(set(names)) < len(names):
            keyed(((line, name, None) for line, name in enumerate(names, start=1)), f"{tree.root}/{_TRAIN_LIST}")
        if len(pictures) != len(names):
            raise UserError(
                f"{tree.root}/{train} holds {len(pictures)} pictures, {_TRAIN_LIST} lists {len(names)}; unpack it again"
            )
    held_out, notes = _validation(tree, classes)
    return assemble("kaggle-cls-loc", tree.root, classes, words, pictures, held_out, notes=notes)


def _validation(tree: Tree, classes: list[str]) -> tuple[list[Picture], tuple[str, ...]]:
    val = flat_folder(tree, f"{_PICTURES}/val", classes)
    flat = flat_pictures(tree, val)
    inner = split_folder(tree, val)
    folders = [name for name in tree.folders(inner) if has_pictures(tree, f"{inner}/{name}")]
    if flat and folders:
        refuse_half_sorted(f"{tree.root}/{val}", flat[0].name, folders)
    solution = _solution(tree) if has_file(tree, _SOLUTION) else None
    if folders:
        pictures = pictures_by_folder(tree, "validation", inner, _folders(tree, inner, classes))
        return pictures, solution.held_against(tree, pictures, classes) if solution else ()
    if solution is None:
        raise UserError(f"{tree.root} lacks {_SOLUTION}, which says what the validation pictures show; put it there")
    return solution.joined(tree, val, flat, classes), ()


def _folders(tree: Tree, folder: str, classes: list[str]) -> dict[str, str]:
    """The folder of each class; UserError when there are others or not all."""
    by_class, missing, strange = folders_by_class(classes, class_folders(tree, folder))
    if missing or strange:
        raise UserError(
            f"{tree.root}/{folder} and {_MAPPING} differ: missing {listed(missing) or 'none'}, not listed "
            f"{listed(strange) or 'none'}; unpack {folder.rpartition('/')[2]}/ again"
        )
    return by_class


def _solution(tree: Tree) -> LabelTable:
    try:
        header, *rows = list(csv.reader(read_lines(tree, _SOLUTION))) or [[""]]
    except csv.Error as error:
        raise UserError(f"{tree.root}/{_SOLUTION} cannot be read as CSV ({error}); fetch it again") from error
    if [field.strip() for field in header] != ["ImageId", "PredictionString"]:
        raise UserError(
            f"{tree.root}/{_SOLUTION} begins with {','.join(header)[:40]!r}, not with ImageId,PredictionString"
        )
    labels = []
    for number, row in enumerate(rows, start=2):
        identity, boxes = (row[0].strip(), row[1]) if len(row) > 1 else ("", "")
        wnid = boxes.split(" ", 1)[0]
        if not identity or not wnid:
            raise UserError(f"{tree.root}/{_SOLUTION}, line {number}: {','.join(row)[:40]!r} is not `id,class boxes`")
        labels.append((number, identity, Row(number, identity, composed(wnid))))
    rows_of = keyed(labels, f"{tree.root}/{_SOLUTION}", file_key)
    return LabelTable(_SOLUTION, rows_of, lambda name: file_key(name.rpartition(".")[0]))


def _mapping(tree: Tree) -> dict[str, str]:
    pairs = []
    for number, line in enumerate(read_lines(tree, _MAPPING, latin=True), start=1):
        wnid, separator, words = line.partition(" ")
        if separator:
            pairs.append((number, wnid, words.strip()))
    return keyed(pairs, f"{tree.root}/{_MAPPING}", composed)

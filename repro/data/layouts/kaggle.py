"""Kaggle's ImageNet (imagenet-object-localization-challenge): Data/CLS-LOC with labels in CSV files."""

from __future__ import annotations

from repro.data.layouts.layout import Layout, Picture, assemble, is_picture_name, listed
from repro.data.layouts.tree import Tree, has_file, labelled, read_lines
from repro.errors import UserError

_SOLUTION = "LOC_val_solution.csv"
_MAPPING = "LOC_synset_mapping.txt"
_TRAIN_LIST = "ILSVRC/ImageSets/CLS-LOC/train_cls.txt"
_PICTURES = "ILSVRC/Data/CLS-LOC"


def recognise_kaggle(tree: Tree) -> Layout | None:
    """The layout, recognised by ILSVRC/Data/CLS-LOC; validation labels are joined by picture id, not by
    order.

    Raises UserError when a CSV is missing or does not fit the pictures, or when train/ is not complete.
    """
    if "CLS-LOC" not in tree.folders("ILSVRC/Data"):
        if has_file(tree, _SOLUTION):
            raise UserError(f"{tree.root} holds {_SOLUTION} but no {_PICTURES}; unpack the pictures beside it")
        return None
    for name in (_SOLUTION, _MAPPING):
        if not has_file(tree, name):
            raise UserError(f"{tree.root} lacks {name}, which says what the validation pictures show; put it there")
    words = _mapping(tree)
    classes = sorted(words)
    found = tree.folders(f"{_PICTURES}/train")
    if found != classes:
        missing, strange = sorted(set(classes) - set(found)), sorted(set(found) - set(classes))
        raise UserError(
            f"{tree.root}/{_PICTURES}/train and {_MAPPING} differ: missing {listed(missing) or 'none'}, not "
            f"listed "
            f"{listed(strange) or 'none'}; unpack train/ again"
        )
    train = [
        picture
        for label, wnid in enumerate(classes)
        for picture in labelled(tree, "train", f"{_PICTURES}/train/{wnid}", label, wnid)
    ]
    if has_file(tree, _TRAIN_LIST):
        # The number on each line is a running number, not a label; only the count of lines is of use.
        wanted = len(read_lines(tree, _TRAIN_LIST))
        if len(train) != wanted:
            raise UserError(
                f"{tree.root}/{_PICTURES}/train holds {len(train)} pictures, {_TRAIN_LIST} lists {wanted}; "
                f"unpack it again"
            )
    return assemble("kaggle-cls-loc", tree.root, classes, words, train, _validation(tree, classes))


def _validation(tree: Tree, classes: list[str]) -> list[Picture]:
    position = {wnid: label for label, wnid in enumerate(classes)}
    header, *rows = read_lines(tree, _SOLUTION) or [""]
    if header.strip() != "ImageId,PredictionString":
        raise UserError(f"{tree.root}/{_SOLUTION} begins with {header[:40]!r}, not with ImageId,PredictionString")
    labels = {}
    for number, row in enumerate(rows, start=2):
        identity, _, boxes = row.partition(",")
        wnid = boxes.split(" ", 1)[0]
        if wnid not in position:
            raise UserError(f"{tree.root}/{_SOLUTION}, line {number}: {wnid[:20]!r} is not a class in {_MAPPING}")
        labels[identity.strip()] = position[wnid]
    files = {
        file.name.rpartition(".")[0]: file for file in tree.files(f"{_PICTURES}/val") if is_picture_name(file.name)
    }
    unlabelled, missing = sorted(set(files) - set(labels)), sorted(set(labels) - set(files))
    if unlabelled or missing:
        raise UserError(
            f"{tree.root}/{_PICTURES}/val and {_SOLUTION} do not fit: without a label "
            f"{listed(unlabelled) or 'none'}, "
            f"without a picture {listed(missing) or 'none'}"
        )
    return [
        Picture("validation", labels[identity], file.name, file.size, tree.source, file.where)
        for identity, file in files.items()
    ]


def _mapping(tree: Tree) -> dict[str, str]:
    pairs = (line.partition(" ") for line in read_lines(tree, _MAPPING))
    return {wnid: words.strip() for wnid, found, words in pairs if found}

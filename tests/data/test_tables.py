"""Tables beside pictures: repeated keys are refused, what editors do to text is read, decoration is optional."""

from __future__ import annotations

import codecs
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import scipy.io

from repro.data.layouts.recognise import recognise
from repro.errors import UserError
from tests.data import miniatures as mini
from tests.data.miniatures import SORTED, WORDS, put
from tests.data.reading import assert_labels_are_what_pictures_show

Build = Callable[[Path], Path]
_KIT = "ILSVRC2012_devkit_t12/data"
_TRUTH = f"{_KIT}/ILSVRC2012_validation_ground_truth.txt"


def image_folder(folder: Path) -> Path:
    """An ImageFolder with both of its optional tables."""
    mini.image_folder(folder)
    put(folder / "wnids.txt", "".join(f"{wnid}\n" for wnid in SORTED))
    put(folder / "words.txt", "".join(f"{wnid}\t{WORDS[wnid]}\n" for wnid in SORTED))
    return folder


# ---- repeated keys -----------------------------------------------------------------------------------


def repeated(table: str, build: Build, change: Callable[[str], str] = str) -> Build:
    """The table with one of its rows a second time at the end, changed."""

    def made(folder: Path) -> Path:
        path = build(folder) / table
        lines = path.read_text().splitlines()
        put(path, "\n".join([*lines, change(lines[1])]) + "\n")
        return folder

    return made


def another_class(row: str) -> str:
    """The row with another class."""
    wnid = next(wnid for wnid in SORTED if wnid in row)
    return row.replace(wnid, SORTED[(SORTED.index(wnid) + 1) % 5])


def meta(change: Callable[[list[tuple[int, str]]], None]) -> Build:
    """ILSVRC unpacked, with other rows (id, synset) in meta.mat."""

    def made(folder: Path) -> Path:
        path = mini.ilsvrc_folders(folder) / _KIT / "meta.mat"
        table = scipy.io.loadmat(path)["synsets"]
        rows = [(int(row["ILSVRC2012_ID"].item()), str(row["WNID"].item())) for row in table.ravel()]
        change(rows)
        for row, (number, wnid) in zip(table.ravel(), rows, strict=True):
            row["ILSVRC2012_ID"], row["WNID"] = number, wnid
        scipy.io.savemat(path, {"synsets": table})
        return folder

    return made


def cifar_names(folder: Path) -> Path:
    path = mini.cifar10_batches(folder) / "cifar-10-batches-py" / "batches.meta"
    put(path, pickle.dumps({"label_names": [*mini.CIFAR[:9], "cat"]}, protocol=2))
    return folder


REPEATED: dict[str, tuple[Build, list[str]]] = {
    "kaggle's solution": (repeated("LOC_val_solution.csv", mini.kaggle), ["LOC_val_solution.csv", "lines 2 and 12"]),
    "kaggle's solution, another class": (
        repeated("LOC_val_solution.csv", mini.kaggle, another_class),
        ["LOC_val_solution.csv", "lines 2 and 12"],
    ),
    "kaggle's solution, another case": (
        repeated("LOC_val_solution.csv", mini.kaggle, lambda row: row.replace("ILSVRC2012", "ilsvrc2012")),
        ["LOC_val_solution.csv", "lines 2 and 12"],
    ),
    "kaggle's classes": (
        repeated("LOC_synset_mapping.txt", mini.kaggle),
        ["LOC_synset_mapping.txt", "lines 2 and 6", SORTED[1]],
    ),
    "kaggle's training pictures": (
        repeated("ILSVRC/ImageSets/CLS-LOC/train_cls.txt", mini.kaggle),
        ["train_cls.txt", "lines 2 and 21"],
    ),
    "tiny's annotations": (
        repeated("val/val_annotations.txt", mini.tiny_imagenet, another_class),
        ["val_annotations.txt", "lines 2 and 13", "val_1.JPEG"],
    ),
    "tiny's classes": (repeated("wnids.txt", mini.tiny_imagenet), ["wnids.txt", "lines 2 and 6"]),
    "classes of an image folder": (repeated("wnids.txt", image_folder), ["wnids.txt", "lines 2 and 6"]),
    "an id in meta.mat": (meta(lambda rows: rows.__setitem__(1, (1, rows[1][1]))), ["meta.mat"]),
    "a synset in meta.mat": (meta(lambda rows: rows.__setitem__(1, (2, rows[0][1]))), ["meta.mat"]),
    "two ground truths": (
        lambda folder: put(
            mini.ilsvrc_folders(folder) / _KIT / "ILSVRC2010_validation_ground_truth.txt",
            (folder / _TRUTH).read_bytes(),
        ).parents[2],
        ["ILSVRC2010_validation_ground_truth.txt", "ILSVRC2012_validation_ground_truth.txt"],
    ),
    "cifar's classes": (cifar_names, ["batches.meta", "cat"]),
}


@pytest.mark.parametrize("table", REPEATED)
def test_repeated_keys_are_refused(table: str, tmp_path: Path) -> None:
    build, says = REPEATED[table]
    with pytest.raises(UserError) as caught:
        recognise(build(tmp_path / "there"))
    for fragment in ["there", *says]:
        assert fragment in str(caught.value)


def test_words_that_are_told_twice_are_no_reason_to_refuse_pictures(tmp_path: Path) -> None:
    layout = recognise(repeated("words.txt", image_folder, lambda row: f"{row} other")(tmp_path))
    assert layout.class_titles == {wnid: WORDS[wnid] for wnid in SORTED if wnid != SORTED[1]}
    (note,) = layout.notes
    assert "words.txt" in note
    assert SORTED[1] in note


# ---- what editors and spreadsheets do to text ----------------------------------------------------------

ENCODINGS = {
    "a byte-order mark": lambda text: codecs.BOM_UTF8 + text,
    "UTF-16": lambda text: text.decode().encode("utf-16"),
    "UTF-16, the other order": lambda text: codecs.BOM_UTF16_BE + text.decode().encode("utf-16-be"),
    "Windows' ends of lines": lambda text: text.replace(b"\n", b"\r\n"),
    "blank lines at the end": lambda text: text.rstrip(b"\n") + b"\n\n \n",
}
TABLES: list[tuple[Build, str]] = [
    (image_folder, "wnids.txt"),
    (image_folder, "words.txt"),
    (mini.tiny_imagenet, "wnids.txt"),
    (mini.tiny_imagenet, "words.txt"),
    (mini.tiny_imagenet, "val/val_annotations.txt"),
    (mini.kaggle, "LOC_val_solution.csv"),
    (mini.kaggle, "LOC_synset_mapping.txt"),
    (mini.kaggle, "ILSVRC/ImageSets/CLS-LOC/train_cls.txt"),
    (mini.ilsvrc_folders, _TRUTH),
]


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize(("build", "table"), TABLES, ids=lambda value: value if isinstance(value, str) else "")
def test_tables_are_read_whatever_program_saved_them(build: Build, table: str, encoding: str, tmp_path: Path) -> None:
    path = build(tmp_path / "there") / table
    before = recognise(tmp_path / "there")
    path.write_bytes(ENCODINGS[encoding](path.read_bytes()))
    layout = recognise(tmp_path / "there")
    assert layout.digest() == before.digest()
    assert layout.class_titles == before.class_titles
    assert layout.notes == ()
    assert_labels_are_what_pictures_show(layout)


def test_quotes_of_a_spreadsheet_are_read(tmp_path: Path) -> None:
    path = mini.kaggle(tmp_path) / "LOC_val_solution.csv"
    rows = [row.split(",") for row in path.read_text().splitlines()]
    path.write_text("".join(f'"{identity}","{boxes}"\n' for identity, boxes in rows))
    assert_labels_are_what_pictures_show(recognise(tmp_path))


@pytest.mark.parametrize(
    ("build", "table"),
    [(image_folder, "words.txt"), (mini.tiny_imagenet, "words.txt"), (mini.kaggle, "LOC_synset_mapping.txt")],
)
def test_words_in_latin_1_are_read(build: Build, table: str, tmp_path: Path) -> None:
    path = build(tmp_path) / table
    path.write_bytes(path.read_text().replace("crane", "grúa").encode("latin-1"))
    assert recognise(tmp_path).class_titles["n02012849"] == "grúa"


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\x00\xff\x00\xff" * 9, b"no separator\n" * 3])
@pytest.mark.parametrize("build", [image_folder, mini.tiny_imagenet])
def test_words_are_optional(build: Build, content: bytes, tmp_path: Path) -> None:
    put(build(tmp_path) / "words.txt", content)
    layout = recognise(tmp_path)
    assert layout.class_titles == {}
    assert_labels_are_what_pictures_show(layout)


def test_a_table_of_labels_that_is_no_text_is_refused(tmp_path: Path) -> None:
    put(image_folder(tmp_path) / "wnids.txt", "caf\xe9".encode("latin-1"))
    with pytest.raises(UserError, match=r"wnids\.txt is not UTF-8"):
        recognise(tmp_path)


def test_classes_of_meta_mat_need_not_be_text_of_one_kind(tmp_path: Path) -> None:
    """Ids come back as numbers of any width, as MATLAB wrote them."""
    path = mini.ilsvrc_folders(tmp_path) / _KIT / "meta.mat"
    table = scipy.io.loadmat(path)["synsets"]
    for row in table.ravel():
        row["ILSVRC2012_ID"] = np.uint16(row["ILSVRC2012_ID"].item())
    scipy.io.savemat(path, {"synsets": table})
    assert_labels_are_what_pictures_show(recognise(tmp_path))

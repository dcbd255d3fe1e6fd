"""Validation pictures that a script sorted into class folders, with what it left behind, and folders in folders."""

from __future__ import annotations

import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from repro.data.layouts.layout import Layout
from repro.data.layouts.recognise import recognise
from repro.errors import UserError
from tests.data import miniatures as mini
from tests.data.miniatures import SORTED, put
from tests.data.reading import assert_labels_are_what_pictures_show

KAGGLE = "ILSVRC/Data/CLS-LOC"


def read(folder: Path) -> Layout:
    """The folder and an archive of it, which must agree."""
    layout = recognise(folder)
    with tarfile.open(folder.parent / "packed.tar", "w") as archive:
        archive.add(folder, "set")
    packed = recognise(folder.parent / "packed.tar")
    assert packed.digest() == layout.digest()
    assert packed.name == layout.name
    assert packed.notes == layout.notes
    assert_labels_are_what_pictures_show(layout)
    return layout


def tiny_labels(folder: Path) -> dict[str, str]:
    rows = [row.split("\t") for row in (folder / "val" / "val_annotations.txt").read_text().splitlines()]
    return {row[0]: row[1] for row in rows}


def kaggle_labels(folder: Path) -> dict[str, str]:
    rows = [row.split(",") for row in (folder / "LOC_val_solution.csv").read_text().splitlines()[1:]]
    return {f"{row[0]}.JPEG": row[1].split()[0] for row in rows}


def ilsvrc_labels(folder: Path) -> dict[str, str]:
    return {n: mini.WNIDS[i - 1] for n, i in zip(mini.validation_names(), mini.validation_ids(), strict=True)}


def move(labels: dict[str, str], source: Path, target: Path, inside: str = "") -> None:
    for name, wnid in labels.items():
        place = target / wnid / inside
        place.mkdir(parents=True, exist_ok=True)
        (source / name).rename(place / name)


def tiny(folder: Path) -> Path:
    """val/<wnid>/, images/ removed, the annotations left."""
    val = mini.tiny_imagenet(folder) / "val"
    move(tiny_labels(folder), val / "images", val)
    (val / "images").rmdir()
    return folder


def tiny_with_empty_images(folder: Path) -> Path:
    """val/<wnid>/ beside an empty images/."""
    val = mini.tiny_imagenet(folder) / "val"
    move(tiny_labels(folder), val / "images", val)
    return folder


def tiny_deeper(folder: Path) -> Path:
    """val/<wnid>/images/, as train/ has it."""
    val = mini.tiny_imagenet(folder) / "val"
    move(tiny_labels(folder), val / "images", val, "images")
    (val / "images").rmdir()
    return folder


def tiny_inside_images(folder: Path) -> Path:
    """val/images/<wnid>/."""
    val = mini.tiny_imagenet(folder) / "val"
    move(tiny_labels(folder), val / "images", val / "images")
    return folder


def kaggle(folder: Path) -> Path:
    val = mini.kaggle(folder) / KAGGLE / "val"
    move(kaggle_labels(folder), val, val)
    return folder


def ilsvrc(folder: Path) -> Path:
    val = mini.ilsvrc_folders(folder) / "val"
    move(ilsvrc_labels(folder), val, val)
    return folder


def without(build: Callable[[Path], Path], *paths: str) -> Callable[[Path], Path]:
    def made(folder: Path) -> Path:
        build(folder)
        for path in paths:
            (folder / path).unlink()
        return folder

    return made


SORTED_BY_SCRIPTS = {
    "tiny": (tiny, "image-folder"),
    "tiny, images/ left empty": (tiny_with_empty_images, "image-folder"),
    "tiny, val/<wnid>/images/": (tiny_deeper, "image-folder"),
    "tiny, val/images/<wnid>/": (tiny_inside_images, "image-folder"),
    "tiny, images/ left empty, annotations removed": (
        without(tiny_with_empty_images, "val/val_annotations.txt"),
        "image-folder",
    ),
    "tiny, val/images/<wnid>/, annotations removed": (
        without(tiny_inside_images, "val/val_annotations.txt"),
        "image-folder",
    ),
    "kaggle": (kaggle, "kaggle-cls-loc"),
    "kaggle, solution removed": (without(kaggle, "LOC_val_solution.csv"), "kaggle-cls-loc"),
    "ilsvrc": (ilsvrc, "ilsvrc-folders"),
}


@pytest.mark.parametrize("how", SORTED_BY_SCRIPTS)
def test_sorted_pictures_are_read_as_folders(how: str, tmp_path: Path) -> None:
    build, name = SORTED_BY_SCRIPTS[how]
    layout = read(build(tmp_path / "there"))
    assert layout.name == name
    assert len(layout.validation) in (10, 12)
    assert all(picture.name.split("/")[0] == layout.classes[picture.label] for picture in layout.validation)
    assert ("images" in " ".join(layout.notes)) == ("left empty" in how)


@pytest.mark.parametrize("how", ["tiny", "tiny, val/images/<wnid>/", "kaggle", "ilsvrc"])
def test_a_picture_in_the_wrong_class_is_refused_where_a_table_says_so(how: str, tmp_path: Path) -> None:
    folder = SORTED_BY_SCRIPTS[how][0](tmp_path / "there")
    one = next(path for path in sorted(folder.rglob("*val_*.JPEG")) if path.parent.name == SORTED[0])
    one.rename(one.parent.parent / SORTED[1] / one.name)
    with pytest.raises(UserError) as caught:
        recognise(folder)
    for fragment in (one.name, SORTED[0], SORTED[1]):
        assert fragment in str(caught.value)


@pytest.mark.parametrize("build", [tiny, kaggle])
def test_an_old_table_may_list_more_than_there_is(build: Callable[[Path], Path], tmp_path: Path) -> None:
    """As when somebody kept some of the classes."""
    folder = build(tmp_path / "there")
    for path in (*folder.rglob(f"train/{SORTED[-1]}"), *folder.rglob(f"val/{SORTED[-1]}")):
        shutil.rmtree(path)
    for table in ("wnids.txt", "LOC_synset_mapping.txt"):
        if (folder / table).exists():
            lines = (folder / table).read_text().splitlines()
            put(folder / table, "\n".join(line for line in lines if SORTED[-1] not in line))
    shutil.rmtree(folder / "ILSVRC" / "ImageSets", ignore_errors=True)
    layout = read(folder)
    assert len(layout.classes) == 4
    assert any("does not hold" in note for note in layout.notes)


@pytest.mark.parametrize(
    ("build", "val"),
    [(mini.tiny_imagenet, "val/images"), (mini.kaggle, f"{KAGGLE}/val"), (mini.ilsvrc_folders, "val")],
)
def test_a_half_sorted_split_is_refused(build: Callable[[Path], Path], val: str, tmp_path: Path) -> None:
    folder = build(tmp_path / "there")
    one = sorted((folder / val).glob("*.JPEG"))[0]
    target = folder / val.removesuffix("/images") / SORTED[0] / one.name
    target.parent.mkdir(exist_ok=True)
    one.rename(target)
    with pytest.raises(UserError, match="interrupted") as caught:
        recognise(folder)
    assert SORTED[0] in str(caught.value)


def test_folders_beside_complete_pictures_of_tiny_are_noted(tmp_path: Path) -> None:
    """A script that copied instead of moving: the annotations still fit the pictures in images/."""
    folder = mini.tiny_imagenet(tmp_path / "there")
    before = read(folder)
    for name, wnid in tiny_labels(folder).items():
        put(folder / "val" / wnid / name, (folder / "val" / "images" / name).read_bytes())
    layout = read(folder)
    assert layout.digest() == before.digest()
    assert any(SORTED[0] in note for note in layout.notes)


# ---- folders in folders ------------------------------------------------------------------------------


def nested(build: Callable[[Path], Path], split: str, name: str) -> Callable[[Path], Path]:
    """The split's content one folder further down."""

    def made(folder: Path) -> Path:
        path = build(folder) / split
        path.rename(folder / "moved")
        path.mkdir()
        (folder / "moved").rename(path / name)
        return folder

    return made


NESTED = {
    "val/val/CLASS": nested(mini.image_folder, "val", "val"),
    "train/images/CLASS": nested(mini.image_folder, "train", "images"),
    "both": nested(nested(mini.image_folder, "val", "val"), "train", "train"),
    "train/train of tiny": nested(mini.tiny_imagenet, "train", "train"),
    "train/train and a flat val/ of ILSVRC": nested(mini.ilsvrc_folders, "train", "ILSVRC2012_img_train"),
    "val/val flat of ILSVRC": nested(mini.ilsvrc_folders, "val", "ILSVRC2012_img_val"),
    "train/train of kaggle": nested(mini.kaggle, f"{KAGGLE}/train", "train"),
    "val/val of kaggle": nested(mini.kaggle, f"{KAGGLE}/val", "val"),
}


@pytest.mark.parametrize("how", NESTED)
def test_a_folder_that_holds_nothing_but_the_split_is_seen_through(how: str, tmp_path: Path) -> None:
    layout = read(NESTED[how](tmp_path / "there"))
    plain = {"image_folder": mini.image_folder, "tiny": mini.tiny_imagenet, "ILSVRC": mini.ilsvrc_folders}
    build = next((make for name, make in plain.items() if name in how), mini.image_folder)
    if "kaggle" in how:
        build = mini.kaggle
    assert layout.digest() == recognise(build(tmp_path / "plain")).digest()


def test_an_interrupted_held_out_split_is_not_mistaken_for_a_nested_one(tmp_path: Path) -> None:
    folder = mini.image_folder(tmp_path / "there")
    for wnid in SORTED[1:]:
        shutil.rmtree(folder / "val" / wnid)
    with pytest.raises(UserError, match="only train/ has"):
        recognise(folder)
    shutil.rmtree(folder / "val" / SORTED[0] / "deeper")
    put(folder / "val" / SORTED[0] / "1.jpeg", "x")
    with pytest.raises(UserError, match="only train/ has"):
        recognise(folder)


def test_flat_pictures_in_a_folder_of_val_say_what_is_missing(tmp_path: Path) -> None:
    folder = mini.image_folder(tmp_path / "there")
    shutil.rmtree(folder / "val")
    put(folder / "val" / "val" / "1.jpeg", "x")
    with pytest.raises(UserError, match=r"there/val/val holds pictures .*in no folder of a class"):
        recognise(folder)


def test_an_empty_folder_in_one_split_only_is_called_empty(tmp_path: Path) -> None:
    folder = mini.image_folder(tmp_path / "there")
    (folder / "val" / "zebra").mkdir()
    with pytest.raises(UserError, match=r"only val/ has zebra \(no picture in it\)"):
        recognise(folder)

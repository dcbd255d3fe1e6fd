"""What else lies in people's folders: archives, thumbnails, copies, endings that are not read. Nothing is silent."""

from __future__ import annotations

import os
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

A, B = SORTED[:2]


def packed(folder: Path) -> Path:
    path = folder.parent / f"{folder.name}.tar"
    with tarfile.open(path, "w") as archive:
        archive.add(folder, "set")
    return path


def read(folder: Path) -> Layout:
    """The folder and an archive of it, which must agree."""
    layout, same = recognise(folder), recognise(packed(folder))
    assert (same.digest(), same.notes) == (layout.digest(), layout.notes)
    assert_labels_are_what_pictures_show(layout)
    return layout


# ---- thumbnails and bins -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["@eaDir", "#recycle", "@Recycle", "$RECYCLE.BIN", "System Volume Information"])
@pytest.mark.parametrize("where", [f"train/{A}", f"val/{A}/deeper", "train", "val", ""])
def test_folders_that_systems_leave_are_passed_over_and_noted(name: str, where: str, tmp_path: Path) -> None:
    folder = mini.image_folder(tmp_path / "there")
    before = read(folder)
    put(folder / where / name / "a 0's.jpeg" / "SYNOPHOTO_THUMB_M.jpg", mini.encoded(mini.noise(0, 9, 9)))
    layout = read(folder)
    assert layout.digest() == before.digest()
    (note,) = layout.notes
    assert (f"{where}/{name}" if where else name) in note


def test_thumbnails_in_every_class_are_one_note(tmp_path: Path) -> None:
    folder = mini.image_folder(tmp_path / "there")
    for wnid in SORTED:
        for split in ("train", "val"):
            put(folder / split / wnid / "@eaDir" / "x" / "SYNOPHOTO_THUMB_M.jpg", "x")
    (note,) = read(folder).notes
    assert "10 folders" in note
    assert f"train/{A}/@eaDir" in note
    assert "and 5 more" in note


def test_thumbnails_in_the_other_layouts(tmp_path: Path) -> None:
    for number, build in enumerate([mini.kaggle, mini.tiny_imagenet, mini.ilsvrc_folders]):
        folder = build(tmp_path / str(number))
        before = read(folder)
        for place in [*folder.rglob("train/*"), *folder.rglob("val")]:
            put(place / "@eaDir" / "SYNOPHOTO_THUMB_M.jpg", "x")
        layout = read(folder)
        assert layout.digest() == before.digest()
        assert "6 folders" in layout.notes[0]


# ---- files that are passed over ------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["x.jfif", "x.JPE", "x.heic", "x.avif", "more.zip", "more.tar", "n01440764_1"])
@pytest.mark.parametrize("where", [f"train/{A}", f"val/{A}/deeper"])
def test_files_that_may_be_pictures_are_noted(name: str, where: str, tmp_path: Path) -> None:
    folder = mini.image_folder(tmp_path / "there")
    before = read(folder)
    put(folder / where / name, mini.encoded(mini.noise(0, 9, 9)))
    layout = read(folder)
    assert layout.digest() == before.digest()
    (note,) = layout.notes
    assert "1 file " in note
    assert f"{where}/{name}" in note


def test_a_class_of_nothing_else_says_what_it_holds(tmp_path: Path) -> None:
    folder = mini.image_folder(tmp_path / "there")
    for path in (folder / "train" / A).iterdir():
        path.rename(path.with_suffix(".jfif"))
    with pytest.raises(UserError, match=rf"train/{A}.*no picture.*\.jfif"):
        recognise(folder)


def test_jfif_in_an_archive_of_ilsvrc_is_noted(tmp_path: Path) -> None:
    folder = mini.ilsvrc_archives(tmp_path)
    classes = mini.train_files()
    classes[A].append((f"{A}_9.jfif", b"x"))
    inner = [(f"{wnid}.tar", mini.tar_of(files)) for wnid, files in classes.items()]
    put(folder / "ILSVRC2012_img_train.tar", mini.tar_of(inner))
    (note,) = recognise(folder).notes
    assert f"{A}/{A}_9.jfif" in note


def test_jfif_among_numbered_pictures_is_named(tmp_path: Path) -> None:
    folder = mini.ilsvrc_folders(tmp_path)
    (folder / "val" / "ILSVRC2012_val_00000003.JPEG").rename(folder / "val" / "ILSVRC2012_val_00000003.jfif")
    with pytest.raises(UserError, match="number 3"):
        recognise(folder)


def test_loose_pictures_beside_class_folders_are_noted(tmp_path: Path) -> None:
    folder = mini.image_folder(tmp_path / "there")
    put(folder / "train" / "loose.jpeg", "x")
    (note,) = read(folder).notes
    assert "train/loose.jpeg" in note


def test_what_is_no_picture_is_no_news(tmp_path: Path) -> None:
    """Boxes, notes, databases of thumbnails: these were never meant."""
    folder = mini.image_folder(tmp_path / "there")
    for name in ("Thumbs.db", "desktop.ini", f"{A}_boxes.txt", "labels.csv", "x.xml", "x.json"):
        put(folder / "train" / A / name, "x")
    assert read(folder).notes == ()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_named_as_a_picture_is_refused_not_waited_for(tmp_path: Path) -> None:
    folder = mini.image_folder(tmp_path / "there")
    os.mkfifo(folder / "train" / A / "x.jpeg")
    with pytest.raises(UserError, match=r"x\.jpeg is not a regular file"):
        recognise(folder)


# ---- archives beside folders ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["set.tar", "tiny-imagenet-200.zip", "set.tar.gz", "set.tar.gz.md5", "README.md"])
def test_an_archive_beside_its_unpacked_folder_is_seen_past(name: str, tmp_path: Path) -> None:
    mini.tiny_imagenet(tmp_path / "download" / "tiny-imagenet-200")
    put(tmp_path / "download" / name, b"PK")
    layout = recognise(tmp_path / "download")
    assert layout.name == "tiny-imagenet"
    assert_labels_are_what_pictures_show(layout)


def test_the_archives_of_ilsvrc_in_a_folder_of_a_download(tmp_path: Path) -> None:
    mini.ilsvrc_archives(tmp_path / "download" / "ILSVRC2012")
    assert recognise(tmp_path / "download").name == "ilsvrc2012-archives"


@pytest.mark.parametrize("left", ["ILSVRC2012_img_train.tar", "ILSVRC2012_img_val.tar"])
@pytest.mark.parametrize("build", [mini.ilsvrc_folders, mini.image_folder])
def test_one_archive_beside_folders(build: Callable[[Path], Path], left: str, tmp_path: Path) -> None:
    folder = build(tmp_path / "there")
    before = recognise(folder).digest()
    shutil.copy(mini.ilsvrc_archives(tmp_path / "archives") / left, folder)
    layout = recognise(folder)
    assert layout.digest() == before
    assert_labels_are_what_pictures_show(layout)


def test_both_archives_without_a_kit_beside_sorted_folders(tmp_path: Path) -> None:
    folder = mini.image_folder(tmp_path / "there")
    for name in ("ILSVRC2012_img_train.tar", "ILSVRC2012_img_val.tar"):
        shutil.copy(mini.ilsvrc_archives(tmp_path / "archives") / name, folder)
    assert recognise(folder).digest() == recognise(mini.image_folder(tmp_path / "plain")).digest()


@pytest.mark.parametrize("split", ["train", "val"])
@pytest.mark.parametrize("name", ["{split}.tar", "ILSVRC2012_img_{split}.tar", "{split}.zip", "{split}.tar.gz"])
def test_a_split_that_is_still_packed_is_named(split: str, name: str, tmp_path: Path) -> None:
    folder = mini.image_folder(tmp_path / "there")
    archive = name.format(split=split)
    shutil.rmtree(folder / split)
    put(folder / archive, b"x" * 600)
    with pytest.raises(UserError, match=rf"there.*unpack.*{archive}|there.*{archive}.*unpack"):
        recognise(folder)


def test_archives_of_a_class_in_a_split_are_noted(tmp_path: Path) -> None:
    """Of a class that has its folder too, nothing is said."""
    folder = mini.image_folder(tmp_path / "there")
    put(folder / "train" / f"{A}.tar", "x")
    assert read(folder).notes == ()
    put(folder / "train" / "n99999999.tar", "x")
    (note,) = read(folder).notes
    assert "train/n99999999.tar" in note


# ---- copies --------------------------------------------------------------------------------------------


def again_inside(folder: Path) -> None:
    """A class's archive unpacked once here and once into a folder of its own name."""
    shutil.copytree(folder / "train" / A, folder / "train" / A / A)


def half_again_inside(folder: Path) -> None:
    again_inside(folder)
    sorted((folder / "train" / A / A).glob("a*"))[0].unlink()


def half_again_outside(folder: Path) -> None:
    again_inside(folder)
    sorted((folder / "train" / A).glob("a*"))[0].unlink()


def twice_inside(folder: Path) -> None:
    """Two folders of a class with the same pictures."""
    kept = folder / "kept"
    (folder / "train" / A).rename(kept)
    for name in (A, f"{A} (1)"):
        shutil.copytree(kept, folder / "train" / A / name)
    shutil.rmtree(kept)


def out_of_images(folder: Path) -> None:
    """Copied out of images/ instead of moved."""
    for path in (folder / "train" / A / "images").iterdir():
        shutil.copy(path, folder / "train" / A)


def as_two_classes(folder: Path) -> None:
    for split in ("train", "val"):
        shutil.copytree(folder / split / A, folder / split / f"{A} (1)")


def held_out(folder: Path) -> None:
    shutil.copytree(folder / "val" / A / "deeper", folder / "val" / A / "again")


COPIES = {
    "a folder of its own name": (mini.image_folder, again_inside),
    "half a folder of its own name": (mini.image_folder, half_again_inside),
    "a folder of its own name, half of it outside": (mini.image_folder, half_again_outside),
    "two folders": (mini.image_folder, twice_inside),
    "tiny's images/": (mini.tiny_imagenet, out_of_images),
    "two classes": (mini.image_folder, as_two_classes),
    "held-out pictures": (mini.image_folder, held_out),
}


@pytest.mark.parametrize("how", COPIES)
def test_a_class_that_is_there_twice_is_refused(how: str, tmp_path: Path) -> None:
    build, spoil = COPIES[how]
    folder = build(tmp_path / "there")
    spoil(folder)
    for path in (folder, packed(folder)):
        with pytest.raises(UserError, match="twice") as caught:
            recognise(path)
        assert "there" in str(caught.value)
        assert A in str(caught.value)


def test_folders_of_equal_names_and_sizes_are_not_copies(tmp_path: Path) -> None:
    """Frames of films, in a format whose files are all of one size."""
    folder = mini.image_folder(tmp_path / "there", kind="BMP")
    for label, wnid in enumerate(SORTED):
        for film in range(3):
            for frame in range(4):
                pixels = mini.colour(label, 1000 + 10 * film + frame)
                put(folder / "train" / wnid / f"film {film}" / f"{frame}.bmp", mini.encoded(pixels, "BMP"))
    assert len(read(folder).train) == 20 + 60

"""Validation pictures that are numbered: the number in a name decides its label, whatever else happened to it."""

from __future__ import annotations

import re
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from repro.data.layouts.recognise import recognise
from repro.errors import UserError
from tests.data import miniatures as mini
from tests.data.miniatures import put, tar_of
from tests.data.reading import assert_labels_are_what_pictures_show

Files = list[tuple[str, bytes]]
Change = Callable[[Files], Files]
_VAL = {"2012": "ILSVRC2012_img_val.tar", "2010": "ILSVRC2010_images_val.tar"}


def in_a_folder(folder: Path, change: Change) -> Path:
    """ILSVRC unpacked, its flat val/ changed."""
    mini.ilsvrc_folders(folder)
    shutil.rmtree(folder / "val")
    for name, content in change(mini.validation_files()):
        put(folder / "val" / name, content)
    return folder


def in_archives(folder: Path, change: Change) -> Path:
    """ILSVRC2012 as downloaded, its validation archive changed."""
    mini.ilsvrc_archives(folder)
    put(folder / _VAL["2012"], tar_of(change(mini.validation_files())))
    return folder


def in_one_archive(folder: Path, change: Change) -> Path:
    """The unpacked form with its development kit, all in one tar."""
    tree = in_a_folder(folder / "tree", change)
    with tarfile.open(folder / "set.tar", "w") as archive:
        archive.add(tree, "set")
    return folder / "set.tar"


def in_2010(folder: Path, change: Change) -> Path:
    """ILSVRC2010 as downloaded, its validation archive changed, which has the pictures in a folder."""
    mini.ilsvrc_archives(folder, "2010")
    files = [(name.replace("2012", "2010"), content) for name, content in change(mini.validation_files())]
    put(folder / _VAL["2010"], tar_of([(f"val/{name}", content) for name, content in files]))
    return folder


BUILDS = [in_a_folder, in_archives, in_one_archive, in_2010]


def half_lower_case(files: Files) -> Files:
    return [(name if index % 2 else name.lower(), content) for index, (name, content) in enumerate(files)]


def without_zeros(files: Files) -> Files:
    return [(re.sub("_0+", "_", name), content) for name, content in files]


@pytest.mark.parametrize("change", [half_lower_case, without_zeros])
@pytest.mark.parametrize("build", BUILDS)
def test_the_number_in_the_name_decides(build: Callable[[Path, Change], Path], change: Change, tmp_path: Path) -> None:
    layout = recognise(build(tmp_path / "there", change))
    assert len(layout.validation) == 10
    assert_labels_are_what_pictures_show(layout)


def renamed(old: str, new: str) -> Change:
    return lambda files: [(re.sub(old, new, name), content) for name, content in files]


def more(*names: str) -> Change:
    return lambda files: [*files, *((name, files[0][1]) for name in names)]


FAULTS: dict[str, tuple[Change, list[str]]] = {
    "a missing number": (lambda files: [pair for pair in files if "_00000004." not in pair[0]], ["number 4"]),
    "a number too many": (more("ILSVRC2012_val_00000011.JPEG"), ["ILSVRC2012_val_00000011.JPEG"]),
    "the number nought": (renamed("_00000010", "_00000000"), ["_val_00000000.JPEG", "number 10"]),
    "a number twice": (more("ILSVRC2012_val_00000003.png"), ["_val_00000003.png", "_val_00000003.JPEG"]),
    "a number in another case": (more("ilsvrc2012_val_00000003.jpeg"), ["ilsvrc2012_val_00000003.jpeg"]),
    "a browser's second copy": (more("ILSVRC2012_val_00000003 (1).JPEG"), ["ILSVRC2012_val_00000003 (1).JPEG"]),
    "a copy in a number's place": (
        renamed("(ILSVRC.*)_val_00000004", "ILSVRC2012_val_00000003 4"),
        ["ILSVRC2012_val_00000003 4.JPEG", "number 4"],
    ),
    "a foreign picture": (more("holiday.jpg"), ["holiday.jpg"]),
    "a foreign picture in a number's place": (
        renamed("(ILSVRC.*)_val_00000004", "holiday_0004"),
        ["holiday_0004.JPEG", "number 4"],
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("build", BUILDS)
def test_faulty_numbers_are_refused_by_name(build: Callable[[Path, Change], Path], fault: str, tmp_path: Path) -> None:
    change, says = FAULTS[fault]
    with pytest.raises(UserError) as caught:
        recognise(build(tmp_path / "there", change))
    for fragment in says:
        assert fragment in str(caught.value) or fragment.replace("2012", "2010") in str(caught.value)


@pytest.mark.parametrize("build", [in_a_folder, in_archives, in_one_archive])
def test_pictures_of_another_year_are_refused(build: Callable[[Path, Change], Path], tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"ILSVRC2010_val_0000000\d\.JPEG.*2012"):
        recognise(build(tmp_path / "there", renamed("2012", "2010")))


def test_the_same_picture_in_two_folders_of_an_archive_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"ILSVRC2012_val_00000003\.JPEG"):
        recognise(in_archives(tmp_path / "there", more("again/ILSVRC2012_val_00000003.JPEG")))


def with_class(files: Files, shift: int = 0) -> Files:
    """Names as Hugging Face gives them, which repeat the class."""
    ids = dict(zip(mini.validation_names(), mini.validation_ids(), strict=True))
    wnid = lambda name: mini.WNIDS[(ids[name] - 1 + shift) % len(mini.WNIDS)]  # noqa: E731
    return [(name.replace(".JPEG", f"_{wnid(name)}.JPEG"), content) for name, content in files]


def test_a_class_in_the_name_is_held_against_the_number(tmp_path: Path) -> None:
    assert_labels_are_what_pictures_show(recognise(in_a_folder(tmp_path / "right", with_class)))
    with pytest.raises(UserError, match=r"ILSVRC2012_val_0000000\d_n\d{8}\.JPEG"):
        recognise(in_a_folder(tmp_path / "wrong", lambda files: with_class(files, shift=1)))


@pytest.mark.parametrize("build", [mini.kaggle, mini.tiny_imagenet])
def test_lower_cased_names_find_their_rows(build: Callable[[Path], Path], tmp_path: Path) -> None:
    folder = build(tmp_path / "there")
    files = sorted(path for path in folder.rglob("val*/**/*.JPEG") if path.is_file())
    assert len(files) >= 10
    for path in files[::2]:
        path.rename(path.with_name(path.name.lower()))
    assert_labels_are_what_pictures_show(recognise(folder))


@pytest.mark.parametrize("name", ["ilsvrc2012_val_00000002.jpeg", "ILSVRC2012_val_00000002.png"])
def test_two_pictures_of_one_kaggle_id_are_refused(name: str, tmp_path: Path) -> None:
    folder = mini.kaggle(tmp_path / "there")
    val = folder / "ILSVRC" / "Data" / "CLS-LOC" / "val"
    shutil.copy(val / "ILSVRC2012_val_00000001.JPEG", val / name)
    with pytest.raises(UserError) as caught:
        recognise(folder)
    assert name in str(caught.value)
    assert "ILSVRC2012_val_00000002.JPEG" in str(caught.value)


def test_two_pictures_of_one_name_are_refused_in_a_training_archive(tmp_path: Path) -> None:
    folder = mini.ilsvrc_archives(tmp_path / "there")
    classes = mini.train_files()
    name, content = classes[mini.WNIDS[0]][0]
    classes[mini.WNIDS[0]].append((f"again/{name}", content))
    put(folder / "ILSVRC2012_img_train.tar", tar_of([(f"{wnid}.tar", tar_of(f)) for wnid, f in classes.items()]))
    with pytest.raises(UserError, match=re.escape(name)):
        recognise(folder)


def test_a_class_twice_in_a_training_archive_is_refused(tmp_path: Path) -> None:
    folder = mini.ilsvrc_archives(tmp_path / "there")
    inner = [(f"{wnid}.tar", tar_of(files)) for wnid, files in mini.train_files().items()]
    again = (f"again/{inner[0][0]}", inner[1][1])
    put(folder / "ILSVRC2012_img_train.tar", tar_of([*inner, again]))
    with pytest.raises(UserError, match=inner[0][0]):
        recognise(folder)


def test_a_patch_of_2010_finds_a_picture_in_another_case(tmp_path: Path) -> None:
    folder = in_2010(tmp_path / "there", lambda files: [(name.lower(), content) for name, content in files])
    content = mini.encoded(mini.colour(recognise(folder).validation[0].label, 999))
    put(folder / "patch_images.tar", tar_of([("patch_images/val/ILSVRC2010_val_00000001.JPEG", content)]))
    layout = recognise(folder)
    assert layout.read(layout.validation[0]) == content

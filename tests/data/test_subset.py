"""Subsets: deterministic, whole or not at all, and the pixels that preparing the whole would give."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from repro.data.layouts.recognise import recognise
from repro.data.preparation.decoding import decode
from repro.data.preparation.resizing import resize_and_crop
from repro.data.preparation.subset import make_subset
from repro.errors import UserError
from repro.files import read_json
from tests.data import miniatures
from tests.data.miniatures import SORTED, put, shown_class
from tests.small_project import Place, did, repro, the_error


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", miniatures.LAYOUTS)
def test_a_subset_of_any_layout_is_an_image_folder(name: str, tmp_path: Path) -> None:
    source = recognise(miniatures.LAYOUTS[name][0](tmp_path / "there"))
    record = make_subset(source, tmp_path / "out", 3, 2, 16, 0, 1)
    subset = recognise(tmp_path / "out")
    assert subset.name == "image-folder"
    assert subset.classes == tuple(record["classes"])
    assert subset.counts_per_class("train") == [2, 2, 2]
    assert subset.counts_per_class("validation") == [1, 1, 1]
    assert dict(subset.class_titles) == {
        wnid: source.class_titles[wnid] for wnid in subset.classes if wnid in source.class_titles
    }
    for picture in (*subset.train, *subset.validation):
        content = subset.read(picture)
        assert isinstance(content, bytes)
        pixels = decode(content, picture.name).pixels
        assert pixels.shape == (16, 16, 3)
        assert source.classes[shown_class(pixels)] == subset.classes[picture.label]


def test_pixels_are_those_of_preparing_the_whole(tmp_path: Path) -> None:
    folder = miniatures.image_folder(tmp_path / "d")
    record = make_subset(recognise(folder), tmp_path / "out", 2, 3, 12, 1)
    for target, name in record["pictures"]["train"].items():
        whole = decode((folder / "train" / name).read_bytes(), name).pixels
        np.testing.assert_array_equal(
            np.asarray(Image.open(tmp_path / "out" / "train" / target)), resize_and_crop(whole, 12)
        )


def test_the_same_call_gives_the_same_files_and_another_seed_others(tmp_path: Path) -> None:
    source = recognise(miniatures.tiny_imagenet(tmp_path / "d"))
    for out, seed in (("a", 0), ("b", 0), ("c", 1)):
        make_subset(source, tmp_path / out, 3, 4, 16, seed)
    assert files(tmp_path / "a") == files(tmp_path / "b")
    assert files(tmp_path / "a").keys() != files(tmp_path / "c").keys()


def test_the_record_is_complete(tmp_path: Path) -> None:
    source = recognise(miniatures.image_folder(tmp_path / "d"))
    record = make_subset(source, tmp_path / "out", 2, 3, 16, 5)
    assert read_json(tmp_path / "out" / "subset.json") == record
    assert record["source"] == {"layout": "image-folder", "digest": source.digest()}
    assert (record["size"], record["seed"], record["format"]) == (16, 5, "PNG")
    assert record["counts"] == {"train": 6, "val": 4}


def test_pictures_of_the_same_name_in_deeper_folders_stay_two(tmp_path: Path) -> None:
    folder = miniatures.image_folder(tmp_path / "d")
    content = next((folder / "train" / SORTED[0]).glob("a*")).read_bytes()
    for name in ("x/1.jpg", "y/1.jpg", "1.jpg", "1.jpeg"):
        put(folder / "train" / SORTED[0] / name, content)
    make_subset(recognise(folder), tmp_path / "out", 5, 4, 16, 0)
    assert len(recognise(tmp_path / "out").train) == 20


def test_pictures_keep_their_base_names_whatever_the_folders(tmp_path: Path) -> None:
    make_subset(recognise(miniatures.tiny_imagenet(tmp_path / "d")), tmp_path / "out", 5, 4, 16, 0)
    names = [path.name for path in (tmp_path / "out" / "train").glob("*/*")]
    assert len(names) == 20
    assert all(re.fullmatch(r"n\d+_\d+\.png", name) for name in names), names


@pytest.mark.parametrize(
    ("classes", "per_class", "held_out", "message"),
    [
        (6, 1, None, "asks for 6 classes, 5 are available"),
        (2, 5, None, "has 4 train pictures, 5 are asked for"),
        (2, 1, 3, "has 2 validation pictures, 3 are asked for"),
        (1, 1, None, "only 1 class"),
    ],
)
def test_impossible_subsets(classes: int, per_class: int, held_out: int | None, message: str, tmp_path: Path) -> None:
    source = recognise(miniatures.image_folder(tmp_path / "d"))
    with pytest.raises(UserError, match=message):
        make_subset(source, tmp_path / "out", classes, per_class, 16, 0, held_out)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["d"]


def test_an_existing_folder_is_never_touched(tmp_path: Path) -> None:
    source = recognise(miniatures.image_folder(tmp_path / "d"))
    put(tmp_path / "out" / "mine.txt", "mine")
    with pytest.raises(UserError, match="exists already"):
        make_subset(source, tmp_path / "out", 2, 1, 16, 0)
    assert files(tmp_path / "out") == {"mine.txt": b"mine"}


def test_not_into_the_users_pictures(tmp_path: Path) -> None:
    source = recognise(miniatures.image_folder(tmp_path / "d"))
    with pytest.raises(UserError, match="nothing is ever written"):
        make_subset(source, tmp_path / "d" / "out", 2, 1, 16, 0)


def test_a_missing_parent(tmp_path: Path) -> None:
    source = recognise(miniatures.image_folder(tmp_path / "d"))
    with pytest.raises(UserError, match="is not a folder"):
        make_subset(source, tmp_path / "no" / "out", 2, 1, 16, 0)


def test_a_bad_picture_leaves_nothing_behind(tmp_path: Path) -> None:
    folder = miniatures.image_folder(tmp_path / "d")
    for path in folder.glob("train/*/a*"):
        put(path, b"")
    with pytest.raises(UserError, match=r"a 0's\.jpeg: the file is empty|empty \(zero bytes\)"):
        make_subset(recognise(folder), tmp_path / "out", 2, 1, 16, 0)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["d"]


# ---- which pictures a name stands for --------------------------------------------------------------------

SMALL = ("--classes", "2", "--per-class", "1")


def source_of(folder: Path) -> str:
    return str(read_json(folder / "subset.json")["source"]["layout"])


def test_a_registered_name_is_not_shadowed_by_a_folder_of_that_name(place: Place) -> None:
    (place.root / "colours").mkdir()
    answer = did(place.root, "subset", "colours", "../out", *SMALL)
    assert source_of(place.folder / "out") == "image-folder"
    assert "./colours" in answer.err


def test_a_folder_is_named_by_its_path(place: Place) -> None:
    miniatures.tiny_imagenet(place.root / "colours")
    miniatures.tiny_imagenet(place.root / "other")
    for number, path in enumerate(("./colours", "other", str(place.root / "colours"))):
        out = place.folder / f"out {number}"
        assert "registered" not in did(place.root, "subset", path, str(out), *SMALL).err
        assert source_of(out) == "tiny-imagenet"


def test_the_folder_that_is_registered_under_its_own_name_needs_no_words(place: Place) -> None:
    answer = did(place.folder, "subset", str(place.colours), "out", *SMALL)
    assert answer.err == ""
    (place.root / "colours").symlink_to(place.colours)
    assert "./colours" not in did(place.root, "subset", "colours", "../again", *SMALL).err


def test_outside_a_project_a_folder_is_enough(tmp_path: Path) -> None:
    miniatures.image_folder(tmp_path / "mine")
    did(tmp_path, "subset", "mine", "out", *SMALL)
    assert "no params.yaml" in the_error(repro(tmp_path, "subset", "nothing", "out2", *SMALL))


def test_what_was_passed_over_is_told(place: Place) -> None:
    miniatures.image_folder(place.mine)
    put(place.mine / "train" / SORTED[0] / "@eaDir" / "x.jpg", "x")
    put(place.mine / "train" / SORTED[0] / "x.jfif", "x")
    told = [did(place.root, "use-data", "../mine", "--as", "mine").err]
    told.append(did(place.root, "subset", "mine", "../out", *SMALL).err)
    for said in told:
        assert "@eaDir" in said
        assert "x.jfif" in said

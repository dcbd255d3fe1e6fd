"""Names that are no text, of two Unicode forms, or too long; links that lead nowhere or round in a circle."""

from __future__ import annotations

import os
import shutil
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

from repro.data.layouts.recognise import recognise
from repro.data.preparation.subset import make_subset
from repro.data.registration import load_manifest, use_data
from repro.errors import UserError
from tests.data import miniatures as mini
from tests.data.miniatures import SORTED, put, tar_of
from tests.data.reading import assert_labels_are_what_pictures_show
from tests.data.test_left_lying_about import packed
from tests.small_project import Place, repro, the_error

CLASSES = ("crème", "jalapeño", "naïve", "touché", "über")  # in one order, whatever the form
LATIN = os.fsdecode("caf\xe9".encode("latin-1"))
A = SORTED[0]


def form(folder: Path, form: str) -> None:
    """Give the folders in `folder` the names that a file system of that form gives them."""
    for path in list(folder.iterdir()):
        path.rename(path.with_name(unicodedata.normalize(form, path.name)))


def accents(folder: Path) -> Path:
    """An ImageFolder of five classes whose names have accents, composed as typed on Linux (NFC)."""
    return mini.image_folder(folder, tuple(sorted(CLASSES)))


# ---- Unicode forms -------------------------------------------------------------------------------------


@pytest.mark.parametrize("split", ["train", "val"])
def test_the_same_class_in_two_unicode_forms_is_one_class(split: str, tmp_path: Path) -> None:
    folder = accents(tmp_path / "there")
    form(folder / split, "NFD")
    for path in (folder, packed(folder)):
        layout = recognise(path)
        assert layout.counts_per_class("train") == [4] * 5
        assert layout.counts_per_class("validation") == [2] * 5
        assert_labels_are_what_pictures_show(layout)


@pytest.mark.parametrize("spelled", ["NFC", "NFD"])
def test_tables_find_their_class_in_either_form(spelled: str, tmp_path: Path) -> None:
    folder = accents(tmp_path / "there")
    put(folder / "wnids.txt", "".join(f"{unicodedata.normalize(spelled, name)}\n" for name in CLASSES))
    put(folder / "words.txt", "".join(f"{unicodedata.normalize(spelled, name)}\twords\n" for name in CLASSES))
    for other in ("NFC", "NFD"):
        for split in ("train", "val"):
            form(folder / split, other)
        assert set(recognise(folder).class_titles.values()) == {"words"}
        assert len(recognise(folder).class_titles) == 5


@pytest.mark.parametrize("splits", [["train"], ["val"], ["train", "val"]])
def test_one_class_in_both_forms_is_refused(splits: list[str], tmp_path: Path) -> None:
    folder = accents(tmp_path / "there")
    for split in splits:
        name = folder / split / "crème"
        shutil.copytree(name, name.with_name(unicodedata.normalize("NFD", name.name)))
    with pytest.raises(UserError, match=r"there/(train|val).*crème.*Unicode form"):
        recognise(folder)


def test_pictures_of_both_forms_stay_two(tmp_path: Path) -> None:
    """Within a class a name's form decides nothing."""
    folder = mini.image_folder(tmp_path / "there")
    for index, spelled in enumerate(("NFC", "NFD")):
        put(folder / "train" / A / unicodedata.normalize(spelled, "é.png"), mini.encoded(mini.colour(0, index), "PNG"))
    assert len(recognise(folder).train) == 22


# ---- names that are no text ----------------------------------------------------------------------------


def latin_class(folder: Path) -> Path:
    mini.image_folder(folder)
    for split in ("train", "val"):
        (folder / split / A).rename(folder / split / LATIN)
    return folder


def latin_picture(folder: Path) -> Path:
    mini.image_folder(folder)
    for path in [*folder.rglob("a 0's.jpeg"), *folder.rglob("0.JPEG")]:
        path.rename(path.with_name(f"{LATIN}.jpeg"))
    return folder


def in_a_tar(folder: Path) -> Path:
    """Such a class in an archive, where it may stand on a system whose own names are all text."""
    files = mini.image_folder(folder.parent / "tree")
    members = [(str(path.relative_to(files)), path.read_bytes()) for path in files.rglob("*") if path.is_file()]
    return put(folder, tar_of([(name.replace(A, LATIN), content) for name, content in members]))


@pytest.mark.parametrize("build", [latin_class, in_a_tar])
def test_a_class_whose_name_is_no_text_is_one_sentence_at_registration(
    build: Callable[[Path], Path], place: Place
) -> None:
    build(place.folder / "mine.tar" if build is in_a_tar else place.mine)
    sentence = the_error(
        repro(
            place.root, "use-data", str(place.folder / "mine.tar" if build is in_a_tar else place.mine), "--as", "mine"
        )
    )
    assert r"caf\xe9" in sentence
    assert "UTF-8" in sentence


def test_pictures_whose_names_are_no_text_are_prepared(place: Place) -> None:
    latin_picture(place.mine)
    place.use(place.mine, "mine")
    assert repro(place.root, "prepare", "small").code == 0
    assert (
        repro(place.root, "subset", "mine", str(place.folder / "out"), "--classes", "2", "--per-class", "4").code == 0
    )
    assert len(recognise(place.folder / "out").train) == 8


def test_a_place_whose_name_is_no_text(place: Place) -> None:
    """The folder above the classes is the user's own affair."""
    folder = mini.image_folder(place.folder / LATIN)
    assert repro(place.root, "use-data", str(folder), "--as", "mine").code == 0
    out = place.folder / f"{LATIN} out"
    assert repro(place.root, "subset", "mine", str(out), "--classes", "2", "--per-class", "1").code == 0
    assert repro(place.root, "use-data", str(out), "--as", "out").code == 0
    assert load_manifest(place.root, "out")["counts"]["train"] == 2


# ---- names that are too long ---------------------------------------------------------------------------


def deep(folder: Path) -> Path:
    """Pictures whose path below the class is longer than a name may be."""
    mini.image_folder(folder)
    for label, wnid in enumerate(SORTED):
        for index in range(4):
            below = "/".join([f"a rather long name of a folder {number}" for number in range(8)])
            put(folder / "train" / wnid / below / f"{index}.jpeg", mini.encoded(mini.colour(label, 500 + index)))
    return folder


def test_subset_shortens_names_that_are_too_long(tmp_path: Path) -> None:
    source = recognise(deep(tmp_path / "there"))
    first = make_subset(source, tmp_path / "first", 5, 8, 16, 0)
    second = make_subset(source, tmp_path / "second", 5, 8, 16, 0)
    assert first == second
    layout = recognise(tmp_path / "first")
    assert layout.counts_per_class("train") == [8] * 5
    assert_labels_are_what_pictures_show(layout)


@pytest.mark.parametrize("letters", [240, 300])
def test_a_new_folder_whose_name_is_too_long_or_nearly(letters: int, place: Place) -> None:
    out = place.folder / ("x" * letters)
    answer = repro(place.root, "subset", "colours", str(out), "--classes", "2", "--per-class", "1")
    if letters < 255:
        assert answer.code == 0
        assert len(recognise(out).train) == 2
    else:
        sentence = the_error(answer)
        assert "name too long" in sentence
        assert "kept" not in sentence


def test_a_subset_on_a_full_disk_promises_nothing(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, content: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    sentence = the_error(
        repro(place.root, "subset", "colours", str(place.folder / "out"), "--classes", "2", "--per-class", "1")
    )
    assert "No space left" in sentence
    assert "kept" not in sentence
    assert not list(place.folder.glob("*out*"))


def test_a_subset_without_room_is_not_sent_to_the_store(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """It goes where its user says; only `prepare` writes to the store."""
    usage = shutil.disk_usage(place.folder)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1000))
    out = place.folder / "out"
    sentence = the_error(repro(place.root, "subset", "colours", str(out), "--classes", "2", "--per-class", "1"))
    assert "GB are free; make room or give a folder on another disk" in sentence
    assert "store" not in sentence.lower().replace(str(place.folder).lower(), "")
    shutil.rmtree(place.store / "pictures")
    assert "REPRO_STORE" in the_error(repro(place.root, "prepare", "small"))


@pytest.mark.parametrize("command", [["use-data", "{}", "--as", "mine"], ["subset", "{}", "out"]])
@pytest.mark.parametrize("path", ["x" * 300, "/".join(["x" * 200] * 30)])
def test_a_path_that_is_too_long(path: str, command: list[str], place: Place) -> None:
    sentence = the_error(repro(place.root, *[word.format(f"./{path}") for word in command]))
    assert "name too long" in sentence


# ---- links ---------------------------------------------------------------------------------------------


def link(path: str, target: str) -> Callable[[Path], None]:
    return lambda folder: (folder / path).symlink_to(target)


def several(*spoils: Callable[[Path], None]) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        for one in spoils:
            one(folder)

    return spoil


CIRCLES: dict[str, Callable[[Path], None]] = {
    "a picture to itself": link(f"train/{A}/x.jpeg", "x.jpeg"),
    "two pictures": several(link(f"train/{A}/x.jpeg", "y.jpeg"), link(f"train/{A}/y.jpeg", "x.jpeg")),
    "a class to itself": link("train/x", "x"),
    "two classes": several(link("train/x", "y"), link("train/y", "x")),
    "two folders that hold each other": several(
        link(f"train/{A}/x", f"../{SORTED[1]}"), link(f"train/{SORTED[1]}/y", f"../{A}")
    ),
    "three folders that hold each other": several(
        link(f"train/{A}/x", f"../{SORTED[1]}"),
        link(f"train/{SORTED[1]}/y", f"../{SORTED[2]}"),
        link(f"train/{SORTED[2]}/z", f"../{A}"),
    ),
    "a folder above": link(f"train/{A}/up", "../.."),
    "a table": link("wnids.txt", "wnids.txt"),
    "a split": several(lambda folder: shutil.rmtree(folder / "val"), link("val", "val")),
}


@pytest.mark.parametrize("circle", CIRCLES)
def test_circles_of_links_are_one_sentence(circle: str, place: Place) -> None:
    folder = mini.image_folder(place.mine)
    CIRCLES[circle](folder)
    for path in (folder, packed(folder)):
        sentence = the_error(repro(place.root, "use-data", str(path), "--as", "mine"))
        assert "circle" in sentence or "symbolic links" in sentence or "holds it" in sentence, sentence


def test_the_given_path_is_a_link_to_itself_or_to_nothing(place: Place) -> None:
    for name, target, says in (("loop", "loop", "symbolic links"), ("gone", "nowhere", "does not exist")):
        (place.folder / name).symlink_to(target)
        for command in (["use-data", str(place.folder / name), "--as", "mine"], ["subset", f"../{name}", "../out"]):
            assert says in the_error(repro(place.root, *command))


def test_links_that_make_no_circle_are_followed(tmp_path: Path) -> None:
    """The same folder twice below a class, by way of two links: as often as it is linked."""
    folder = mini.image_folder(tmp_path / "there")
    put(folder / "elsewhere" / "1.jpeg", mini.encoded(mini.colour(0, 900)))
    for name in ("x", "y"):
        (folder / "train" / A / name).symlink_to("../../elsewhere")
    assert recognise(folder).counts_per_class("train")[0] == 6


def test_registration_of_a_link_keeps_the_link(place: Place) -> None:
    """What a pointer says is what was typed, so that the target may move."""
    (place.folder / "link").symlink_to(mini.image_folder(place.mine))
    use_data(place.folder / "link", "mine", place.root)
    assert str(place.folder / "link") in (place.root / ".data-paths.json").read_text()

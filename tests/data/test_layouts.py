"""Every layout is recognised by name, and every label is what the picture shows."""

from __future__ import annotations

import os
import shutil
import tarfile
from pathlib import Path

import pytest

from repro.data.layouts.recognise import recognise
from repro.data.layouts.trees.archive import Archive
from repro.errors import UserError
from tests.data import miniatures
from tests.data.miniatures import LAYOUTS, SORTED, put, shown_class, tar_of
from tests.data.reading import pixels_of


@pytest.mark.parametrize("name", LAYOUTS)
def test_layout_is_named_and_every_label_is_what_the_picture_shows(name: str, tmp_path: Path) -> None:
    build, train, validation = LAYOUTS[name]
    layout = recognise(build(tmp_path / "there"))
    assert layout.name == name.partition(" in ")[0]
    assert len(layout.train) == train
    assert len(layout.validation) == validation
    assert list(layout.classes) == sorted(layout.classes)
    for split in ("train", "validation"):
        pictures = layout.pictures(split)
        assert [picture.name for picture in pictures] == sorted(picture.name for picture in pictures)
        for picture in pictures:
            assert shown_class(pixels_of(layout, picture)) == picture.label, picture
            assert picture.split == split
            assert picture.size > 0
    assert sum(layout.counts_per_class("train")) == train
    assert min(layout.counts_per_class("validation")) > 0


def test_two_classes_of_the_same_words_stay_two(tmp_path: Path) -> None:
    layout = recognise(miniatures.ilsvrc_archives(tmp_path))
    assert layout.classes == SORTED
    assert layout.class_titles["n02012849"] == layout.class_titles["n03126707"] == "crane"


@pytest.mark.parametrize("build", [miniatures.kaggle, miniatures.tiny_imagenet, miniatures.ilsvrc_folders])
def test_titles_come_along(build, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    assert recognise(build(tmp_path / "d")).class_titles == miniatures.WORDS


def test_archives_and_folders_of_the_same_pictures_have_the_same_digest(tmp_path: Path) -> None:
    packed = recognise(miniatures.ilsvrc_archives(tmp_path / "tars"))
    unpacked = recognise(miniatures.ilsvrc_folders(tmp_path / "folders"))
    assert packed.digest() == unpacked.digest()
    assert [p.name for p in packed.validation] == [p.name for p in unpacked.validation]


def test_digest_does_not_depend_on_the_order_in_which_files_were_made(tmp_path: Path) -> None:
    first = miniatures.image_folder(tmp_path / "first")
    files = sorted((path for path in first.rglob("*") if path.is_file()), reverse=True)
    for path in files:
        put(tmp_path / "second" / path.relative_to(first), path.read_bytes())
    assert recognise(first).digest() == recognise(tmp_path / "second").digest()


@pytest.mark.parametrize("change", ["longer", "renamed", "gone", "other class"])
def test_digest_notices(change: str, tmp_path: Path) -> None:
    folder = miniatures.image_folder(tmp_path / "d")
    before = recognise(folder).digest()
    victim = sorted((folder / "train" / SORTED[0]).glob("a*"))[0]
    if change == "longer":
        put(victim, victim.read_bytes() + b"x")
    elif change == "renamed":
        victim.rename(victim.with_name("b.jpeg"))
    elif change == "gone":
        victim.unlink()
    else:
        victim.rename(folder / "train" / SORTED[1] / "b.jpeg")
    assert recognise(folder).digest() != before


def test_cifar_digest_notices_a_changed_pixel(tmp_path: Path) -> None:
    folder = miniatures.cifar10_batches(tmp_path)
    before = recognise(folder).digest()
    path = folder / "cifar-10-batches-py" / "data_batch_3"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert recognise(folder).digest() != before


def test_a_single_top_folder_is_seen_through(tmp_path: Path) -> None:
    miniatures.tiny_imagenet(tmp_path / "download" / "tiny-imagenet-200")
    assert recognise(tmp_path / "download").name == "tiny-imagenet"


def test_unpacked_ilsvrc_with_sorted_validation_folders_is_an_image_folder(tmp_path: Path) -> None:
    folder = miniatures.ilsvrc_folders(tmp_path)
    names = dict(zip(miniatures.validation_names(), miniatures.validation_ids(), strict=True))
    for name, number in names.items():
        target = folder / "val" / miniatures.WNIDS[number - 1]
        target.mkdir(exist_ok=True)
        (folder / "val" / name).rename(target / name)
    layout = recognise(folder)
    assert layout.name == "ilsvrc-folders"
    assert [shown_class(pixels_of(layout, p)) for p in layout.validation] == [p.label for p in layout.validation]


def test_sorted_validation_folders_are_held_against_the_devkit(tmp_path: Path) -> None:
    folder = miniatures.image_folder(tmp_path)
    put(folder / "ILSVRC2012_devkit_t12.tar.gz", miniatures.devkit(counts=9))
    layout = recognise(folder)
    assert layout.name == "ilsvrc-folders"
    assert layout.class_titles == miniatures.WORDS
    assert "4 of 9" in layout.notes[0]
    for split in ("train", "val"):
        shutil.rmtree(folder / split / SORTED[2])
    with pytest.raises(UserError, match=f"lacks 1 of the 5 classes.*{SORTED[2]}"):
        recognise(folder)


def test_patch_archive_replaces_pictures_of_2010(tmp_path: Path) -> None:
    folder = miniatures.ilsvrc_archives(tmp_path, "2010")
    assert any("patch_images.tar is not there" in note for note in recognise(folder).notes)
    first = recognise(folder).validation[0]
    content = miniatures.encoded(miniatures.colour(first.label, 999))
    put(folder / "patch_images.tar", tar_of([(f"patch_images/val/{first.name}", content)]))
    layout = recognise(folder)
    assert layout.read(layout.validation[0]) == content
    assert any("1 pictures replaced" in note for note in layout.notes)


def test_a_class_with_fewer_pictures_than_the_devkit_lists_is_noted(tmp_path: Path) -> None:
    folder = miniatures.ilsvrc_archives(tmp_path)
    assert recognise(folder).notes == ()
    put(folder / "ILSVRC2012_devkit_t12.tar.gz", miniatures.devkit(counts=1300))
    assert "n01440764 4 of 1300" in recognise(folder).notes[0]


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_archive_reads_what_tarfile_reads(form: int, tmp_path: Path) -> None:
    long = "folder/" * 30 + "ä picture with a long name.jpeg"
    files = [("a.jpeg", b"1"), (long if form != tarfile.USTAR_FORMAT else "b/c", b"2" * 700), ("empty", b"")]
    archive = Archive(put(tmp_path / "x.tar", tar_of(files, form=form)))
    members = list(archive.members())
    assert [(m.name, archive.read(m.offset, m.size)) for m in members] == files


def test_links_are_followed_but_never_into_a_circle(tmp_path: Path) -> None:
    folder = miniatures.image_folder(tmp_path / "d")
    shutil.move(folder / "train", tmp_path / "elsewhere")
    (folder / "train").symlink_to(tmp_path / "elsewhere")
    assert len(recognise(folder).train) == 20


def test_reading_uses_no_names_of_the_machine(tmp_path: Path) -> None:
    layout = recognise(miniatures.image_folder(tmp_path / "d"))
    assert not any(os.sep + "tmp" in picture.name for picture in layout.train)
    assert str(tmp_path) in layout.train[0].shown()

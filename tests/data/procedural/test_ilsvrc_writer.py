"""Pictures written as ILSVRC2012 comes are read back right, by torchvision and by our own reader."""

from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.io import loadmat

from repro.data.layouts.recognise import recognise
from repro.data.procedural.ilsvrc_writer import DEVKIT_ARCHIVE, TRAIN_ARCHIVE, VALIDATION_ARCHIVE, write_ilsvrc
from repro.errors import UserError

WNIDS = ("n90000001", "n90000003", "n90000004", "n90000007", "n90000009")
TITLES = dict(zip(WNIDS, ("crane", "kit fox, Vulpes", "disc", "bar", "ox"), strict=True))


def _picture(label: int, number: int) -> bytes:
    """A plain picture whose red says its class and whose green says its number."""
    buffer = io.BytesIO()
    Image.new("RGB", (24, 16), (40 * label + 20, 20 * number + 10, 90)).save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


def _class_of(picture: Image.Image) -> int:
    return round((np.asarray(picture.convert("RGB"))[..., 0].mean() - 20) / 40)


def _splits(train: int = 3, validation: int = 2) -> dict[str, dict[str, list[bytes]]]:
    return {
        split: {wnid: [_picture(label, number + first) for number in range(count)] for label, wnid in enumerate(WNIDS)}
        for split, count, first in (("train", train, 0), ("validation", validation, 6))
    }


def test_equal_arguments_give_equal_bytes(tmp_path: Path) -> None:
    write_ilsvrc(tmp_path / "one", _splits(), TITLES)
    shuffled = {split: dict(reversed(classes.items())) for split, classes in _splits().items()}
    write_ilsvrc(tmp_path / "two", shuffled, dict(reversed(TITLES.items())))
    names = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert names == sorted([TRAIN_ARCHIVE, VALIDATION_ARCHIVE, DEVKIT_ARCHIVE])
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes(), name


def test_headers_do_not_say_who_wrote_the_archives_or_when(tmp_path: Path) -> None:
    write_ilsvrc(tmp_path, _splits(), TITLES)
    for name in (TRAIN_ARCHIVE, VALIDATION_ARCHIVE, DEVKIT_ARCHIVE):
        with tarfile.open(tmp_path / name) as archive:
            for member in archive:
                assert (member.mtime, member.uid, member.gid, member.uname, member.gname) == (0, 0, 0, "", "")
    assert (tmp_path / DEVKIT_ARCHIVE).read_bytes()[4:8] == bytes(4)  # gzip's own time


def test_torchvision_reads_every_label_right(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    imagenet = pytest.importorskip("torchvision.datasets.imagenet")
    write_ilsvrc(tmp_path, _splits(), TITLES)
    names = {"train": TRAIN_ARCHIVE, "val": VALIDATION_ARCHIVE, "devkit": DEVKIT_ARCHIVE}
    sums = {
        part: (name, hashlib.md5((tmp_path / name).read_bytes(), usedforsecurity=False).hexdigest())
        for part, name in names.items()
    }
    monkeypatch.setattr(imagenet, "ARCHIVE_META", sums)
    for split, count in (("train", 15), ("val", 10)):
        pictures = imagenet.ImageNet(str(tmp_path), split=split)
        assert len(pictures) == count
        assert tuple(pictures.wnids) == WNIDS
        assert pictures.classes[1] == ("kit fox", "Vulpes")
        for picture, label in pictures:
            assert _class_of(picture) == label


def test_our_reader_reads_every_label_right(tmp_path: Path) -> None:
    labels = write_ilsvrc(tmp_path, _splits(), TITLES)
    layout = recognise(tmp_path)
    assert layout.classes == WNIDS
    assert dict(layout.class_titles) == TITLES
    assert layout.notes == ()
    for split in ("train", "validation"):
        pictures = layout.pictures(split)
        assert sorted(picture.label for picture in pictures) == sorted(labels[split])
        for picture in pictures:
            assert _class_of(Image.open(io.BytesIO(layout.read(picture)))) == picture.label
    assert [picture.label for picture in layout.validation] == labels["validation"]


@pytest.mark.parametrize("classes", [2, 3, 4, 5])
def test_no_id_is_the_sorted_position_plus_one(tmp_path: Path, classes: int) -> None:
    """As in the original: a reader that takes ids for positions gets every label wrong."""
    titles = {wnid: TITLES[wnid] for wnid in WNIDS[:classes]}
    splits = {split: {wnid: group[wnid] for wnid in titles} for split, group in _splits().items()}
    write_ilsvrc(tmp_path, splits, titles)
    with tarfile.open(tmp_path / DEVKIT_ARCHIVE) as kit:
        meta = kit.extractfile("ILSVRC2012_devkit_t12/data/meta.mat").read()
        lines = kit.extractfile("ILSVRC2012_devkit_t12/data/ILSVRC2012_validation_ground_truth.txt").read()
    table = loadmat(io.BytesIO(meta), squeeze_me=True)["synsets"]
    leaves = [row for row in table if row["num_children"] == 0]
    assert [int(row["ILSVRC2012_ID"]) for row in leaves] == list(range(1, classes + 1))
    assert all(sorted(titles).index(str(row["WNID"])) + 1 != int(row["ILSVRC2012_ID"]) for row in leaves)
    assert len(table) == classes + 1
    assert sorted(map(int, lines.split())) == sorted(2 * list(range(1, classes + 1)))


def test_validation_pictures_are_mixed(tmp_path: Path) -> None:
    labels = write_ilsvrc(tmp_path, _splits(validation=6), TITLES)["validation"]
    assert labels != sorted(labels)


def test_classes_may_have_different_counts(tmp_path: Path) -> None:
    splits = _splits()
    splits["train"][WNIDS[2]] = splits["train"][WNIDS[2]][:1]
    splits["validation"][WNIDS[0]] = []
    write_ilsvrc(tmp_path, splits, TITLES)
    layout = recognise(tmp_path)
    assert layout.counts_per_class("train") == [3, 3, 1, 3, 3]
    assert layout.counts_per_class("validation") == [0, 2, 2, 2, 2]


@pytest.mark.parametrize("split", ["train", "validation"])
def test_a_split_without_one_of_the_classes_is_refused(tmp_path: Path, split: str) -> None:
    splits = _splits()
    del splits[split][WNIDS[1]]
    with pytest.raises(UserError, match=f"the {split} pictures have classes"):
        write_ilsvrc(tmp_path, splits, TITLES)
    assert not any(tmp_path.iterdir())


def test_a_class_without_training_pictures_is_refused(tmp_path: Path) -> None:
    splits = _splits()
    splits["train"][WNIDS[1]] = []
    with pytest.raises(UserError, match=WNIDS[1]):
        write_ilsvrc(tmp_path, splits, TITLES)
    with pytest.raises(UserError, match="validation"):
        write_ilsvrc(tmp_path, _splits(validation=0), TITLES)

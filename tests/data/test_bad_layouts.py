"""Faulty collections: one clear error each, naming what is wrong."""

from __future__ import annotations

import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from repro.data.layouts.recognise import recognise
from repro.errors import UserError
from tests.data import miniatures as mini
from tests.data.miniatures import put, tar_of

Build = Callable[[Path], Path]
_KIT = "ILSVRC2012_devkit_t12.tar.gz"
_TRAIN, _VAL = "ILSVRC2012_img_train.tar", "ILSVRC2012_img_val.tar"
_BATCH = "cifar-10-batches-py/data_batch_2"
CASES: dict[str, tuple[Build, list[str]]] = {}


def case(name: str, *fragments: str) -> Callable[[Build], Build]:
    def add(build: Build) -> Build:
        CASES[name] = (build, list(fragments))
        return build

    return add


def remove(build: Build, *paths: str) -> Build:
    def without(folder: Path) -> Path:
        build(folder)
        for path in paths:
            target = folder / path
            shutil.rmtree(target) if target.is_dir() else target.unlink()
        return folder

    return without


def replace(build: Build, path: str, content: bytes | str | Callable[[bytes], bytes]) -> Build:
    def changed(folder: Path) -> Path:
        build(folder)
        target = folder / path
        put(target, content(target.read_bytes()) if callable(content) else content)
        return folder

    return changed


def cut(share: float) -> Callable[[bytes], bytes]:
    return lambda content: content[: int(len(content) * share)]


def inner_tars(change: Callable[[list[tuple[str, bytes]]], list[tuple[str, bytes]]]) -> bytes:
    return tar_of(change([(f"{wnid}.tar", tar_of(files)) for wnid, files in mini.train_files().items()]))


def batch(**changes: object) -> bytes:
    return pickle.dumps({**pickle.loads(mini.cifar10_parts()["data_batch_2"]), **changes}, protocol=2)


class Evil:
    """What a hostile pickle does when it is loaded."""

    def __reduce__(self) -> tuple[object, ...]:
        return os.system, ("touch /tmp/alexnet-repro-was-here",)


W = mini.SORTED[1]
CASES |= {
    # nothing there, or nothing known
    "missing path": (lambda folder: folder / "nowhere", ["does not exist"]),
    "empty folder": (
        lambda folder: (folder.mkdir(), folder)[1],
        ["no known layout", "nothing", "Tiny-ImageNet"],
    ),
    "unknown folder": (lambda f: put(f / "a.csv", "x").parent, ["no known layout", "a.csv", "ImageFolder"]),
    "a text file": (lambda f: put(f / "a.txt", "x"), ["neither a folder nor an archive", "Known layouts"]),
    "a zip": (lambda f: put(f / "a.zip", b"PK"), ["a.zip", "compressed", "unpack it"]),
    "a compressed ImageFolder": (
        lambda f: put(f / "a.tar.gz", tar_of([("train/a/1.jpeg", b"x")], mode="w:gz")),
        ["compressed", "unpack it"],
    ),
    "a tar that is none": (lambda f: put(f / "a.tar", b"x" * 2000), ["a.tar", "is not an uncompressed tar"]),
    "an empty tar file": (lambda f: put(f / "a.tar", b""), ["a.tar", "cut short"]),
    "one of the archives": (lambda f: mini.ilsvrc_archives(f) / _TRAIN, ["give the folder", _TRAIN]),
    "downsampled batches": (
        lambda f: put(f / "train_data_batch_1", b"x").parent,
        ["downsampled", "not supported"],
    ),
    "cifar binary": (
        lambda f: put(f / "cifar-10-batches-bin" / "batches.meta.txt", "x").parent.parent,
        ["binary version", "cifar-10-python"],
    ),
    # ILSVRC as downloaded
    "no devkit": (remove(mini.ilsvrc_archives, _KIT), ["no development kit", _KIT]),
    "no validation archive": (remove(mini.ilsvrc_archives, _VAL), [_VAL, "put it beside"]),
    "no training archive": (remove(mini.ilsvrc_archives, _TRAIN), [_TRAIN, "put it beside"]),
    "train tar cut in half": (replace(mini.ilsvrc_archives, _TRAIN, cut(0.5)), [_TRAIN, "cut short"]),
    "val tar cut in half": (replace(mini.ilsvrc_archives, _VAL, cut(0.5)), [_VAL, "cut short"]),
    "val tar cut at a member's end": (
        replace(mini.ilsvrc_archives, _VAL, lambda content: content[:1024]),
        [_VAL, "cut short"],
    ),
    "val tar empty": (replace(mini.ilsvrc_archives, _VAL, b""), [_VAL, "cut short"]),
    "val tar damaged": (
        replace(mini.ilsvrc_archives, _VAL, lambda content: content[:1536] + b"\xff" * 512 + content[2048:]),
        [_VAL, "damaged"],
    ),
    "devkit cut in half": (replace(mini.ilsvrc_archives, _KIT, cut(0.5)), [_KIT, "development kit"]),
    "devkit empty": (replace(mini.ilsvrc_archives, _KIT, b""), [_KIT, "development kit"]),
    "devkit without ground truth": (
        replace(mini.ilsvrc_archives, _KIT, tar_of([("d/data/meta.mat", b"x")], mode="w:gz")),
        [_KIT, "validation_ground_truth.txt"],
    ),
    "meta.mat damaged": (
        replace(
            mini.ilsvrc_archives,
            _KIT,
            tar_of([("d/meta.mat", b"x" * 300), ("d/validation_ground_truth.txt", b"1\n")], mode="w:gz"),
        ),
        ["meta.mat", "cannot be read"],
    ),
    "ground truth too short": (
        replace(mini.ilsvrc_archives, _KIT, mini.devkit(ids=mini.validation_ids()[:-1])),
        ["10 pictures", "9 lines"],
    ),
    "ground truth too long": (
        replace(mini.ilsvrc_archives, _KIT, mini.devkit(ids=[*mini.validation_ids(), 1])),
        ["10 pictures", "11 lines"],
    ),
    "ground truth with an unknown id": (
        replace(mini.ilsvrc_archives, _KIT, mini.devkit(ids=[9, *mini.validation_ids()[1:]])),
        ["line 1", "'9'", "1 to 5"],
    ),
    "train tar lacks a class": (
        replace(mini.ilsvrc_archives, _TRAIN, inner_tars(lambda inner: inner[1:])),
        ["lacks 1 of the 5 classes", mini.WNIDS[0]],
    ),
    "train tar of another year": (
        replace(mini.ilsvrc_archives, _TRAIN, inner_tars(lambda inner: [*inner, ("n99999999.tar", tar_of([]))])),
        ["n99999999", "another year"],
    ),
    "train tar with pictures": (
        replace(mini.ilsvrc_archives, _TRAIN, tar_of([("a.JPEG", b"x")])),
        [_TRAIN, "a.JPEG", "<class>.tar"],
    ),
    "an empty inner tar": (
        replace(mini.ilsvrc_archives, _TRAIN, inner_tars(lambda i: [(i[0][0], tar_of([])), *i[1:]])),
        ["no training picture", mini.WNIDS[0]],
    ),
    "an inner tar cut short": (
        replace(mini.ilsvrc_archives, _TRAIN, inner_tars(lambda i: [(i[0][0], i[0][1][:700]), *i[1:]])),
        [_TRAIN, "cut short"],
    ),
    # ILSVRC unpacked
    "flat val without devkit": (
        remove(mini.ilsvrc_folders, "ILSVRC2012_devkit_t12"),
        ["no development kit", "val"],
    ),
    "half-unpacked train": (remove(mini.ilsvrc_folders, f"train/{W}"), ["lacks 1 of the 5", W]),
    "half-sorted val": (
        replace(mini.ilsvrc_folders, f"val/{W}/ILSVRC2012_val_00000001.JPEG", b"x"),
        ["interrupted", W],
    ),
    "a val picture is missing": (
        remove(mini.ilsvrc_folders, "val/ILSVRC2012_val_00000003.JPEG"),
        ["9 pictures"],
    ),
    "inner tars not unpacked": (
        lambda f: put(f / "train" / "n01440764.tar", b"x").parent.parent,
        ["not yet unpacked", "n01440764.tar"],
    ),
    # ImageFolder
    "no held-out split": (remove(mini.image_folder, "val"), ["none of val/"]),
    "empty class folder": (
        lambda f: ((mini.image_folder(f) / "train" / "n99999999").mkdir(), (f / "val/n99999999").mkdir(), f)[2],
        ["n99999999", "no picture"],
    ),
    "a class in val only": (replace(mini.image_folder, "val/zebra/1.jpeg", b"x"), ["only val/ has zebra"]),
    "a class in train only": (remove(mini.image_folder, f"val/{W}"), [f"only train/ has {W}"]),
    "empty held-out class": (
        lambda f: (shutil.rmtree(mini.image_folder(f) / "val" / W), (f / "val" / W).mkdir(), f)[2],
        [f"val/{W}", "no picture"],
    ),
    "pictures without class folders": (
        lambda f: put(f / "train" / "a.jpeg", b"x").parent.parent,
        ["without class folders"],
    ),
    "one class": (lambda f: mini.image_folder(f, ("cat",)), ["only 1 class"]),
    "wnids.txt lists more": (
        replace(mini.image_folder, "wnids.txt", "\n".join([*mini.SORTED, "n99999999"])),
        ["lacks n99999999", "wnids.txt"],
    ),
    "a dangling link": (
        lambda f: ((mini.image_folder(f) / "train" / W / "x.jpeg").symlink_to(f / "gone"), f)[1],
        ["x.jpeg", "cannot read"],
    ),
    "a link in a circle": (
        lambda f: ((mini.image_folder(f) / "train" / W / "loop").symlink_to(f / "train"), f)[1],
        ["loop", "link"],
    ),
    # Tiny-ImageNet
    "tiny without annotations": (
        remove(mini.tiny_imagenet, "val/val_annotations.txt"),
        ["images/", "val_annotations.txt"],
    ),
    "tiny half unpacked": (remove(mini.tiny_imagenet, f"train/{W}"), ["lacks", W, "wnids.txt"]),
    "tiny with a picture too few": (remove(mini.tiny_imagenet, "val/images/val_3.JPEG"), ["val_3.JPEG"]),
    "tiny with a label too few": (
        replace(mini.tiny_imagenet, "val/val_annotations.txt", lambda text: text[: text.rindex(b"\n", 0, -1) + 1]),
        ["val_11.JPEG", "without a label"],
    ),
    "tiny with broken annotations": (
        replace(mini.tiny_imagenet, "val/val_annotations.txt", "val_0.JPEG n0144"),
        ["val_annotations.txt, line 1"],
    ),
    # Kaggle
    "kaggle without solution": (remove(mini.kaggle, "LOC_val_solution.csv"), ["LOC_val_solution.csv"]),
    "kaggle without mapping": (remove(mini.kaggle, "LOC_synset_mapping.txt"), ["LOC_synset_mapping.txt"]),
    "kaggle without pictures": (remove(mini.kaggle, "ILSVRC"), ["ILSVRC/Data/CLS-LOC"]),
    "kaggle half unpacked": (remove(mini.kaggle, f"ILSVRC/Data/CLS-LOC/train/{W}"), ["missing " + W]),
    "kaggle with a train picture too few": (
        lambda f: (next((mini.kaggle(f) / f"ILSVRC/Data/CLS-LOC/train/{W}").iterdir()).unlink(), f)[1],
        ["19 pictures", "lists 20"],
    ),
    "kaggle with a val picture too few": (
        remove(mini.kaggle, "ILSVRC/Data/CLS-LOC/val/ILSVRC2012_val_00000002.JPEG"),
        ["ILSVRC2012_val_00000002"],
    ),
    "kaggle with another csv": (
        replace(mini.kaggle, "LOC_val_solution.csv", "a,b\n"),
        ["ImageId,PredictionString"],
    ),
    "kaggle with an unknown class": (
        replace(mini.kaggle, "LOC_val_solution.csv", "ImageId,PredictionString\nx,n99999999 1 2 3 4\n"),
        ["line 2", "n99999999"],
    ),
    # CIFAR-10
    "cifar batch missing": (remove(mini.cifar10_batches, _BATCH), ["data_batch_2 is missing"]),
    "cifar meta missing": (
        remove(mini.cifar10_batches, "cifar-10-batches-py/batches.meta"),
        ["batches.meta"],
    ),
    "cifar batch cut": (replace(mini.cifar10_batches, _BATCH, cut(0.5)), ["data_batch_2", "cannot be read"]),
    "cifar batch runs code": (
        replace(mini.cifar10_batches, _BATCH, pickle.dumps(Evil())),
        ["data_batch_2", "system"],
    ),
    "cifar batch is a list": (
        replace(mini.cifar10_batches, _BATCH, pickle.dumps([1])),
        ["data_batch_2", "list"],
    ),
    "cifar labels too few": (
        replace(mini.cifar10_batches, _BATCH, batch(labels=[1, 2])),
        ["data_batch_2", "20 pictures but 2 labels"],
    ),
    "cifar label too large": (
        replace(mini.cifar10_batches, _BATCH, batch(labels=[10] * 20)),
        ["data_batch_2", "from 0 to 9"],
    ),
    "cifar pixels of another shape": (
        replace(mini.cifar10_batches, _BATCH, batch(data=np.zeros((20, 12), np.uint8))),
        ["data_batch_2", "3072"],
    ),
    "cifar archive cut": (
        lambda f: put(mini.cifar10_archive(f), cut(0.6)((f / "cifar-10-python.tar.gz").read_bytes())),
        ["cifar-10-python.tar.gz", "cut short"],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_refused_with_one_clear_error(name: str, tmp_path: Path) -> None:
    build, fragments = CASES[name]
    path = build(tmp_path / "there")
    with pytest.raises(UserError) as caught:
        recognise(path)
    message = str(caught.value)
    assert "\n" not in message
    for fragment in fragments:
        assert fragment in message, message
    assert "there" in message  # every message names the place


def test_nothing_in_a_hostile_pickle_is_run(tmp_path: Path) -> None:
    marker = tmp_path / "marker"

    class Touch:
        def __reduce__(self) -> tuple[object, ...]:
            return Path.touch, (marker,)

    folder = mini.cifar10_batches(tmp_path / "d")
    put(folder / _BATCH, pickle.dumps({"data": Touch()}))
    with pytest.raises(UserError, match="data_batch_2"):
        recognise(folder)
    assert not marker.exists()


def test_unreadable_folder_is_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = mini.image_folder(tmp_path / "d")
    scandir = os.scandir

    def refuse(path: object) -> object:
        if str(path).endswith(W):
            raise PermissionError(13, "Permission denied")
        return scandir(path)  # type: ignore[call-overload]

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(UserError, match=f"{W}.*Permission denied"):
        recognise(folder)


@pytest.mark.parametrize("length", range(0, 20000, 512))
def test_a_training_archive_cut_anywhere_is_noticed(length: int, tmp_path: Path) -> None:
    folder = mini.ilsvrc_archives(tmp_path)
    content = (folder / _TRAIN).read_bytes()
    end = content.rstrip(b"\0")
    put(folder / _TRAIN, content[: min(length, len(end))])
    with pytest.raises(UserError, match=_TRAIN):
        recognise(folder)

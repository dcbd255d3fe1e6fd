"""Opening the packed store: what is there, and one clear error for every damage."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from repro.data.packed import Packed, open_packed, packed_folder
from repro.data.preparation.prepare import prepare
from repro.data.registration import use_data
from repro.errors import UserError
from repro.study.settings import DataSettings


@pytest.fixture
def packed(root: Path, pictures: Path, tmp_path: Path) -> Packed:
    use_data(pictures, "mine", root)
    settings = DataSettings(size=16, validation_per_class=1)
    manifest = prepare(settings, "mine", root, tmp_path / "store", progress=False)
    return open_packed(packed_folder(tmp_path / "store", manifest["key"]))


def test_pictures_are_mapped_read_only(packed: Packed) -> None:
    assert isinstance(packed.train.pictures, np.ndarray)
    assert isinstance(packed.train.pictures.base, np.memmap)
    assert not packed.train.pictures.flags.writeable
    assert packed.train.pictures.shape == (15, 16, 16, 3)
    assert packed.train.pictures.dtype == np.uint8
    assert packed.train.labels.dtype == np.int64
    assert packed.mean_picture.shape == (16, 16, 3)
    assert packed.mean_picture.dtype == np.float32
    with pytest.raises(ValueError, match="read-only"):
        packed.train.pictures[0, 0, 0, 0] = 1
    assert (len(packed.train), len(packed.validation), len(packed.held_out)) == (15, 5, 10)
    assert len(packed.digest) == 64


def test_an_empty_split_is_empty_arrays(root: Path, pictures: Path, tmp_path: Path) -> None:
    use_data(pictures, "mine", root)
    manifest = prepare(DataSettings(size=16), "mine", root, tmp_path / "store", progress=False)
    validation = open_packed(packed_folder(tmp_path / "store", manifest["key"])).validation
    assert validation.pictures.shape == (0, 16, 16, 3)
    assert validation.labels.shape == (0,)


def edit(**changes: object) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / "manifest.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    return change


def save(name: str, array: np.ndarray) -> Callable[[Path], None]:
    return lambda folder: np.save(folder / name, array)


def cut(name: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[: len(content) // 2])

    return change


def delete(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def empty(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes(b"")


DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "no manifest": (delete("manifest.json"), "manifest.json is missing.*repro prepare"),
    "manifest cut": (cut("manifest.json"), "manifest.json is not valid JSON"),
    "manifest a list": (lambda folder: (folder / "manifest.json").write_text("[]"), "no schema number"),
    "later schema": (edit(schema=2), "schema 2.*update the program"),
    "no size": (edit(size=None), "manifest.json is damaged"),
    "no colour": (edit(colour={}), "manifest.json is damaged.*covariance"),
    "colour of another shape": (
        edit(colour={"covariance": [1], "eigenvectors": [1], "deviations": [1]}),
        "manifest.json is damaged",
    ),
    "counts lack a split": (edit(counts={"train": 15}), "manifest.json is damaged"),
    "counts differ": (
        edit(counts={"train": 14, "validation": 5, "held_out": 10}),
        r"train_pictures.npy.*\(15,",
    ),
    "pictures gone": (delete("train_pictures.npy"), "train_pictures.npy is missing"),
    "pictures cut": (cut("held_out_pictures.npy"), "held_out_pictures.npy is damaged"),
    "pictures empty": (empty("train_pictures.npy"), "train_pictures.npy is damaged"),
    "pictures of floats": (
        save("train_pictures.npy", np.zeros((15, 16, 16, 3), np.float32)),
        "train_pictures.npy holds float32",
    ),
    "labels gone": (delete("train_labels.npy"), "train_labels.npy is missing"),
    "labels too few": (
        save("train_labels.npy", np.zeros(3, np.int64)),
        r"train_labels.npy holds int64 \(3,\)",
    ),
    "labels out of range": (save("train_labels.npy", np.full(15, 5)), "labels outside 0 to 4"),
    "negative labels": (save("train_labels.npy", np.full(15, -1)), "labels outside 0 to 4"),
    "labels are objects": (save("train_labels.npy", np.array([{}] * 15)), "train_labels.npy is damaged"),
    "mean gone": (delete("mean_picture.npy"), "mean_picture.npy is missing"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_one_clear_error(damage: str, packed: Packed) -> None:
    spoil, message = DAMAGE[damage]
    spoil(packed.folder)
    with pytest.raises(UserError, match=message) as caught:
        open_packed(packed.folder)
    assert str(packed.folder) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="run `repro prepare`"):
        open_packed(tmp_path / "nowhere")

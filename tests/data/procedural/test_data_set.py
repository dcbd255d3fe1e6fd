"""The embedded sets: the same pictures on every run, and those that are in the repository."""

from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from repro.cli import app
from repro.data.layouts.recognise import recognise
from repro.data.procedural.data_set import SETS, make_pictures
from repro.errors import UserError

ROOT = Path(__file__).parents[3]
NAMES = tuple(SETS)


def _make(folder: Path, name: str, **changes: int) -> dict[str, object]:
    arguments = {"train_per_class": 3, "validation_per_class": 2, "side": 32, "seed": 0} | changes
    return make_pictures(folder, name, **arguments)


@pytest.mark.parametrize("name", NAMES)
def test_same_arguments_give_the_same_bytes(name: str, tmp_path: Path) -> None:
    first = _make(tmp_path / "first" / "made", name)
    again = _make(tmp_path / "again" / "made", name)
    assert first == again
    for path in sorted((tmp_path / "first" / "made").iterdir()):
        assert path.read_bytes() == (tmp_path / "again" / "made" / path.name).read_bytes(), path.name


@pytest.mark.parametrize("name", NAMES)
def test_another_seed_gives_other_pictures(name: str, tmp_path: Path) -> None:
    assert _make(tmp_path / "one", name)["digest"] != _make(tmp_path / "two", name, seed=1)["digest"]


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_does_not_depend_on_how_many_others_are_made(name: str, tmp_path: Path) -> None:
    _make(tmp_path / "few", name)
    _make(tmp_path / "more", name, train_per_class=5, validation_per_class=1)
    few, more = (recognise(tmp_path / size) for size in ("few", "more"))
    kept = {picture.name: more.read(picture) for picture in more.train}
    assert len(few.train) == 3 * len(SETS[name].kinds)
    assert len(more.train) == 5 * len(SETS[name].kinds)
    for picture in few.train:
        assert few.read(picture) == kept[picture.name]


@pytest.mark.parametrize(
    ("name", "digest"),
    [
        ("procedural", "8da83368b746ca1431f275b35f9ad44167e825d3f00719f9a88f8669a5468b4c"),
        ("parts", "7570c966dfbb0f7e5e022803963d92ebd061c3f62026548372549ec12e042b37"),
    ],
)
def test_pixels_before_compression_are_those_that_were_published(name: str, digest: str) -> None:
    """A change of what is drawn needs a new VERSION of the set and new embedded pictures."""
    drawn = SETS[name]
    pixels = hashlib.sha256()
    for kind in drawn.kinds:
        pixels.update(drawn.draw(kind, 0, split="train", side=drawn.side, seed=0).tobytes())
    assert pixels.hexdigest() == digest


@pytest.mark.parametrize(("name", "most_bytes", "alike"), [("procedural", 6_000_000, 0.9), ("parts", 7_000_000, 0.85)])
def test_embedded_pictures_are_those_that_are_drawn(name: str, most_bytes: int, alike: float) -> None:
    """Compared as pixels: another release of the JPEG encoder may write other bytes."""
    folder, drawn = ROOT / "data" / name, SETS[name]
    assert (folder / "manifest.json").exists(), f"data/{name} is not here: dvc pull data.dvc"
    layout = recognise(folder)
    assert sum(path.stat().st_size for path in folder.iterdir()) < most_bytes
    assert len(layout.train) == drawn.train_per_class * len(drawn.kinds)
    assert len(layout.validation) == drawn.validation_per_class * len(drawn.kinds)
    for picture in layout.train[:: len(layout.train) // 40]:
        wnid, number = picture.name.removesuffix(".JPEG").split("/")[-1].split("_")
        kind = next(kind for kind in drawn.kinds if kind.wnid == wnid)
        pixels = drawn.draw(kind, int(number) - 1, split="train", side=drawn.side, seed=0)
        shown = np.asarray(Image.open(io.BytesIO(layout.read(picture))))
        assert np.abs(shown.astype(int) - pixels).mean() < 20
        assert np.corrcoef(shown.ravel(), pixels.ravel())[0, 1] > alike


@pytest.mark.parametrize("name", NAMES)
def test_archives_hold_what_the_manifest_says(name: str, tmp_path: Path) -> None:
    kinds = SETS[name].kinds
    manifest = _make(tmp_path / "made", name)
    assert manifest["name"] == "made"
    assert manifest["location"] == "here"
    assert manifest["counts"] == {"train": 3 * len(kinds), "validation": 2 * len(kinds)}
    assert manifest["counts_per_class"] == {"train": [3] * len(kinds), "validation": [2] * len(kinds)}
    assert manifest["classes"] == [kind.wnid for kind in kinds]
    assert manifest["class_titles"] == {kind.wnid: kind.title for kind in kinds}
    layout = recognise(tmp_path / "made")
    for split in ("train", "validation"):
        for picture in layout.pictures(split):
            opened = Image.open(io.BytesIO(layout.read(picture)))
            assert (opened.format, opened.mode, opened.size) == ("JPEG", "RGB", (32, 32))


@pytest.mark.parametrize("name", NAMES)
def test_validation_labels_are_those_of_the_pictures(name: str, tmp_path: Path) -> None:
    _make(tmp_path / "made", name)
    layout = recognise(tmp_path / "made")
    made = {
        file: label
        for label, kind in enumerate(SETS[name].kinds)
        for file in SETS[name].encoded(kind, range(2), split="validation", side=32, seed=0)
    }
    assert [made[layout.read(picture)] for picture in layout.validation] == [p.label for p in layout.validation]


@pytest.mark.parametrize("name", NAMES)
def test_no_training_picture_is_held_out(name: str) -> None:
    drawn = SETS[name]
    files = {
        split: set(drawn.encoded(drawn.kinds[0], range(5), split=split, side=32, seed=0))
        for split in ("train", "validation")
    }
    assert not files["train"] & files["validation"]


def test_the_sets_share_no_class() -> None:
    wnids = [kind.wnid for drawn in SETS.values() for kind in drawn.kinds]
    titles = [kind.title for drawn in SETS.values() for kind in drawn.kinds]
    assert len(set(wnids)) == len(set(titles)) == len(wnids)


def test_the_readme_in_the_kit_says_how_the_pictures_were_made(tmp_path: Path) -> None:
    _make(tmp_path / "made", "procedural", seed=7)
    with tarfile.open(tmp_path / "made" / "ILSVRC2012_devkit_t12.tar.gz") as kit:
        text = kit.extractfile("ILSVRC2012_devkit_t12/readme.txt").read().decode()
    assert "seed 7, side 32 px, 3 training and 2 validation" in text
    assert "Not ImageNet" in text


@pytest.mark.parametrize("name", NAMES)
def test_full_size_pictures_can_be_made(name: str) -> None:
    drawn = SETS[name]
    assert drawn.draw(drawn.kinds[3], 0, split="train", side=256, seed=0).shape == (256, 256, 3)


@pytest.mark.parametrize(
    ("key", "value"), [("train_per_class", 0), ("validation_per_class", -1), ("side", 8), ("seed", -3)]
)
def test_impossible_arguments_are_refused(tmp_path: Path, key: str, value: int) -> None:
    with pytest.raises(UserError, match=f"{key} is {value}"):
        _make(tmp_path / "made", "parts", **{key: value})
    assert not (tmp_path / "made").exists()


def test_the_command_without_numbers_draws_the_embedded_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their number and size are asked for; the pictures themselves would take a minute."""
    asked = []
    monkeypatch.setattr(
        "repro.data.procedural.data_set.write_ilsvrc", lambda folder, splits, titles, readme: asked.append(readme)
    )
    monkeypatch.setattr("repro.data.procedural.data_set.PictureSet.encoded", lambda *arguments, **named: [])
    monkeypatch.setattr(
        "repro.data.procedural.data_set.write_manifest_here", lambda *_: {"classes": [], "counts": {"train": 0}}
    )
    for name in NAMES:
        assert CliRunner().invoke(app, ["make-pictures", str(tmp_path / name), "--set", name]).exit_code == 0
    for name, readme in zip(NAMES, asked, strict=True):
        with tarfile.open(ROOT / "data" / name / "ILSVRC2012_devkit_t12.tar.gz") as kit:
            embedded = kit.extractfile("ILSVRC2012_devkit_t12/readme.txt").read().decode()
        assert readme == embedded


def test_an_unknown_set_is_refused_with_those_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"photographs is no set of pictures.*procedural, parts"):
        make_pictures(tmp_path / "made", "photographs")

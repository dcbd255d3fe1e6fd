"""The embedded pictures: the same on every run, and neither colour nor structure alone tells the class."""

from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from repro.data.layouts.recognise import recognise
from repro.data.procedural import dead_leaves
from repro.data.procedural.data_set import HUE_SPREAD, HUES, KINDS, draw_picture, encoded, make_procedural
from repro.data.procedural.dead_leaves import Direction, Leaf, Range
from repro.errors import UserError
from repro.randomness import generator

SIDE = 48


def _make(folder: Path, **changes: int) -> dict[str, object]:
    arguments = {"train_per_class": 3, "validation_per_class": 2, "side": 32, "seed": 0} | changes
    return make_procedural(folder, **arguments)


def _sample(split: str, each: int) -> tuple[np.ndarray, np.ndarray]:
    """Pictures as they were compressed (n, side, side, 3) and labels, `each` of every class."""
    files = [encoded(kind, range(each), split=split, side=SIDE, seed=0) for kind in KINDS]
    pictures = [np.asarray(Image.open(io.BytesIO(file))) for group in files for file in group]
    return np.stack(pictures).astype(np.float64), np.repeat(np.arange(len(KINDS)), each)


@pytest.fixture(scope="module")
def sample() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    return (*_sample("train", 60), *_sample("validation", 30))


def _linear_error(train: np.ndarray, labels: np.ndarray, held_out: np.ndarray, held_out_labels: np.ndarray) -> float:
    """Held-out error of ridge regression onto the classes."""
    mean, deviation = train.mean(0), train.std(0) + 1e-9
    train, held_out = (train - mean) / deviation, (held_out - mean) / deviation
    gram = train.T @ train + len(train) * np.eye(train.shape[1])
    weights = np.linalg.solve(gram, train.T @ np.eye(labels.max() + 1)[labels])
    return float(np.mean((held_out @ weights).argmax(1) != held_out_labels))


def _blocks(pictures: np.ndarray, block: int) -> np.ndarray:
    count, side, _, channels = pictures.shape
    shape = (count, side // block, block, side // block, block, channels)
    return pictures.reshape(shape).mean((2, 4)).reshape(count, -1)


def test_same_arguments_give_the_same_bytes(tmp_path: Path) -> None:
    first = _make(tmp_path / "first" / "procedural")
    again = _make(tmp_path / "again" / "procedural")
    assert first == again
    for path in sorted((tmp_path / "first" / "procedural").iterdir()):
        assert path.read_bytes() == (tmp_path / "again" / "procedural" / path.name).read_bytes(), path.name


def test_another_seed_gives_other_pictures(tmp_path: Path) -> None:
    assert _make(tmp_path / "one")["digest"] != _make(tmp_path / "two", seed=1)["digest"]


def test_a_picture_does_not_depend_on_how_many_others_are_made(tmp_path: Path) -> None:
    _make(tmp_path / "few")
    _make(tmp_path / "more", train_per_class=5, validation_per_class=1)
    few, more = (recognise(tmp_path / name) for name in ("few", "more"))
    kept = {picture.name: more.read(picture) for picture in more.train}
    assert len(few.train) == 30
    assert len(more.train) == 50
    for picture in few.train:
        assert few.read(picture) == kept[picture.name]


def test_pixels_before_compression_are_those_that_were_published() -> None:
    """A change of the generator needs a new GENERATOR_VERSION and new embedded pictures."""
    digest = hashlib.sha256()
    for kind in KINDS:
        digest.update(draw_picture(kind, 0, split="train", side=SIDE, seed=0).tobytes())
    assert digest.hexdigest() == "8da83368b746ca1431f275b35f9ad44167e825d3f00719f9a88f8669a5468b4c"


def test_embedded_pictures_are_those_that_the_generator_draws() -> None:
    """Compared as pixels: another release of the JPEG encoder may write other bytes."""
    folder = Path(__file__).parents[2] / "data" / "procedural"
    assert (folder / "manifest.json").exists(), "data/procedural is not here: dvc pull data.dvc"
    layout = recognise(folder)
    assert sum(path.stat().st_size for path in folder.iterdir()) < 6_000_000
    for picture in layout.train[:: len(layout.train) // 40]:
        wnid, number = picture.name.removesuffix(".JPEG").split("/")[-1].split("_")
        kind = next(kind for kind in KINDS if kind.wnid == wnid)
        drawn = draw_picture(kind, int(number) - 1, split="train", side=SIDE, seed=0)
        shown = np.asarray(Image.open(io.BytesIO(layout.read(picture))))
        assert np.abs(shown.astype(int) - drawn).mean() < 20
        assert np.corrcoef(shown.ravel(), drawn.ravel())[0, 1] > 0.9


def test_archives_hold_what_the_manifest_says(tmp_path: Path) -> None:
    manifest = _make(tmp_path / "procedural")
    assert manifest["name"] == "procedural"
    assert manifest["location"] == "here"
    assert manifest["counts"] == {"train": 30, "validation": 20}
    assert manifest["counts_per_class"] == {"train": [3] * 10, "validation": [2] * 10}
    assert manifest["classes"] == [kind.wnid for kind in KINDS]
    assert manifest["class_titles"] == {kind.wnid: kind.title for kind in KINDS}
    layout = recognise(tmp_path / "procedural")
    for split in ("train", "validation"):
        for picture in layout.pictures(split):
            opened = Image.open(io.BytesIO(layout.read(picture)))
            assert (opened.format, opened.mode, opened.size) == ("JPEG", "RGB", (32, 32))


def test_validation_labels_are_those_of_the_pictures(tmp_path: Path) -> None:
    _make(tmp_path / "procedural")
    layout = recognise(tmp_path / "procedural")
    made = {
        file: label
        for label, kind in enumerate(KINDS)
        for file in encoded(kind, range(2), split="validation", side=32, seed=0)
    }
    assert [made[layout.read(picture)] for picture in layout.validation] == [p.label for p in layout.validation]


def test_no_training_picture_is_held_out() -> None:
    kind = KINDS[0]
    files = {split: set(encoded(kind, range(5), split=split, side=32, seed=0)) for split in ("train", "validation")}
    assert not files["train"] & files["validation"]


def test_the_readme_in_the_kit_says_how_the_pictures_were_made(tmp_path: Path) -> None:
    _make(tmp_path / "procedural", seed=7)
    with tarfile.open(tmp_path / "procedural" / "ILSVRC2012_devkit_t12.tar.gz") as kit:
        text = kit.extractfile("ILSVRC2012_devkit_t12/readme.txt").read().decode()
    assert "seed 7, side 32 px, 3 training and 2 validation" in text
    assert "Not ImageNet" in text


def test_full_size_pictures_can_be_made() -> None:
    assert draw_picture(KINDS[3], 0, split="train", side=256, seed=0).shape == (256, 256, 3)


@pytest.mark.parametrize(
    ("key", "value"), [("train_per_class", 0), ("validation_per_class", -1), ("side", 8), ("seed", -3)]
)
def test_impossible_arguments_are_refused(tmp_path: Path, key: str, value: int) -> None:
    with pytest.raises(UserError, match=f"{key} is {value}"):
        _make(tmp_path / "procedural", **{key: value})
    assert not (tmp_path / "procedural").exists()


def test_pixels_leave_a_linear_classifier_at_about_half(sample: tuple[np.ndarray, ...]) -> None:
    train, labels, held_out, held_out_labels = sample
    error = _linear_error(_blocks(train, 6), labels, _blocks(held_out, 6), held_out_labels)
    assert 0.45 < error < 0.75


def test_colour_alone_does_not_tell_the_class(sample: tuple[np.ndarray, ...]) -> None:
    train, labels, held_out, held_out_labels = sample
    assert _linear_error(train.mean((1, 2)), labels, held_out.mean((1, 2)), held_out_labels) > 0.5


def test_grey_pictures_do_not_tell_the_hue(sample: tuple[np.ndarray, ...]) -> None:
    train, labels, held_out, held_out_labels = sample
    grey = [_blocks(pictures.mean(3, keepdims=True), 4) for pictures in (train, held_out)]
    assert _linear_error(grey[0], labels // 2, grey[1], held_out_labels // 2) > 0.65


def test_hue_and_direction_can_each_be_measured(sample: tuple[np.ndarray, ...]) -> None:
    """The two halves of the class are there: saturated pixels give the hue, their slopes the direction."""
    train, labels, held_out, held_out_labels = sample

    def slopes(pictures: np.ndarray) -> np.ndarray:
        """Coloured contrast along x and along y: energies of differences, each weighted by saturation."""
        grey = pictures.mean(3)
        coloured = pictures.max(3) - pictures.min(3)
        across_x = (np.diff(grey, axis=2) ** 2 * coloured[:, :, 1:]).mean((1, 2))
        across_y = (np.diff(grey, axis=1) ** 2 * coloured[:, 1:, :]).mean((1, 2))
        return np.log(np.stack([across_x, across_y], axis=1))

    assert _linear_error(slopes(train), labels % 2, slopes(held_out), held_out_labels % 2) < 0.2
    hue_error = _linear_error(_blocks(train, 24), labels // 2, _blocks(held_out, 24), held_out_labels // 2)
    assert hue_error < 0.4


def test_titles_and_hues_are_distinct() -> None:
    assert len({kind.title for kind in KINDS}) == len({kind.wnid for kind in KINDS}) == len(KINDS) == 10
    hues = sorted(HUES.values())
    gaps = np.diff([*hues, hues[0] + 1.0])
    assert gaps.min() > 2 * HUE_SPREAD


@given(hue=st.floats(-2, 2), saturation=st.floats(0, 1), brightness=st.floats(10, 200))
def test_colours_of_all_hues_are_equally_bright(hue: float, saturation: float, brightness: float) -> None:
    colour = dead_leaves.colour_of(hue, saturation, brightness)
    assert np.mean(colour) == pytest.approx(brightness, rel=1e-9)
    assert np.allclose(colour, dead_leaves.colour_of(hue + 1, saturation, brightness), rtol=1e-6, atol=1e-6)


@settings(max_examples=60)
@given(
    form=st.sampled_from(dead_leaves.FORMS),
    x=st.floats(-0.5, 1.5),
    y=st.floats(-0.5, 1.5),
    radius=st.floats(0.01, 0.6),
    seed=st.integers(0, 1000),
)
def test_a_leaf_is_drawn_whole_in_its_window(form: str, x: float, y: float, radius: float, seed: int) -> None:
    """The window cuts nothing off: the middle of a canvas three times as large is the same."""
    direction = dead_leaves.any_direction(generator(seed, "direction"))
    colour = (50.0, 100.0, 150.0)
    small = np.zeros((20, 20, 3), np.float32)
    dead_leaves.draw_leaf(small, Leaf(form, x, y, radius, direction, colour))
    shown = small.any(2)
    assert np.all(small[shown] == np.array(colour, np.float32))
    least, most = (  # an edge may run through the centre of a pixel, which then may round either way
        _middle_of_large(Leaf(form, (x + 1) / 3, (y + 1) / 3, radius * factor / 3, direction, colour))
        for factor in (1 - 1e-6, 1 + 1e-6)
    )
    assert np.all(shown >= least)
    assert np.all(shown <= most)


def _middle_of_large(leaf: Leaf) -> np.ndarray:
    canvas = np.zeros((60, 60, 3), np.float32)
    dead_leaves.draw_leaf(canvas, leaf)
    return canvas[20:40, 20:40].any(2)


def test_stripes_run_along_the_axis_of_their_class() -> None:
    canvas = np.zeros((48, 48, 3), np.float32)
    stripes = dead_leaves.Stripes(Direction(1.0, 0.0), 0.125, 0.0, 0.5)
    dead_leaves.draw_leaf(canvas, Leaf("square", 0.5, 0.5, 2.0, Direction(1.0, 0.0), (100.0,) * 3, stripes))
    assert np.ptp(canvas, axis=0).max() == 0
    assert np.ptp(canvas, axis=1).min() == pytest.approx(100.0)
    assert np.array_equal(canvas[:, :-6], canvas[:, 6:])


def test_noise_has_the_deviation_asked_for() -> None:
    canvas = np.full((64, 64, 3), 100, np.float32)
    dead_leaves.add_noise(canvas, generator(0, "noise"), 8.0)
    assert canvas.std() == pytest.approx(8.0, rel=0.03)
    assert canvas.mean() == pytest.approx(100.0, abs=0.4)


@given(low=st.integers(0, 5), more=st.integers(0, 4), seed=st.integers(0, 10_000))
def test_counts_stay_within_their_range(low: int, more: int, seed: int) -> None:
    assert low <= Range(low, low + more).count(generator(seed, "count")) <= low + more


@given(vertical=st.booleans(), tilt=st.floats(0, 1), seed=st.integers(0, 10_000))
def test_directions_are_unit_vectors_near_their_axis(vertical: bool, tilt: float, seed: int) -> None:
    direction = dead_leaves.near_axis(generator(seed, "tilt"), vertical=vertical, tilt=tilt)
    assert direction.x**2 + direction.y**2 == pytest.approx(1.0)
    along, beside = (direction.y, direction.x) if vertical else (direction.x, direction.y)
    assert abs(beside) <= tilt * along + 1e-12

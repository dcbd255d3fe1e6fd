"""The embedded set `procedural`: neither colour nor structure alone tells the class."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from repro.data.procedural.data_set import SETS
from repro.data.procedural.stripes import HUE_SPREAD, HUES, KINDS

SIDE = 48


def _sample(split: str, each: int) -> tuple[np.ndarray, np.ndarray]:
    """Pictures as they were compressed (n, side, side, 3) and labels, `each` of every class."""
    files = [SETS["procedural"].encoded(kind, range(each), split=split, side=SIDE, seed=0) for kind in KINDS]
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

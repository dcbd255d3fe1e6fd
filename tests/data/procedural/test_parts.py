"""The embedded set `parts`: only how the parts lie to each other tells the class."""

from __future__ import annotations

import io
from itertools import combinations, product

import numpy as np
import pytest
from PIL import Image

from repro.data.procedural import dead_leaves, parts
from repro.data.procedural.data_set import SETS
from repro.randomness import generator

FORMS = np.array([kind.forms for kind in parts.KINDS])


def test_every_class_has_every_part_once() -> None:
    assert len(parts.KINDS) == 12
    assert all(sorted(kind.forms) == sorted(parts.PARTS) for kind in parts.KINDS)


def test_a_part_at_a_place_is_in_three_classes() -> None:
    for part, place in product(parts.PARTS, range(4)):
        assert int((FORMS[:, place] == part).sum()) == 3


def test_two_parts_at_two_places_tell_the_class() -> None:
    for (first, second), (one, other) in product(combinations(range(4), 2), product(parts.PARTS, parts.PARTS)):
        found = int(((FORMS[:, first] == one) & (FORMS[:, second] == other)).sum())
        assert found == (one != other)


def test_no_class_is_the_mirror_image_of_another() -> None:
    """Reflections would then be pictures of the wrong class (section 4.1 reflects every picture half of the time)."""
    mirrored = {(above, left, below, right) for above, right, below, left in map(tuple, FORMS)}
    assert not mirrored & set(map(tuple, FORMS))


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[dead_leaves.Leaf]:
    """The figures of the pictures that are drawn, in their order; the last four of a picture are the arrangement."""
    figures: list[dead_leaves.Leaf] = []
    monkeypatch.setattr(dead_leaves, "draw_leaf", lambda canvas, leaf: figures.append(leaf))
    return figures


def test_the_parts_stand_where_the_class_says(drawn: list[dead_leaves.Leaf], monkeypatch: pytest.MonkeyPatch) -> None:
    """Above is less y, right is more x; tilted by less than 45 degrees, each stays the farthest to its side."""
    monkeypatch.setattr(parts, "SCATTER", 0.0)
    for number, kind in enumerate(parts.KINDS):
        for index in range(10):
            drawn.clear()
            parts.draw_picture(kind, index, split="train", side=24, seed=number)
            above, right, below, left = drawn[-4:]
            assert tuple(leaf.form for leaf in drawn[-4:]) == kind.forms
            assert above.y < min(right.y, left.y)
            assert below.y > max(right.y, left.y)
            assert left.x < min(above.x, below.x)
            assert right.x > max(above.x, below.x)


def test_strays_are_smaller_than_parts(drawn: list[dead_leaves.Leaf]) -> None:
    for index in range(100):
        drawn.clear()
        parts.draw_picture(parts.KINDS[0], index, split="train", side=24, seed=0)
        assert parts.STRAYS.low <= len(drawn) - 4 <= parts.STRAYS.high
        assert all(stray.radius < min(leaf.radius for leaf in drawn[-4:]) for stray in drawn[:-4])


def test_the_parts_of_an_arrangement_hardly_ever_hide_each_other(drawn: list[dead_leaves.Leaf]) -> None:
    hidden = 0
    for index in range(240):
        drawn.clear()
        parts.draw_picture(parts.KINDS[index % 12], index, split="validation", side=24, seed=3)
        hidden += any(
            (one.x - other.x) ** 2 + (one.y - other.y) ** 2 < (0.8 * (one.radius + other.radius)) ** 2
            for one, other in combinations(drawn[-4:], 2)
        )
    assert hidden < 0.02 * 240


def test_a_part_differs_in_brightness_from_the_background() -> None:
    for index in range(200):
        random = generator(index, "colours")
        brightness = float(np.mean(parts._colour(random, 120.0)))
        assert parts.CONTRAST.low - 1e-6 <= abs(brightness - 120.0) <= parts.CONTRAST.high + 1e-6


def _sample(split: str, each: int) -> tuple[np.ndarray, np.ndarray]:
    """Pictures (n, side, side, 3) and labels, `each` of every class."""
    files = [SETS["parts"].encoded(kind, range(each), split=split, side=56, seed=0) for kind in parts.KINDS]
    pictures = [np.asarray(Image.open(io.BytesIO(file))) for group in files for file in group]
    return np.stack(pictures).astype(np.float64), np.repeat(np.arange(len(files)), each)


def test_a_linear_classifier_learns_next_to_nothing() -> None:
    """On pixels and on their distances from the background's brightness, which show figures of either sign alike."""
    (train, labels), (held_out, held_out_labels) = _sample("train", 40), _sample("validation", 25)

    def features(pictures: np.ndarray) -> np.ndarray:
        grey = pictures.mean(3)
        apart = np.abs(grey - np.median(grey, axis=(1, 2), keepdims=True))
        blocks = [each.reshape(len(each), 14, 4, 14, 4).mean((2, 4)).reshape(len(each), -1) for each in (grey, apart)]
        return np.concatenate(blocks, axis=1)

    inputs, others = features(train), features(held_out)
    mean, deviation = inputs.mean(0), inputs.std(0)
    inputs, others = (inputs - mean) / deviation, (others - mean) / deviation
    gram = inputs.T @ inputs + len(inputs) * np.eye(inputs.shape[1])
    weights = np.linalg.solve(gram, inputs.T @ np.eye(12)[labels])
    assert np.mean((others @ weights).argmax(1) != held_out_labels) > 0.8  # guessing: 0.917

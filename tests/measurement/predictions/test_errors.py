"""Errors of a net whose answers are known: one that says the same class of every picture."""

from __future__ import annotations

import numpy as np
import pytest

from repro.measurement.predictions import errors
from repro.measurement.subject import Subject
from tests.measurement.subjects import packed_of, subject_of

GREY = np.full((200, 20, 20, 3), 128, dtype=np.uint8)


def says_class_0(train: np.ndarray, held_out: np.ndarray) -> Subject:
    """A net that answers class 0 whatever it is shown, and the classes of the pictures that it is shown."""
    packed = packed_of((GREY[: len(train)], train), (GREY[: len(held_out)], held_out), tuple("abcdefgh"))
    subject = subject_of(packed, train_sample=len(train))
    subject.net.layers[-1].weight.data.zero_()
    subject.net.layers[-1].bias.data[:] = 0
    subject.net.layers[-1].bias.data[0] = 1
    return subject


def test_the_gap_is_what_held_out_pictures_cost_more() -> None:
    """One training picture in four is of another class than it says, and three held-out pictures in four."""
    train, held_out = np.array([0, 0, 0, 1] * 10), np.array([0, 1, 2, 3] * 10)
    found = errors.measure(says_class_0(train, held_out), train_sample=40).scalars
    assert (found["train_error"], found["held_out_error"]) == (0.25, 0.75)
    assert found["generalisation_gap"] == pytest.approx(0.5)


def test_halves_are_drawn_from_all_classes_though_pictures_lie_by_class() -> None:
    """100 pictures that the net gets right, then 100 that it gets wrong: cut in the middle, they would differ by 1.

    Of halves that are drawn the difference has a standard deviation of sqrt(4 x 0.25 / 200) = 0.07.
    """
    held_out = np.repeat([0, 1], 100)
    first = errors.measure(says_class_0(np.zeros(8, dtype=np.int64), held_out), train_sample=8).scalars
    assert first["held_out_error"] == 0.5
    assert abs(first["halves_excess"]) < 0.25
    again = errors.measure(says_class_0(np.ones(8, dtype=np.int64), held_out), train_sample=8).scalars
    assert again["halves_excess"] == first["halves_excess"], "the halves are the same for every run"

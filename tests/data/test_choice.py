"""Choices depend on names and seeds alone."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repro.data.layouts.layout import Layout, Picture
from repro.data.layouts.trees.tree import FolderSource
from repro.data.preparation.choice import Chosen, choose_classes, choose_pictures
from repro.errors import UserError

NAMES = [f"class{number:02d}" for number in range(20)]


def layout(train: int = 10, validation: int = 3, shuffle: int | None = None) -> Layout:
    source = FolderSource(Path("/nowhere"))

    def of(split: str, count: int) -> tuple[Picture, ...]:
        pictures = [
            Picture(split, label, f"{name}/{index}.png", 1, source, "")
            for label, name in enumerate(NAMES)
            for index in range(count)
        ]
        if shuffle is not None:
            random.Random(shuffle).shuffle(pictures)
        return tuple(pictures)

    return Layout("made-up", Path("/nowhere"), tuple(NAMES), {}, of("train", train), of("validation", validation))


def choose(made: Layout, **changes: object) -> Chosen:
    options = {
        "seed": 0,
        "train_per_class": "all",
        "validation_per_class": 0,
        "held_out": "validation",
    } | changes
    return choose_pictures(made, choose_classes(made.classes, 4, 0), **options)  # type: ignore[arg-type]


@given(seed=st.integers(0, 2**40), number=st.integers(2, 20), order=st.permutations(NAMES))
def test_classes_depend_on_names_and_seed_not_on_order(seed: int, number: int, order: list[str]) -> None:
    chosen = choose_classes(order, number, seed)
    assert chosen == choose_classes(NAMES, number, seed)
    assert list(chosen) == sorted(set(chosen))
    assert len(chosen) == number


@given(seed=st.integers(0, 1000), number=st.integers(2, 19))
def test_a_smaller_choice_is_part_of_a_larger_one(seed: int, number: int) -> None:
    assert set(choose_classes(NAMES, number, seed)) < set(choose_classes(NAMES, number + 1, seed))


@given(seed=st.integers(0, 1000))
def test_excluded_classes_are_never_chosen(seed: int) -> None:
    exclude = NAMES[:7]
    assert not set(choose_classes(NAMES, 13, seed, exclude)) & set(exclude)
    assert set(choose_classes(NAMES, "all", seed, exclude)) == set(NAMES[7:])


def test_other_seeds_choose_others() -> None:
    assert len({choose_classes(NAMES, 5, seed) for seed in range(20)}) > 15


def test_listed_classes_come_sorted() -> None:
    assert choose_classes(NAMES, ("class05", "class01"), 0) == ("class01", "class05")


@pytest.mark.parametrize(
    ("wanted", "exclude", "message"),
    [
        (21, (), "asks for 21 classes, 20 are available"),
        (20, ("class00",), "asks for 20 classes, 19 are available"),
        (("class00", "zebra"), (), "zebra"),
        (("class00", "class01"), ("class01",), "class01"),
        (3, ("zebra",), "exclude_classes: zebra"),
        ("some", (), "'some'"),
        ("all", tuple(NAMES[1:]), "only 1 class"),
    ],
)
def test_impossible_choices_of_classes(wanted: object, exclude: tuple[str, ...], message: str) -> None:
    with pytest.raises(UserError, match=message):
        choose_classes(NAMES, wanted, 0, exclude)  # type: ignore[arg-type]


@settings(max_examples=30, deadline=None)
@given(
    train=st.integers(1, 6),
    validation=st.integers(0, 4),
    held_out=st.sampled_from(["validation", "validation_and_rest"]),
    shuffle=st.integers(0, 99),
)
def test_splits_are_disjoint_balanced_and_independent_of_order(
    train: int, validation: int, held_out: str, shuffle: int
) -> None:
    options = {"train_per_class": train, "validation_per_class": validation, "held_out": held_out}
    chosen = choose(layout(), **options)
    names = [[picture.name for _, picture in pairs if picture.split == "train"] for pairs in _splits(chosen)]
    assert [len(part) for part in names[:2]] == [4 * train, 4 * validation]
    assert len(names[2]) == (4 * (10 - train - validation) if held_out == "validation_and_rest" else 0)
    everything = [name for part in names for name in part]
    assert len(everything) == len(set(everything))
    again = choose(layout(shuffle=shuffle), **options)
    assert [[(label, p.name) for label, p in pairs] for pairs in _splits(chosen)] == [
        [(label, p.name) for label, p in pairs] for pairs in _splits(again)
    ]


def _splits(chosen: Chosen) -> tuple[tuple[tuple[int, Picture], ...], ...]:
    return chosen.train, chosen.validation, chosen.held_out


def with_names(made: Layout, train: str, validation: str) -> Layout:
    """The same pictures at other paths, listed the other way round; {c} is the class, {b} the base name."""

    def renamed(pictures: tuple[Picture, ...], path: str) -> tuple[Picture, ...]:
        parts = [(picture, *picture.name.split("/")) for picture in reversed(pictures)]
        return tuple(
            replace(picture, name=path.format(c=name, b=f"{name[-2:]}_{base}")) for picture, name, base in parts
        )

    return replace(made, train=renamed(made.train, train), validation=renamed(made.validation, validation))


@pytest.mark.parametrize("held_out", ["validation", "validation_and_rest"])
def test_folders_change_neither_which_pictures_are_chosen_nor_their_order(held_out: str) -> None:
    options = {"train_per_class": 4, "validation_per_class": 2, "held_out": held_out, "seed": 3}
    paths = [("{c}/{b}", "{c}/{b}"), ("{c}/images/{b}", "{b}"), ("{c}/{b}", "some/{c}/where/{b}")]
    chosen = [choose(with_names(layout(), *each), **options) for each in paths]
    names = [[[(label, p.split, p.base_name) for label, p in pairs] for pairs in _splits(each)] for each in chosen]
    assert names[0] == names[1] == names[2]
    order = [(label, base) for label, _, base in names[0][2]]
    assert order == sorted(order)


def test_a_part_without_the_excluded_pictures_gives_what_the_whole_gives() -> None:
    whole = layout()
    gone = {f"{name}/{base}" for name in NAMES for base in ("2.png", "7.png")}
    train, validation = (tuple(p for p in of if p.name not in gone) for of in (whole.train, whole.validation))
    part = replace(whole, train=train, validation=validation)
    options = {"train_per_class": 3, "held_out": "validation_and_rest", "exclude": {"2.png", "7.png"}}
    assert choose(part, **options) == choose(whole, **options) != choose(whole, **{**options, "exclude": ()})


def test_labels_are_positions_among_the_chosen_classes() -> None:
    chosen = choose(layout())
    for pairs in (chosen.train, chosen.held_out):
        assert all(picture.name.startswith(chosen.classes[label] + "/") for label, picture in pairs)


def test_validation_pictures_stay_when_the_number_for_training_changes() -> None:
    made = layout()
    few, more = (choose(made, train_per_class=n, validation_per_class=3) for n in (2, 5))
    assert few.validation == more.validation
    assert {p.name for _, p in few.train} < {p.name for _, p in more.train}


def test_all_means_all_but_the_validation_pictures() -> None:
    chosen = choose(layout(), validation_per_class=3)
    assert (len(chosen.train), len(chosen.validation)) == (28, 12)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"train_per_class": 11}, "has 10 training pictures"),
        ({"train_per_class": 8, "validation_per_class": 3}, "has 10 training pictures"),
        ({"validation_per_class": 10}, "has 10 training pictures"),
        ({"held_out": "rest"}, "'rest'"),
    ],
)
def test_impossible_choices_of_pictures(changes: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        choose(layout(), **changes)

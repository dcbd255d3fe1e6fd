"""Distances in trees of kinds, and shares of wrong labels that lie near the truth."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repro.data.layouts.cifar10 import FOLDER
from repro.data.procedural import parts, stripes
from repro.data.procedural.data_set import SETS
from repro.measurement.predictions import class_tree, plausible_labels
from repro.measurement.predictions.class_tree import distances, known_paths, paths
from repro.measurement.predictions.plausible_labels import kin, share, top_labels
from repro.measurement.subject import Seen, Subject
from repro.report.drawing.class_words import class_words
from tests.measurement.subjects import packed_of, subject_of

TOY = {
    "animal": {"cat": {"tabby": "", "lion": ""}, "dog": {"pug": ""}, "fly": ""},
    "thing": {"car": {"van": "", "taxi": ""}},
}
CLASSES = ("fly", "lion", "pug", "tabby", "taxi", "van")


def test_distance_is_the_path_through_the_lowest_common_kind() -> None:
    between = distances(CLASSES, paths(TOY))
    assert between is not None
    np.testing.assert_array_equal(between, between.T)
    np.testing.assert_array_equal(np.diag(between), np.zeros(6))
    named = {(a, b): between[i, j] for i, a in enumerate(CLASSES) for j, b in enumerate(CLASSES)}
    assert named["tabby", "tabby"] == 0
    assert named["tabby", "lion"] == 2
    assert named["tabby", "pug"] == 4
    assert named["tabby", "fly"] == 3
    assert named["taxi", "fly"] == 5
    assert named["taxi", "van"] == 2
    assert distances((*CLASSES, "submarine"), paths(TOY)) is None


@given(st.sets(st.sampled_from(sorted(known_paths())), min_size=2, max_size=6))
@settings(deadline=None, max_examples=50)
def test_distances_of_a_tree_obey_the_four_point_condition(names: set[str]) -> None:
    between = distances(sorted(names), known_paths())
    assert between is not None
    assert (between[~np.eye(len(names), dtype=bool)] >= 2).all()
    for a, b, c, d in np.ndindex(*(len(names),) * 4):
        sums = sorted((between[a, b] + between[c, d], between[a, c] + between[b, d], between[a, d] + between[b, c]))
        assert sums[1] == sums[2]


def _between(one: str, other: str) -> int:
    found = distances((one, other), known_paths())
    assert found is not None
    return int(found[0, 1])


def test_the_projects_own_tree_knows_kinds() -> None:
    tabby, persian, lion, pug, car, goldfish = (
        "n02123045",
        "n02123394",
        "n02129165",
        "n02110958",
        "n04285008",
        "n01443537",
    )
    assert _between(tabby, persian) < _between(tabby, lion) < _between(tabby, pug) < _between(tabby, car)
    assert _between(tabby, goldfish) < _between(tabby, car)
    assert _between("cat", "dog") < _between("cat", "frog") < _between("cat", "truck")
    assert _between("automobile", "truck") < _between("automobile", "airplane") < _between("automobile", "bird")
    assert _between("leopard", "tiger") < _between("leopard", "wolf") < _between("leopard", "oak_tree")
    cats = [name for name, kinds in known_paths().items() if class_tree.CATS in kinds and name.startswith("n")]
    assert {tabby, persian, lion, *class_tree.LEOPARDS[:1]} < set(cats)
    assert len(cats) == 13
    assert sum(name.startswith("n") and not name.startswith("n9") for name in known_paths()) == 1360


def test_the_procedural_classes_are_in_the_tree_under_their_stripes() -> None:
    for one in stripes.KINDS:
        for other in stripes.KINDS:
            if one != other:
                assert (_between(one.wnid, other.wnid) == 2) == (one.horizontal == other.horizontal)
    assert FOLDER == "cifar-10-batches-py"


def test_the_classes_of_parts_are_in_the_tree_under_the_part_above() -> None:
    for one in parts.KINDS:
        for other in parts.KINDS:
            if one != other:
                assert (_between(one.wnid, other.wnid) == 2) == (one.forms[0] == other.forms[0])


def test_every_embedded_class_is_called_by_its_title() -> None:
    for drawn in SETS.values():
        for kind in drawn.kinds:
            assert class_words(kind.wnid) == kind.title


def test_classes_allow_as_many_near_labels_as_they_have_kin() -> None:
    between = distances(CLASSES, paths(TOY))
    assert between is not None
    near = between <= 3
    tabby, taxi = CLASSES.index("tabby"), CLASSES.index("taxi")
    # Within three steps of the tabby are lion and fly, of the taxi the van; there are five others.
    assert kin(near, np.array([tabby])) == (2 / 4, 2 / 5)
    assert kin(near, np.array([taxi, taxi])) == (1 / 4, 1 / 5)
    assert kin(near, np.array([tabby, taxi])) == pytest.approx((1.5 / 4, 1.5 / 5))
    assert kin(np.ones((9, 9), dtype=bool), np.arange(9)) == (1.0, 1.0)


def test_labels_that_the_paper_shows_as_reasonable_are_near() -> None:
    """Figure 4: leopard, motor scooter and Madagascar cat, with the labels beside them that the tree knows."""
    shown = {
        "n02128385": ["n02128925", "n02130308", "n02128757", "n02124075"],
        "n03791053": ["n03444034", "n03785016", "n03445924"],
        "n02497673": ["n02494079", "n02493793", "n02493509", "n02500267", "n02492660"],
    }
    steps = [_between(truth, label) for truth, labels in shown.items() for label in labels]
    assert max(steps) == plausible_labels.NEAR
    assert _between("n02128385", "n03791053") > plausible_labels.NEAR


def test_share_counts_wrong_labels_only() -> None:
    good = np.array([[True, True, False], [False, True, True], [True, True, True]])
    labels, top = np.array([0, 1]), np.array([[0, 1], [0, 2]])
    assert share(good, labels, top) == pytest.approx(2 / 3)  # 1 is good for 0, 0 is bad for 1, 2 is good for 1
    assert share(good, labels[:1], top[:1, :1]) is None


def test_the_highest_scores_come_first() -> None:
    np.testing.assert_array_equal(top_labels(np.array([[0.1, 3.0, 2.0], [5.0, 4.0, 6.0]]), 2), [[1, 2], [2, 0]])


CATS = ("n02123045", "n02123394", "n02128385", "n02128757", "n02128925", "n02129165", "n04285008", "n07753592")


def _answering(answer: Any, classes: tuple[str, ...] = CATS) -> Subject:
    """A subject with 40 held-out pictures a class whose scores are `answer(label)`."""
    labels = np.repeat(np.arange(len(classes)), 40)
    pictures = np.random.default_rng(0).integers(0, 256, (len(labels), 20, 20, 3), dtype=np.uint8)
    subject = subject_of(packed_of((pictures, labels), (pictures, labels), classes))
    logits = np.stack([answer(label) for label in labels])
    subject.__dict__["held_out"] = Seen(np.arange(len(labels)), labels, logits, np.arange(0), {})
    return subject


def test_answers_by_kind_are_near_and_those_away_from_it_are_not() -> None:
    between = distances(CATS, known_paths())
    assert between is not None
    scalars = plausible_labels.measure(_answering(lambda label: -between[label].astype(float))).scalars
    away = plausible_labels.measure(_answering(lambda label: between[label].astype(float))).scalars
    assert away["labels_within_6_steps"] < scalars["labels_within_6_steps"]
    assert scalars["cat_classes"] == 5
    assert scalars["leopard_pictures"] == 40
    assert scalars["cat_share"] == 1
    assert away["cat_share"] < 1
    # Six cats have the five others near; a car and a banana have nothing near.
    assert scalars["labels_within_6_steps_possible"] == away["labels_within_6_steps_possible"] == 6 / 8
    assert scalars["labels_within_6_steps_by_chance"] == pytest.approx(6 / 8 * 5 / 7)
    noise = np.random.default_rng(1)
    random = plausible_labels.measure(_answering(lambda label: noise.standard_normal(len(CATS)))).scalars
    assert random["labels_within_6_steps"] == pytest.approx(random["labels_within_6_steps_by_chance"], abs=0.08)


def test_unknown_classes_have_no_plausible_labels() -> None:
    unknown = _answering(lambda label: np.arange(8.0), tuple(f"class-{number}" for number in range(8)))
    assert set(plausible_labels.measure(unknown).scalars.values()) == {None}
    without = _answering(lambda label: np.arange(7.0), tuple(name for name in CATS if name != "n02128385"))
    scalars = plausible_labels.measure(without).scalars
    assert scalars["cat_share"] is None
    assert scalars["labels_within_6_steps"] is not None


def test_the_tree_is_a_file_with_its_source_and_terms() -> None:
    text = Path(class_tree.__file__).with_name("class_tree.json").read_text()
    assert "WordNet 3.0 Copyright 2006 by Princeton University" in text

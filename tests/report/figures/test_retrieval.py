"""Neighbours of held-out pictures: found by a real run's net, kept in the store, absent where anything is missing."""

from __future__ import annotations

import base64
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from repro.data.packed import open_packed
from repro.evidence.directory import Evidence
from repro.files import write_json
from repro.report.drawing.class_words import class_words
from repro.report.figures.retrieval.figure import SIDE, picture_address
from repro.report.figures.retrieval.search import QUERIES, retrieval_at_hand, retrieval_figure
from repro.training.loop import Training
from tests.packed_pictures import make_packed
from tests.report.made_up_study import made_up_study, run_record
from tests.small_runs import small_run


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, Evidence]:
    """A store with pictures and one finished run, and evidence that names both."""
    store = tmp_path_factory.mktemp("store")
    pictures = make_packed(store)
    packed = open_packed(store / pictures)
    run = small_run(store, pictures)
    Training(run, packed, torch.device("cpu")).train()
    record = run_record("base", 10, identity=run.identity)
    data = {"digest": packed.digest, "counts": {}}
    return store, pictures, made_up_study([record], arrays={}, variants=("base",), seeds=(10,), data=data)


def test_queries_have_different_classes_and_six_neighbours_each_way(trained: tuple[Path, str, Evidence]) -> None:
    store, pictures, evidence = trained
    figure = retrieval_figure(evidence, store, pictures)
    assert figure is not None
    assert len(figure.queries) == QUERIES
    assert len({query.label for query in figure.queries}) == 4, "there are four classes"
    for query in figure.queries:
        assert [row.name for row in query.rows] == ["nearest in fc7", "nearest in pixels"]
        for row in query.rows:
            assert len({picture.address for picture in row.pictures}) == 6
            assert all(picture.same == (picture.label == query.label) for picture in row.pictures)
            assert row.hits == sum(picture.same for picture in row.pictures)


def test_pixel_neighbours_are_the_nearest_pictures(trained: tuple[Path, str, Evidence]) -> None:
    store, pictures, evidence = trained
    figure = retrieval_figure(evidence, store, pictures)
    assert figure is not None
    packed = open_packed(store / pictures)
    crop = slice(2, 18)
    train = np.asarray(packed.train.pictures)[:, crop, crop].astype(float)
    held_out = {picture_address(picture): picture[crop, crop] for picture in np.asarray(packed.held_out.pictures)}
    for query in figure.queries:
        distance = ((train - held_out[query.address]) ** 2).sum(axis=(1, 2, 3))
        wanted = [picture_address(packed.train.pictures[place]) for place in np.argsort(distance)[:6]]
        assert [picture.address for picture in query.rows[1].pictures] == wanted


def test_what_was_found_is_kept_and_not_searched_again(
    trained: tuple[Path, str, Evidence], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, pictures, evidence = trained
    first = retrieval_figure(evidence, store, pictures)
    monkeypatch.setattr("repro.report.figures.retrieval.search._searched", lambda *given: pytest.fail("searched"))
    assert retrieval_figure(evidence, store, pictures) == first


def test_without_pictures_run_or_the_same_data_there_is_no_figure(
    trained: tuple[Path, str, Evidence], tmp_path: Path
) -> None:
    store, pictures, evidence = trained
    assert retrieval_figure(evidence, store, "pictures/elsewhere") is None
    assert retrieval_figure(evidence, tmp_path, pictures) is None
    other = replace(evidence.study, data={"digest": "of other pictures"})
    assert retrieval_figure(Evidence(evidence.path, other, evidence.runs, {}, {}), store, pictures) is None
    unknown = (run_record("base", 10, identity="never trained"),)
    assert retrieval_figure(Evidence(evidence.path, evidence.study, unknown, {}, {}), store, pictures) is None


def test_the_studys_prepared_pictures_are_found(trained: tuple[Path, str, Evidence], tmp_path: Path) -> None:
    store, pictures, evidence = trained
    prepared = tmp_path / "prepared.json"
    assert retrieval_at_hand(evidence, store, prepared) is None
    write_json(prepared, {"pictures": pictures})
    assert retrieval_at_hand(evidence, store, prepared) is not None


def test_pictures_are_shown_small() -> None:
    large = np.random.default_rng(0).integers(0, 256, (256, 256, 3), dtype=np.uint8)
    address = picture_address(large)
    kind, _, content = address.partition(",")
    assert kind == "data:image/jpeg;base64"
    assert max(Image.open(io.BytesIO(base64.b64decode(content))).size) == SIDE
    assert len(address) < 6000


def test_classes_have_names() -> None:
    assert class_words("n04146614") == "school bus"
    assert class_words("n99999999") == "n99999999"
    assert class_words("frog") == "frog"

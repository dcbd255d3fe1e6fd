"""Neighbours of a few held-out pictures by a trained net: section 6.1's Figure 4, for the user's own eyes.

Needs what evidence does not hold, the prepared pictures and the run's weights: where the store has both, the
pictures go into the page as small copies. The query pictures are drawn by a fixed key; nobody picked them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from repro import randomness
from repro.data.packed import Packed, open_packed
from repro.errors import UserError
from repro.evidence.directory import Evidence
from repro.files import read_json
from repro.report.drawing.class_words import class_words
from repro.report.figures.retrieval.figure import Query, RetrievalFigure, found_row, picture_address
from repro.runs.store import Run
from repro.study.settings import EvaluationSettings

QUERIES = 5
DATABASE = 2000
VERSION = 1
_LAYER = "fc7"
Ints = npt.NDArray[np.int64]


def retrieval_at_hand(evidence: Evidence, store: Path, prepared: Path) -> RetrievalFigure | None:
    """The figure with the pictures that the study's `prepared.json` names; None where there is no such file."""
    record = read_json(prepared) if prepared.is_file() else None
    return retrieval_figure(evidence, store, str(record.get("pictures"))) if isinstance(record, dict) else None


def retrieval_figure(evidence: Evidence, store: Path, pictures: str) -> RetrievalFigure | None:
    """The figure for the first registered seed of the base that did not collapse.

    pictures: the folder of the prepared pictures in the store. None where the pictures, the run or its hidden
    layer are not at hand, or the pictures are not those of the evidence.
    """
    folder = store / pictures
    runs = [run for run in evidence.of("base") if run.status == "finished"]
    if not runs or not (folder / "manifest.json").is_file() or not Run(store, runs[0].identity).finished:
        return None
    packed = open_packed(folder)
    if packed.digest != evidence.study.data.get("digest") or not len(packed.held_out):
        return None
    try:
        result = _kept_search(Run(store, runs[0].identity), packed)
    except UserError:  # of another version, or damaged: for `repro train` and `repro evaluate` to complain about
        return None
    return None if result is None else _figure(packed, runs[0].seed, *result)


def _kept_search(run: Run, packed: Packed) -> tuple[Ints, Ints, Ints] | None:
    """The query pictures, which are held out, and the training pictures nearest to each in the layer and in pixels."""
    from repro.measurement.cache import keep, kept_path, read_kept
    from repro.measurement.subject import Measured

    path = kept_path(run, "retrieval", VERSION, {"queries": QUERIES, "database": DATABASE})
    if path.is_file():
        arrays = read_kept(path).arrays
    else:
        arrays = _searched(run, packed)
        keep(path, Measured({}, arrays))
    return (arrays["asked"], arrays["by_layer"], arrays["by_pixels"]) if arrays else None


def _searched(run: Run, packed: Packed) -> dict[str, npt.NDArray[Any]]:
    """The search itself; empty for a net without the layer."""
    import torch

    from repro.measurement.activations.neighbours import nearest, pixel_distances, squared_distances
    from repro.measurement.subject import Subject, through
    from repro.training.evaluation import fixed_sample

    subject = Subject.of_run(run, packed, EvaluationSettings(), torch.device("cpu"))
    if not subject.finite or all(layer.name != _LAYER for layer in subject.net.table):
        return {}

    def features(name: Any, sample: Ints) -> npt.NDArray[Any]:
        parts = []
        with torch.inference_mode():
            for pixels, _ in subject.inputs.batches(subject.split(name), sample, subject.batch):
                parts.append(through(subject.net.layers, pixels, (_LAYER,))[1][_LAYER].flatten(1).numpy())
        return np.concatenate(parts)

    held_out, train = subject.pictures.held_out, subject.pictures.train
    asked, reference = _queries(held_out.labels), fixed_sample(train, "retrieval", DATABASE)
    by_layer = nearest(squared_distances(features("held_out", asked), features("train", reference)))
    by_pixels = nearest(pixel_distances(held_out, asked, train, reference, subject.inputs.crop))
    return {"asked": asked, "by_layer": reference[by_layer], "by_pixels": reference[by_pixels]}


def _queries(labels: npt.NDArray[Any]) -> Ints:
    """The query pictures, in an order drawn by a fixed key: first one of each class, then the others."""
    order = randomness.permutation(randomness.key("retrieval queries"), len(labels))
    firsts = [int(index) for index in order[np.sort(np.unique(labels[order], return_index=True)[1])]]
    rest = [int(index) for index in order if int(index) not in set(firsts)]
    return np.asarray((firsts + rest)[:QUERIES], dtype=np.int64)


def _figure(packed: Packed, seed: int, asked: Ints, by_layer: Ints, by_pixels: Ints) -> RetrievalFigure:
    train, held_out = packed.train, packed.held_out
    names = [class_words(name) for name in packed.classes]
    queries = []
    for query, learned, raw in zip(asked, by_layer, by_pixels, strict=True):
        wanted = int(held_out.labels[query])
        rows = tuple(
            found_row(name, nearest_indices.tolist(), train.pictures, train.labels, names, wanted)
            for name, nearest_indices in ((f"nearest in {_LAYER}", learned), ("nearest in pixels", raw))
        )
        queries.append(Query(picture_address(np.asarray(held_out.pictures[query])), names[wanted], rows))
    return RetrievalFigure(
        title=f"Held-out pictures and their nearest training pictures, seed {seed}",
        queries=tuple(queries),
        note=f"Queries are drawn by a key, of different classes; neighbours among at most {DATABASE:,} training "
        "pictures. Framed: of the query's class.",
    )

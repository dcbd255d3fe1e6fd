"""Nearest training pictures in the space of fc7 and in that of pixels (section 6.1, Figure 4, right)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from repro.data.packed import Split
from repro.measurement.subject import Measured, SplitName, Subject

VERSION = 1

Values = npt.NDArray[Any]
Floats = npt.NDArray[np.floating[Any]]
Ints = npt.NDArray[np.int64]
NEIGHBOURS = 6
"""Figure 4 shows six training pictures beside each test picture."""
_LAYER = "fc7"
_PICTURES_AT_ONCE = 256


def measure(subject: Subject, *, neighbour_queries: int, neighbour_database: int) -> Measured:
    """Class agreement of the nearest in fc7, in the untrained net's fc7 and in pixels; and how near in pixels the
    nearest in fc7 are.

    Queries are held-out pictures, the database is a sample of the training pictures; pixels are of central crops.
    """
    asked, reference = subject.kept("held_out", neighbour_queries), subject.kept("train", neighbour_database)
    labels = (subject.pictures.held_out.labels[asked], subject.pictures.train.labels[reference])
    pixels = pixel_distances(subject.pictures.held_out, asked, subject.pictures.train, reference, subject.inputs.crop)
    scalars: dict[str, float | None] = {
        "neighbour_agreement": None,
        "neighbour_agreement_untrained": None,
        "neighbour_agreement_pixels": agreement(pixels, *labels),
        "neighbour_pixel_percentile": None,
    }
    if any(layer.name == _LAYER for layer in subject.net.table):
        parts: tuple[tuple[SplitName, int], ...] = (("held_out", neighbour_queries), ("train", neighbour_database))
        untrained = squared_distances(*(subject.untrained_hidden(name, _LAYER, n) for name, n in parts))
        scalars["neighbour_agreement_untrained"] = agreement(untrained, *labels)
        queries, database = features(subject, neighbour_queries, neighbour_database)
        if queries is not None and database is not None:
            trained = squared_distances(queries, database)
            scalars["neighbour_agreement"] = agreement(trained, *labels)
            scalars["neighbour_pixel_percentile"] = float(np.median(percentiles(pixels, nearest(trained))))
    return Measured(scalars)


def features(subject: Subject, queries: int, database: int) -> tuple[Values | None, Values | None]:
    """fc7 of the queries (held-out pictures) and of the database (training pictures); None in a net without fc7."""
    if not subject.finite:
        return None, None
    return subject.hidden("held_out", _LAYER, queries), subject.hidden("train", _LAYER, database)


def squared_distances(queries: Values, database: Values) -> Floats:
    """Squared Euclidean distances (queries, database) between rows."""
    a, b = queries.astype(np.float64, copy=False), database.astype(np.float64, copy=False)
    squares = [np.einsum("nd,nd->n", rows, rows) for rows in (a, b)]
    return np.asarray(np.maximum(squares[0][:, None] + squares[1][None] - 2 * (a @ b.T), 0))


def pixel_distances(asked_of: Split, asked: Ints, reference_of: Split, reference: Ints, crop: int) -> Floats:
    """Squared Euclidean distances between central crops, grey levels, reading a block of pictures at a time."""
    queries = np.concatenate(list(pixel_blocks(asked_of, asked, crop))).reshape(len(asked), -1).astype(np.float64)
    blocks = [
        squared_distances(queries, block.reshape(len(block), -1))
        for block in pixel_blocks(reference_of, reference, crop)
    ]
    return np.concatenate(blocks, axis=1)


def pixel_blocks(split: Split, sample: Ints, crop: int) -> Iterator[npt.NDArray[np.uint8]]:
    """Central crops (n, crop, crop, 3) of some pictures of a split, some hundred at a time."""
    edge = (split.pictures.shape[1] - crop) // 2
    window = slice(edge, edge + crop)
    for start in range(0, len(sample), _PICTURES_AT_ONCE):
        pictures = np.asarray(split.pictures[sample[start : start + _PICTURES_AT_ONCE]])
        yield np.ascontiguousarray(pictures[:, window, window])


def nearest(distances: Floats, k: int = NEIGHBOURS) -> Ints:
    """The `k` nearest of the database for each query, nearest first."""
    return np.argsort(distances, axis=1, kind="stable")[:, :k]


def agreement(distances: Floats, asked: Ints, reference: Ints, k: int = NEIGHBOURS) -> float | None:
    """Share of the `k` nearest that have the query's class; None with fewer than `k` to choose from.

    Where pictures are equally far at the edge of the `k`, each counts by its chance of being among them.
    """
    if distances.shape[1] < k:
        return None
    edge = np.partition(distances, k - 1, axis=1)[:, k - 1 : k]
    same = asked[:, None] == reference[None]
    inside, level = distances < edge, distances == edge
    remaining = k - inside.sum(1)
    share = (same & level).sum(1) / level.sum(1)
    return float((((same & inside).sum(1) + remaining * share) / k).mean())


def percentiles(distances: Floats, chosen: Ints) -> Floats:
    """For each query and each chosen picture, the per cent of the other pictures that are nearer to the query.

    Pictures that are equally far count as half nearer.
    """
    values = np.take_along_axis(distances, chosen, axis=1)
    ordered = np.sort(distances, axis=1)
    ranks = np.stack(
        [
            (np.searchsorted(row, own, "left") + np.searchsorted(row, own, "right") - 1) / 2
            for row, own in zip(ordered, values, strict=True)
        ]
    )
    return np.asarray(100 * ranks / max(distances.shape[1] - 1, 1))

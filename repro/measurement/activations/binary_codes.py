"""Short binary codes made of fc7 and of pixels, compared by retrieval (section 6.1, last paragraph).

The paper proposes auto-encoders and trains none. Here a code is the signs of mixed principal components:
the hidden layer of a linear auto-encoder, thresholded.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional as F

from repro import randomness
from repro.data.packed import Split
from repro.measurement.activations.neighbours import Floats, Ints, Values, agreement, features, pixel_blocks
from repro.measurement.subject import Measured, Subject

VERSION = 1

Signs = npt.NDArray[np.float32]
PIXEL_SIDE = 32
"""Larger pictures are averaged down to so many pixels a side: finer detail does not reach 32 components."""


def measure(subject: Subject, *, neighbour_queries: int, neighbour_database: int, code_bits: int) -> Measured:
    """Class agreement of the nearest by Hamming distance, for codes of fc7 and of pixels with the same bits."""
    asked, reference = subject.kept("held_out", neighbour_queries), subject.kept("train", neighbour_database)
    held_out, train = subject.pictures.held_out, subject.pictures.train
    labels = (held_out.labels[asked], train.labels[reference])
    crop = subject.inputs.crop
    pixels = (reduced_pixels(held_out, asked, crop), reduced_pixels(train, reference, crop))
    queries, database = features(subject, neighbour_queries, neighbour_database)
    own = None
    if queries is not None and database is not None:
        own = agreement(hamming(*codes(queries, database, code_bits)), *labels)
    return Measured(
        {
            "code_agreement": own,
            "code_agreement_pixels": agreement(hamming(*codes(*pixels, code_bits)), *labels),
        }
    )


def codes(queries: Values, database: Values, bits: int) -> tuple[Signs, Signs]:
    """Codes (rows, bits) of -1 and 1, fitted to `database`.

    The first principal components, at most `bits` of them, are mixed by fixed random weights before their
    signs are taken: each bit then depends on most of the strong components, and none on a weak one alone.
    """
    centre = database.mean(axis=0, dtype=np.float64)
    axes = principal_axes(database - centre, bits)
    mixed = axes @ randomness.generator("binary codes").standard_normal((axes.shape[1], bits))
    first, second = ((rows - centre) @ mixed > 0 for rows in (queries, database))
    return np.where(first, 1, -1).astype(np.float32), np.where(second, 1, -1).astype(np.float32)


def principal_axes(centred: Floats, most: int) -> Floats:
    """The first principal axes of rows with mean 0, in columns; only those along which the rows vary."""
    rows, columns = centred.shape
    short = rows < columns
    values, vectors = np.linalg.eigh(centred @ centred.T if short else centred.T @ centred)
    values, vectors = values[::-1][:most], vectors[:, ::-1][:, :most]
    varied = values > 1e-9 * max(float(values[0]), 0.0)
    vectors = vectors[:, varied]
    axes: Floats = centred.T @ vectors / np.sqrt(values[varied]) if short else vectors
    return axes


def hamming(queries: Signs, database: Signs) -> Floats:
    """How many bits differ, between rows of -1 and 1."""
    bits = queries.shape[1]
    return np.asarray((bits - queries @ database.T) / 2)


def reduced_pixels(split: Split, sample: Ints, crop: int) -> Values:
    """Central crops of some pictures as rows, averaged down to PIXEL_SIDE a side where they are larger."""
    side = min(crop, PIXEL_SIDE)
    rows = []
    for block in pixel_blocks(split, sample, crop):
        pictures = torch.from_numpy(block).permute(0, 3, 1, 2).float()
        rows.append(F.adaptive_avg_pool2d(pictures, side).flatten(1).numpy())
    return np.concatenate(rows)

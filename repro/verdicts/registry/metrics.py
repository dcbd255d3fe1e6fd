"""The numbers per run that claims may read: names, units, and what a run that only guesses counts with.

Names are those of evidence's scalars (docs/evidence.md); a few are read off curves or stored outcomes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Metric = Literal[
    "train_error",
    "train_loss",
    "train_error_as_trained",
    "train_loss_as_trained",
    "early_train_loss",
    "held_out_error",
    "held_out_loss",
    "held_out_top5_error",
    "generalisation_gap",
    "ten_view_error",
    "ten_view_top5_error",
    "ensemble_error",
    "ensemble_top5_error",
    "corner_error",
    "off_centre_error",
    "halves_excess",
    "colour_shift_agreement",
    "correlation_fc6",
    "correlation_fc7",
    "participation_fc6",
    "participation_fc7",
    "half_silenced_error",
    "dropout_kl_scaled",
    "dropout_kl_single",
    "dropout_kl_ratio",
    "dropout_geometric_error",
    "dropout_scaled_error",
    "neighbour_agreement",
    "neighbour_agreement_untrained",
    "neighbour_agreement_pixels",
    "neighbour_pixel_percentile",
    "code_agreement",
    "code_agreement_pixels",
    "labels_within_6_steps",
    "cat_share",
    "selective_kernels",
    "selective_kernels_initial",
    "orientation_bins",
    "orientation_bins_initial",
    "frequency_octaves",
    "colour_blobs",
]
Unit = Literal["points", "nats", "J", "rate", "ratio", "correlation", "percentiles", "bins", "octaves", "kernels"]


def _error(classes: int) -> float:
    return 1 - 1 / classes


def _top5_error(classes: int) -> float:
    return 1 - min(5, classes) / classes


def _agreement(classes: int) -> float:
    return 1 / classes


def _nothing(classes: int) -> float:
    return 0.0


@dataclass(frozen=True)
class MetricRule:
    """How a metric is read.

    title     for people
    unit      `points` are fractions, shown as percentage points
    guessing  its value for a net that only guesses, by number of classes: what a collapsed run without this
              number counts with; None where guessing has no such value
    step      the step in which it comes: runs cannot be known to agree more closely than that
    absent    why a finished run may have no such number: then its study cannot say, and this is the reason
    outcomes  the stored outcomes per picture whose mean it is (array name)
    pictures  the scalar that says on how many pictures it was measured, for errors on held-out pictures
    halves    it is the difference of the errors on two halves of the held-out pictures
    """

    title: str
    unit: Unit
    guessing: Callable[[int], float] | None = None
    step: float = 0.0
    absent: str | None = None
    outcomes: str | None = None
    pictures: str | None = None
    halves: bool = False


_FEW_CLASSES = "with five classes or fewer no answer is outside the first five"
_NO_LAYER = "the net has no such layer, or its units do not vary"
_NO_DROPOUT = "the net has no dropout"
_NO_TREE = "no class tree is known for these classes"
_NO_CATS = "its classes do not hold the leopard and other cats"

METRICS: dict[Metric, MetricRule] = {
    "train_error": MetricRule("Training error", "points", _error),
    "train_loss": MetricRule("Training loss", "nats", math.log),
    "train_error_as_trained": MetricRule("Training error as training sees it", "points", _error),
    "train_loss_as_trained": MetricRule("Training loss as training sees it", "nats", math.log),
    "early_train_loss": MetricRule("Training loss in the first tenth of training", "nats", math.log),
    "held_out_error": MetricRule(
        "Held-out error", "points", _error, outcomes="held_out_correct", pictures="held_out_pictures"
    ),
    "held_out_loss": MetricRule("Held-out loss", "nats", math.log),
    "held_out_top5_error": MetricRule(
        "Held-out top-5 error", "points", _top5_error, absent=_FEW_CLASSES, pictures="held_out_pictures"
    ),
    "generalisation_gap": MetricRule("Held-out minus training error", "points", _nothing),
    "ten_view_error": MetricRule(
        "Held-out error, ten views", "points", _error, outcomes="ten_view_correct", pictures="view_pictures"
    ),
    "ten_view_top5_error": MetricRule(
        "Held-out top-5 error, ten views", "points", _top5_error, absent=_FEW_CLASSES, pictures="view_pictures"
    ),
    "ensemble_error": MetricRule(
        "Held-out error of averaged nets, ten views", "points", _error, pictures="view_pictures"
    ),
    "ensemble_top5_error": MetricRule(
        "Held-out top-5 error of averaged nets, ten views", "points", _top5_error, pictures="view_pictures"
    ),
    "corner_error": MetricRule("Held-out error of corner crops", "points", _error, pictures="view_pictures"),
    "off_centre_error": MetricRule("Held-out error of shifted pictures", "points", _error, pictures="view_pictures"),
    "halves_excess": MetricRule(
        "Held-out error of one half of the pictures minus the other's", "points", _nothing, halves=True
    ),
    "colour_shift_agreement": MetricRule("Answers that a colour shift leaves", "points"),
    "correlation_fc6": MetricRule("Mean correlation of units in fc6", "correlation", absent=_NO_LAYER),
    "correlation_fc7": MetricRule("Mean correlation of units in fc7", "correlation", absent=_NO_LAYER),
    "participation_fc6": MetricRule("Participation of units in fc6", "rate", absent=_NO_LAYER),
    "participation_fc7": MetricRule("Participation of units in fc7", "rate", absent=_NO_LAYER),
    "half_silenced_error": MetricRule("Held-out error with half of the units silenced", "points", _error),
    "dropout_kl_scaled": MetricRule("Divergence of scaled outputs from the mean net", "nats", absent=_NO_DROPOUT),
    "dropout_kl_single": MetricRule("Divergence of single masks from the mean net", "nats", absent=_NO_DROPOUT),
    "dropout_kl_ratio": MetricRule("Divergence of scaled outputs, share of a mask's", "ratio", absent=_NO_DROPOUT),
    "dropout_geometric_error": MetricRule(
        "Error of the geometric mean net", "points", absent=_NO_DROPOUT, pictures="dropout_pictures"
    ),
    "dropout_scaled_error": MetricRule(
        "Error with scaled outputs", "points", absent=_NO_DROPOUT, pictures="dropout_pictures"
    ),
    "neighbour_agreement": MetricRule(
        "Neighbours of the same class, by features", "points", _agreement, absent=_NO_LAYER
    ),
    "neighbour_agreement_untrained": MetricRule(
        "Neighbours of the same class, untrained net", "points", _agreement, absent=_NO_LAYER
    ),
    "neighbour_agreement_pixels": MetricRule("Neighbours of the same class, by pixels", "points", _agreement),
    "neighbour_pixel_percentile": MetricRule(
        "Pixel-distance rank of feature neighbours", "percentiles", absent=_NO_LAYER
    ),
    "code_agreement": MetricRule(
        "Neighbours of the same class, codes of features", "points", _agreement, absent=_NO_LAYER
    ),
    "code_agreement_pixels": MetricRule("Neighbours of the same class, codes of pixels", "points", _agreement),
    "labels_within_6_steps": MetricRule("Wrong labels within six steps of the truth", "points", absent=_NO_TREE),
    "cat_share": MetricRule("Cats among a leopard's wrong labels", "points", step=0.01, absent=_NO_CATS),
    "selective_kernels": MetricRule("Selective kernels", "points", step=0.01),
    "selective_kernels_initial": MetricRule("Selective kernels before training", "points", step=0.01),
    "orientation_bins": MetricRule("Orientations of selective kernels", "bins", step=1.0),
    "orientation_bins_initial": MetricRule("Orientations before training", "bins", step=1.0),
    "frequency_octaves": MetricRule("Range of frequencies of selective kernels", "octaves"),
    "colour_blobs": MetricRule("Coloured blobs among the kernels", "kernels", step=1.0),
}

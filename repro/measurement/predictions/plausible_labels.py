"""Whether wrong labels are reasonable ones: near the truth in a tree of kinds (section 6.1, Figure 4, left)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from repro.measurement.predictions import class_tree
from repro.measurement.subject import Measured, Subject

VERSION = 3

Ints = npt.NDArray[np.int64]
Bits = npt.NDArray[np.bool_]
TOP = 5
NEAR = 6
"""Steps in the tree of kinds within which a wrong label is a reasonable one. The labels that Figure 4 shows beside
leopard, motor scooter and Madagascar cat lie within it, and 5 % of the pairs of ImageNet's classes."""
NAME = f"labels_within_{NEAR}_steps"
"""It stands in the name, so that the registry says which distance is meant."""


def measure(subject: Subject) -> Measured:
    """Shares of the wrong labels among the top five, over held-out pictures; null for classes not in the tree."""
    classes = subject.pictures.classes
    names = (NAME, f"{NAME}_possible", f"{NAME}_by_chance", "cat_share", "cat_classes", "leopard_pictures")
    scalars: dict[str, Any] = dict.fromkeys(names)
    paths = class_tree.known_paths()
    between = class_tree.distances(classes, paths)
    if between is None or subject.classes <= TOP or not subject.finite:
        return Measured(scalars)
    labels, top = subject.held_out.labels, top_labels(subject.held_out.logits, TOP)
    near: Bits = between <= NEAR
    scalars[NAME] = share(near, labels, top)
    scalars[f"{NAME}_possible"], scalars[f"{NAME}_by_chance"] = kin(near, labels)
    cats = np.array([class_tree.CATS in paths[name] for name in classes])
    leopards = np.array([name in class_tree.LEOPARDS for name in classes])
    scalars["cat_classes"] = int((cats & ~leopards).sum())
    of_leopards = leopards[labels]
    scalars["leopard_pictures"] = int(of_leopards.sum())
    scalars["cat_share"] = share(np.tile(cats, (len(classes), 1)), labels[of_leopards], top[of_leopards])
    return Measured(scalars)


def top_labels(logits: npt.NDArray[Any], k: int) -> Ints:
    """The `k` labels (pictures, k) with the highest scores, highest first."""
    return np.argsort(-logits, axis=1, kind="stable")[:, :k]


def kin(near: Bits, labels: Ints) -> tuple[float, float]:
    """What the tree of classes allows, means over pictures: the largest share of near labels among four wrong ones,
    and the share of near labels among wrong ones drawn at random.
    """
    others = near.sum(axis=1) - 1  # a class is near itself
    possible = np.minimum(others, TOP - 1) / (TOP - 1)
    return float(possible[labels].mean()), float(others[labels].mean() / (len(near) - 1))


def share(good: npt.NDArray[Any], labels: Ints, top: Ints) -> float | None:
    """Mean of good[truth, label] over the wrong labels in `top` (pictures, k); None when none is wrong."""
    wrong = top != labels[:, None]
    return float(good[labels[:, None], top][wrong].mean()) if wrong.any() else None

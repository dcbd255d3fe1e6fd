"""Whether wrong labels are reasonable ones: near the truth in a tree of kinds (section 6.1, Figure 4, left)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from repro import randomness
from repro.measurement import class_tree
from repro.measurement.subject import Subject, Taken

Ints = npt.NDArray[np.int64]
Weights = npt.NDArray[np.float64]
TOP = 5


def measure(subject: Subject) -> Taken:
    """Shares of the wrong labels among the top five, over held-out pictures; null for classes not in the tree."""
    classes = subject.pictures.classes
    scalars: dict[str, Any] = {
        "plausible_share": None,
        "plausible_share_shuffled": None,
        "cat_share": None,
        "cat_classes": None,
    }
    known = class_tree.known_paths()
    between = class_tree.distances(classes, known)
    if between is None or subject.classes <= TOP or not subject.finite:
        return Taken(scalars)
    labels, top = subject.held_out.labels, top_labels(subject.held_out.logits, TOP)
    near = nearer_than_most(between)
    shuffled = top[randomness.permutation(randomness.key("labels of other pictures"), len(top))]
    scalars["plausible_share"] = share(near, labels, top)
    scalars["plausible_share_shuffled"] = share(near, labels, shuffled)
    cats = np.array([class_tree.CATS in known[name] for name in classes])
    leopards = np.array([name in class_tree.LEOPARDS for name in classes])
    scalars["cat_classes"] = int((cats & ~leopards).sum())
    of_leopards = leopards[labels]
    scalars["cat_share"] = share(np.tile(cats, (len(classes), 1)), labels[of_leopards], top[of_leopards])
    return Taken(scalars)


def top_labels(logits: npt.NDArray[Any], k: int) -> Ints:
    """The `k` labels (pictures, k) with the highest scores, highest first."""
    return np.argsort(-logits, axis=1, kind="stable")[:, :k]


def nearer_than_most(between: Ints) -> Weights:
    """[truth, label]: 1 where the label lies nearer to the truth than the median of the other classes, else 0.

    Steps in a tree are few, so many classes are as far as the median: they count one half, lest random labels
    come out far.
    """
    n = len(between)
    others = between[~np.eye(n, dtype=bool)].reshape(n, n - 1)
    median = np.median(others, axis=1, keepdims=True)
    return np.asarray((between < median) + (between == median) / 2)


def share(good: npt.NDArray[Any], labels: Ints, top: Ints) -> float | None:
    """Mean of good[truth, label] over the wrong labels in `top` (pictures, k); None when none is wrong."""
    wrong = top != labels[:, None]
    return float(good[labels[:, None], top][wrong].mean()) if wrong.any() else None

"""How far classes lie apart in a tree of kinds (section 6.1: which wrong labels are plausible).

`class_tree.json` holds the classes of ILSVRC2010, ILSVRC2012 (so also Tiny-ImageNet's) and CIFAR under their
kinds in WordNet, and the embedded ones under their stripes or the part above.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Kinds = tuple[str, ...]
Ints = npt.NDArray[np.int64]
CATS = "feline"
LEOPARDS = ("n02128385", "leopard")


def paths(tree: Mapping[str, Any]) -> dict[str, Kinds]:
    """For every class (a leaf) of a tree of nested mappings, its kinds from the root down."""

    def leaves(node: Mapping[str, Any], above: Kinds) -> Iterator[tuple[str, Kinds]]:
        for name, below in node.items():
            if isinstance(below, Mapping):
                yield from leaves(below, (*above, name))
            else:
                yield name, above

    return dict(leaves(tree, ()))


@lru_cache
def known_paths() -> dict[str, Kinds]:
    """The project's own tree."""
    return paths(json.loads(Path(__file__).with_name("class_tree.json").read_text())["tree"])


def distances(classes: Sequence[str], paths_of: Mapping[str, Kinds]) -> Ints | None:
    """Steps between two classes through their lowest common kind (classes, classes); None if one is unknown."""
    if any(name not in paths_of for name in classes):
        return None
    ways = [(*paths_of[name], name) for name in classes]
    lengths = np.array([len(way) for way in ways])
    numbers = {kind: number for number, kind in enumerate(sorted({kind for way in ways for kind in way}))}
    steps = np.full((len(ways), lengths.max()), -1)
    for row, way in zip(steps, ways, strict=True):
        row[: len(way)] = [numbers[kind] for kind in way]
    alike = (steps[:, None] == steps[None]) & (steps[:, None] >= 0)
    shared = np.logical_and.accumulate(alike, axis=2).sum(axis=2)
    return np.asarray(lengths[:, None] + lengths[None] - 2 * shared)

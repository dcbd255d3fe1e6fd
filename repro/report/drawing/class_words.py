"""What a class is called by people, where the project's tree of classes knows it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from repro.measurement.predictions import class_tree

_SYNSET = re.compile(r"n\d{8}")


def class_words(name: str) -> str:
    """A synset's words, "school bus" for n04146614; any other class under its own name."""
    return _words().get(name, name) if _SYNSET.fullmatch(name) else name


@lru_cache(maxsize=1)
def _words() -> dict[str, str]:
    file = Path(class_tree.__file__).with_name("class_tree.json")
    return dict(_leaves(json.loads(file.read_text(encoding="utf-8"))["tree"]))


def _leaves(node: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, below in node.items():
        if isinstance(below, Mapping):
            yield from _leaves(below)
        else:
            yield name, str(below)

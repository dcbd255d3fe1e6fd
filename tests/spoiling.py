"""Ways to spoil a finished project: damaged files, wrong settings, other pictures."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import yaml

from tests.data import miniatures as mini
from tests.data.miniatures import put
from tests.project_copy import edit_yaml, write_yaml
from tests.small_project import Place

Spoil = Callable[[Place], object]
Where = Callable[[Place], Path]


# ---- where -------------------------------------------------------------------------------------------


def root(path: str) -> Where:
    return lambda place: place.root / path


def mine(path: str = "") -> Where:
    return lambda place: place.mine / path


def run(path: str = "") -> Where:
    return lambda place: place.run / path


def packed(path: str = "") -> Where:
    return lambda place: place.packed / path


def evidence(path: str = "") -> Where:
    return lambda place: place.evidence / path


# ---- files -----------------------------------------------------------------------------------------


def both(*spoils: Spoil) -> Spoil:
    return lambda place: [spoil(place) for spoil in spoils]


def content(where: Where, what: bytes | str) -> Spoil:
    return lambda place: put(where(place), what)


def edited(where: Where, **changes: Any) -> Spoil:
    """A JSON file with other values; `...` removes a key."""

    def spoil(place: Place) -> None:
        value = {**json.loads(where(place).read_text()), **changes}
        where(place).write_text(json.dumps({key: item for key, item in value.items() if item is not ...}))

    return spoil


def cut(where: Where, share: float = 0.5) -> Spoil:
    def spoil(place: Place) -> None:
        whole = where(place).read_bytes()
        where(place).write_bytes(whole[: int(len(whole) * share)])

    return spoil


def gone(where: Where) -> Spoil:
    def spoil(place: Place) -> None:
        path = where(place)
        shutil.rmtree(path) if path.is_dir() else path.unlink()

    return spoil


def folder_instead(where: Where) -> Spoil:
    return both(gone(where), lambda place: where(place).mkdir())


def file_instead(where: Where) -> Spoil:
    def spoil(place: Place) -> None:
        path = where(place)
        shutil.rmtree(path, ignore_errors=True)
        put(path, "in the way")

    return spoil


# ---- settings --------------------------------------------------------------------------------------


def study(**changes: Any) -> Spoil:
    return lambda place: edit_yaml(place.root / "studies" / "small.yaml", **changes)


def variant(entry: Any, name: str = "odd") -> Spoil:
    """One more variant, which the study has."""
    edit = lambda place: edit_yaml(place.root / "variants.yaml", **{name: entry})  # noqa: E731
    return both(edit, study(variants=["base", name]))


def without_key(key: str) -> Spoil:
    """The study without one of its keys."""

    def spoil(place: Place) -> None:
        path = place.root / "studies" / "small.yaml"
        write_yaml(path, {name: value for name, value in yaml.safe_load(path.read_text()).items() if name != key})

    return spoil


def params(**values: Any) -> Spoil:
    return lambda place: write_yaml(place.root / "params.yaml", values)


def registry(**changes: Any) -> Spoil:
    return lambda place: edit_yaml(place.root / "claims" / "statements.yaml", **changes)


# ---- states of the project -------------------------------------------------------------------------


unfinished = both(gone(run("run.json")), gone(run("weights.safetensors")))
recorded: Spoil = lambda place: shutil.copytree(place.evidence, place.recorded)  # noqa: E731
judged = content(root("results/small/verdicts.json"), "[]")


def checkpoint(**state: Any) -> Spoil:
    return both(unfinished, lambda place: torch.save(state, place.run / "checkpoint.pt"))


def other_numbers(place: Place) -> None:
    """Recorded evidence that disagrees with the pipeline's about a run."""
    path = place.recorded / "runs.jsonl"
    row = json.loads(path.read_text())
    row["scalars"]["train_error"] += 0.1
    path.write_text(json.dumps(row) + "\n")


def twice(place: Place) -> None:
    """Evidence that holds its run twice."""
    path = place.evidence / "runs.jsonl"
    path.write_text(path.read_text() * 2)


# ---- pictures --------------------------------------------------------------------------------------


def archives(place: Place) -> None:
    mini.ilsvrc_archives(place.mine)


def image_folder(place: Place) -> None:
    mini.image_folder(place.mine)


def with_picture(what: Callable[[bytes], bytes], name: str = "bad.JPEG") -> Spoil:
    """The study's pictures are others, one of which is `what` of a good JPEG."""

    def spoil(place: Place) -> None:
        mini.image_folder(place.mine)
        put(place.mine / "train" / mini.SORTED[0] / name, what(mini.encoded(mini.noise(1, 30, 30))))
        place.use(place.mine, "mine")
        edit_yaml(place.root / "studies" / "small.yaml", data={"train_per_class": "all"})

    return spoil

"""A whole project in small, up to its evidence, whose commands run in this process as `repro` runs them."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import re
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from repro.cli import main
from repro.data.registration import use_data
from repro.project import Project
from repro.stages.evaluate import evaluate_stage
from repro.stages.facts import facts_stage
from repro.stages.prepare import prepare_stage
from repro.stages.train import train_stage
from tests.data import miniatures
from tests.project_copy import copy_project, write_yaml
from tests.workers_here import use_workers_here

STUDY = {
    "study": "small",
    "summary": "Five classes of plain colours.",
    "fidelity": "paper",
    "scaling": "small",
    "data": {"size": 20, "train_per_class": 3},
    "net": {
        "geometry": {
            "crop": 16,
            "conv1_kernel": 3,
            "conv1_stride": 1,
            "conv1_padding": 1,
            "conv1_padding_kind": "symmetric",
            "conv2_kernel": 3,
            "conv2_padding": 1,
        },
        "widths": {"conv": [8, 8, 8, 8, 8], "fc": [16, 16]},
        "pooling": {"size": 2},
    },
    "training": {"batch_size": 5, "epochs": 2, "curve_pictures": 5},
    "variants": ["base"],
    "seeds": [1],
    "family": ["S61c"],
}
_LEFTOVER = re.compile(r"\.writing-|\.making-|\.stale\.|\.lease\.json\.|\.tmp")
_MAY_CHANGE = ("worker.log", ".data-paths.json")
"""What the last worker said; a private list of paths, to which a registration that fails later has added one."""


@dataclass(frozen=True)
class Place:
    """Where a test works: a folder with the project and, beside it, the pictures of its user."""

    folder: Path

    @property
    def root(self) -> Path:
        return self.folder / "project"

    @property
    def mine(self) -> Path:
        """Pictures that a test makes; nobody has registered them yet."""
        return self.folder / "mine"

    @property
    def colours(self) -> Path:
        """The pictures of the study."""
        return self.folder / "colours"

    @property
    def store(self) -> Path:
        return self.root / ".store"

    @property
    def run(self) -> Path:
        """The folder of the study's one run."""
        (folder,) = (self.store / "runs").iterdir()
        return folder

    @property
    def packed(self) -> Path:
        """The folder of the prepared pictures."""
        (folder,) = (path.parent for path in (self.store / "pictures").glob("*/manifest.json"))
        return folder

    @property
    def evidence(self) -> Path:
        return self.root / "results" / "small" / "evidence"

    @property
    def recorded(self) -> Path:
        return self.root / "evidence" / "small"

    def use(self, path: Path, name: str) -> None:
        """Register pictures and give them to the study."""
        use_data(path, name, self.root)
        write_yaml(self.root / "params.yaml", {"studies": {"small": name}})


@dataclass(frozen=True)
class Answer:
    """What a command said."""

    code: int
    out: str
    err: str


def make_small_project(folder: Path) -> Place:
    """Prepare, train and evaluate; what the facts about the full-size net are is not of interest here."""
    place = Place(folder)
    copy_project(place.root, {"small": "colours"})
    write_yaml(place.root / "studies" / "small.yaml", STUDY)
    miniatures.image_folder(place.colours)
    place.use(place.colours, "colours")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("REPRO_STORE", raising=False)
        patch.setattr("repro.stages.facts.measure_facts", lambda name: {})
        use_workers_here(patch)
        prepare_stage(Project(place.root), "small", workers=1)
        train_stage(Project(place.root), "small", workers=1)
        facts_stage(Project(place.root))
        evaluate_stage(Project(place.root), "small")
    shutil.rmtree(place.store / "measurements")
    return place


def copy_of(place: Place, folder: Path) -> Place:
    """The same project elsewhere, which a test may spoil."""
    shutil.copytree(place.folder, folder, symlinks=True)
    copy = Place(folder)
    pointers = copy.root / ".data-paths.json"
    pointers.write_text(pointers.read_text().replace(str(place.folder), str(folder)))
    assert json.loads(pointers.read_text()) == {"colours": str(folder / "colours")}
    return copy


def repro(here: Path, *arguments: str) -> Answer:
    """`repro ARGUMENTS` in the folder `here`."""
    before = sys.argv
    sys.argv = ["repro", *arguments]
    try:
        with contextlib.chdir(here):
            return answer_of(main)
    finally:
        sys.argv = before


def answer_of(command: Callable[[], int | None]) -> Answer:
    """What a command says that runs in this process, and the exit code that it returns or ends with."""
    out, err = io.StringIO(), io.StringIO()
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = command()
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 0
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    return Answer(code or 0, out.getvalue(), err.getvalue())


def did(here: Path, *arguments: str) -> Answer:
    """The same, for a command that must succeed."""
    answer = repro(here, *arguments)
    assert answer.code == 0, answer
    return answer


@contextlib.contextmanager
def nothing_lost(folder: Path) -> Iterator[None]:
    """After the block every file in `folder` is as it was, and no half-written one lies about."""
    before = _contents(folder)
    yield
    after = _contents(folder)
    lost = {path for path, digest in before.items() if after.get(path) != digest}
    assert not {path for path in lost if not path.endswith(_MAY_CHANGE)}
    assert not {path for path in after if path not in before and _LEFTOVER.search(path)}


def the_error(answer: Answer) -> str:
    """The one line of an error that the user can mend."""
    assert answer.code == 2, answer
    assert "Traceback" not in answer.err + answer.out, answer.err
    lines = [line for line in answer.err.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1, answer.err
    assert answer.err.splitlines()[-1] == lines[0], answer.err
    return lines[0]


def _contents(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        for path in folder.rglob("*")
    }

"""The store of runs: a folder per run, named by identity, outside DVC.

    settings.json         what the run is: resolved settings, seed, digest of its pictures
    lease.json            who trains it now
    checkpoint.pt         the last complete state (atomic)
    log.jsonl             a line an epoch, and for points of the learning curve between them
    kernels/              the first layer's kernels at the points of the learning curve
    progress.json         for the live table
    weights.safetensors   the final weights, per-tower names
    run.json              written last: the run is finished, with the digest of its weights

The store's folder is the environment variable REPRO_STORE, by default `.store` in the project; experiments
that DVC runs in a copy of the project share it.
A run that has its `run.json` is never written to again.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field

from repro.errors import UserError
from repro.files import digest_of_file, read_json, write_json
from repro.json_file import Record, checked_record
from repro.runs import lease
from repro.settings import validated
from repro.study.identity import TRAINING_VERSION, run_identity
from repro.study.settings import RunSettings


class CreatedRun(Record):
    """What `settings.json` says of a run."""

    settings: dict[str, Any]
    seed: int
    data_digest: str
    pictures: str
    parent: str | None
    training_version: int | None = None
    noted: dict[str, Any] = Field(default_factory=dict)


class FinishedRun(Record):
    """What `run.json` says at least; versions differ in what else it says."""

    status: str
    weights_digest: str
    steps: int
    epochs: int
    final_train_loss: float | None
    decay_dose: float
    cpu_seconds: float
    pictures_per_second: float
    sittings: int
    provenance: dict[str, Any]


@dataclass(frozen=True)
class RunSpec:
    """What a run is: enough to train it, wherever it lies."""

    settings: RunSettings
    seed: int
    data_digest: str
    pictures: str
    """the prepared pictures' folder, relative to the store"""
    parent: str | None = None

    @property
    def identity(self) -> str:
        return run_identity(self.settings, self.seed, self.data_digest, self.parent)


class Run:
    """One run's folder in the store."""

    def __init__(self, store: Path, identity: str) -> None:
        self.store = store
        self.identity = identity
        self.folder = store / "runs" / identity

    def __repr__(self) -> str:
        return f"Run({self.identity})"

    @property
    def finished(self) -> bool:
        return (self.folder / "run.json").is_file()

    @property
    def lease_path(self) -> Path:
        return self.folder / "lease.json"

    @property
    def log_path(self) -> Path:
        """What the process that trains it says, errors above all."""
        return self.folder / "worker.log"

    @property
    def leased(self) -> bool:
        return lease.is_held(self.lease_path)

    @property
    def started(self) -> bool:
        return (self.folder / "checkpoint.pt").exists()

    def create(self, spec: RunSpec, noted: Mapping[str, Any]) -> None:
        """Make the folder and say what the run is, with notes on it; harmless when that has been done."""
        if spec.identity != self.identity:
            raise ValueError(f"{spec.identity} is not {self.identity}")
        path = self.folder / "settings.json"
        if path.exists():
            return
        write_json(
            path,
            {
                "identity": self.identity,
                "training_version": TRAINING_VERSION,
                "settings": spec.settings.model_dump(mode="json"),
                "seed": spec.seed,
                "data_digest": spec.data_digest,
                "pictures": spec.pictures,
                "parent": spec.parent,
                "noted": dict(noted),
            },
        )

    def training_version(self) -> int | None:
        """The training version of the program that created the run; the run's identity depends on it too."""
        return self._created().training_version

    def noted(self) -> dict[str, Any]:
        """What was noted when the run was created."""
        return self._created().noted

    def _created(self) -> CreatedRun:
        path = self.folder / "settings.json"
        return checked_record(CreatedRun, self._read(path), path, self._anew)

    def _read(self, path: Path) -> Any:
        try:
            return read_json(path)
        except UserError as error:
            raise UserError(f"{error}; {self._anew}") from None

    @property
    def _anew(self) -> str:
        return f"remove {self.folder} to train that run anew"

    def spec(self) -> RunSpec:
        """What the run is; UserError when the folder is damaged or belongs to another version."""
        path = self.folder / "settings.json"
        created = self._created()
        settings = validated(RunSettings, created.settings, str(path))
        spec = RunSpec(settings, created.seed, created.data_digest, created.pictures, created.parent)
        if spec.identity != self.identity:
            raise UserError(
                f"{path} does not describe run {self.identity} (it may be of training version "
                f"{created.training_version}, this is {TRAINING_VERSION}); remove {self.folder} to train it anew"
            )
        return spec

    def result(self) -> dict[str, Any]:
        """The final record; UserError when the run is unfinished or its weights are not the recorded ones."""
        if not self.finished:
            raise UserError(f"run {self.identity} is not finished; `repro train` resumes it")
        path = self.folder / "run.json"
        result: dict[str, Any] = self._read(path)
        checked_record(FinishedRun, result, path, self._anew)
        return result

    def checked_weights(self) -> Path:
        """The path of the final weights, after comparing their digest with the record."""
        path = self.folder / "weights.safetensors"
        record = self.result()
        if not path.is_file():
            raise UserError(f"{path} is missing; remove {self.folder} to train that run anew")
        if digest_of_file(path) != record["weights_digest"]:
            raise UserError(
                f"{path} is not what training wrote (its digest differs from run.json's); "
                f"remove {self.folder} to train that run anew"
            )
        return path

    def log(self) -> list[dict[str, Any]]:
        """The log's rows: one an epoch (with its `train_loss`), and points of the learning curve between them."""
        path = self.folder / "log.jsonl"
        try:
            return [json.loads(line) for line in path.read_text().splitlines()]
        except FileNotFoundError:
            return []
        except ValueError as error:
            raise UserError(f"{path} is damaged ({error}); remove {self.folder} to train that run anew") from None

    def progress(self) -> dict[str, Any]:
        """The last sign of life: step, loss, rate; empty when there is none."""
        try:
            value = json.loads((self.folder / "progress.json").read_text())
        except (FileNotFoundError, ValueError):
            return {}
        return value if isinstance(value, dict) else {}

    def set_aside(self) -> None:
        """Move a finished run out of the way, so that it is trained anew; nothing is deleted."""
        aside = self.store / "set-aside"
        aside.mkdir(parents=True, exist_ok=True)
        number = 1
        while (aside / f"{self.identity}-{number}").exists():
            number += 1
        os.replace(self.folder, aside / f"{self.identity}-{number}")

    def size(self) -> int:
        """Bytes on disk."""
        return sum(path.stat().st_size for path in self.folder.rglob("*") if path.is_file())

    def remove(self) -> None:
        shutil.rmtree(self.folder)


def runs_in(store: Path) -> Iterator[Run]:
    """Every run in the store, in the order of identities."""
    folder = store / "runs"
    if folder.is_dir():
        for path in sorted(folder.iterdir()):
            if path.is_dir() and not path.name.startswith("."):
                yield Run(store, path.name)

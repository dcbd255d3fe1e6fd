"""Evidence as a directory: `study.json`, `runs.jsonl`, `facts.json`, `arrays.npz`.

Readable with json and numpy alone. Written whole: a reader sees the old directory or the new one.
"""

from __future__ import annotations

import io
import json
import shutil
import tempfile
import zipfile
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from repro.errors import UserError
from repro.evidence.record import SCHEMA, RunRecord, StudyRecord
from repro.files import (
    DAMAGED_ARCHIVE,
    canonical_json,
    put_back,
    read_json,
    replace_folder,
    write_bytes,
    write_json,
    write_text,
)
from repro.settings import validated_json

FILES = ("study.json", "runs.jsonl", "facts.json", "arrays.npz")


class Evidence:
    """One study's evidence. Numbers only: no torch, no pictures."""

    def __init__(
        self,
        path: Path,
        study: StudyRecord,
        runs: tuple[RunRecord, ...],
        facts: Mapping[str, Any],
        arrays: Mapping[str, npt.NDArray[Any]] | None = None,
    ) -> None:
        self.path = path
        self.study = study
        self.runs = runs
        self.facts = facts
        if arrays is not None:
            self.__dict__["arrays"] = dict(arrays)

    @cached_property
    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """All arrays by name, `<identity>/conv1` and so on; read when first asked for."""
        path = self.path / "arrays.npz"
        try:
            with np.load(path, allow_pickle=False) as archive:
                return {name: archive[name] for name in archive.files}
        except FileNotFoundError:
            raise UserError(f"{path} does not exist; this evidence is incomplete") from None
        except DAMAGED_ARCHIVE as error:
            raise UserError(f"{path} is damaged ({error}); make it again with `repro evaluate`") from error

    def array(self, identity: str, name: str) -> npt.NDArray[Any]:
        """One array of one run; KeyError when that run has none of that name."""
        return self.arrays[f"{identity}/{name}"]

    def has_array(self, identity: str, name: str) -> bool:
        return f"{identity}/{name}" in self.arrays

    def of(self, variant: str) -> list[RunRecord]:
        """The reported runs of a variant, in the order of the registered seeds; other seeds are left out."""
        by_seed = self._reported.get(variant, {})
        return [by_seed[seed] for seed in self.study.seeds if seed in by_seed]

    @cached_property
    def _reported(self) -> dict[str, dict[int, RunRecord]]:
        by_variant: dict[str, dict[int, RunRecord]] = {}
        for run in self.runs:
            if run.role == "report":
                by_variant.setdefault(run.variant, {})[run.seed] = run
        return by_variant

    def missing(self, variant: str) -> list[int]:
        """Registered seeds of a variant that have no run here."""
        present = {run.seed for run in self.of(variant)}
        return [seed for seed in self.study.seeds if seed not in present]


def load_evidence(path: str | Path) -> Evidence:
    """Read an evidence directory.

    Raises UserError when a file is missing, damaged, of a later schema, or lacks a key.
    """
    path = Path(path)
    put_back(path)
    if not path.is_dir():
        raise UserError(f"{path} is not an evidence directory (a folder with {', '.join(FILES)})")
    study_file = path / "study.json"
    study = read_json(study_file)
    facts = read_json(path / "facts.json")
    for name, value in (("study.json", study), ("facts.json", facts)):
        _check_schema(path / name, value)
    if not (path / "arrays.npz").exists():
        raise UserError(f"{path / 'arrays.npz'} does not exist; this evidence is incomplete")
    runs_file = path / "runs.jsonl"
    try:
        lines = runs_file.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise UserError(f"{runs_file} does not exist; this evidence is incomplete") from None
    except OSError as error:
        raise UserError(f"cannot read {runs_file}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{runs_file} is not text ({error}); the file is damaged or from another program") from None
    runs = [_typed(RunRecord, line, f"{runs_file} line {number}") for number, line in enumerate(lines, 1)]
    identities = [run.identity for run in runs]
    if len(set(identities)) != len(identities):
        raise UserError(f"{runs_file} holds a run twice; remove one of the two lines")
    record = _typed(StudyRecord, json.dumps(_without(study, "schema", *_FORMER)), str(study_file))
    return Evidence(path, record, tuple(runs), facts)


def write_evidence(
    path: str | Path,
    study: Mapping[str, Any],
    runs: Iterable[Mapping[str, Any]],
    facts: Mapping[str, Any],
    arrays: Mapping[str, npt.NDArray[Any]],
) -> None:
    """Write an evidence directory, replacing an older one as a whole.

    The same content gives the same bytes: runs sorted by variant and seed, no time stamps in the archive.
    """
    path = Path(path)
    study = {**_without(study, *_FORMER), "schema": SCHEMA}
    facts = {"schema": SCHEMA, **facts}
    _typed(StudyRecord, canonical_json(_without(study, "schema")), "study")
    rows = list(runs)
    for row in rows:
        _typed(RunRecord, canonical_json(row), f"run {row.get('identity')}")
    order = {variant: index for index, variant in enumerate(study["variants"])}
    rows.sort(key=lambda row: (order.get(row["variant"], len(order)), row["variant"], row["seed"], row["identity"]))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=".writing-", dir=path.parent))
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}; nothing was changed there") from error
    try:
        write_json(fresh / "study.json", study)
        write_text(fresh / "runs.jsonl", "".join(canonical_json(row) + "\n" for row in rows))
        write_json(fresh / "facts.json", facts)
        write_bytes(fresh / "arrays.npz", _archive(arrays))
        fresh.chmod(0o755)
        replace_folder(fresh, path)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _archive(arrays: Mapping[str, npt.NDArray[Any]]) -> bytes:
    """An npz archive whose bytes depend on the arrays alone (np.savez stamps the time)."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(arrays):
            content = io.BytesIO()
            np.lib.format.write_array(content, np.ascontiguousarray(arrays[name]), allow_pickle=False)
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content.getvalue())
    return buffer.getvalue()


def _check_schema(path: Path, value: Any) -> None:
    if not isinstance(value, dict) or not isinstance(value.get("schema"), int):
        raise UserError(f"{path} has no schema number; it is damaged or not evidence")
    if value["schema"] > SCHEMA:
        raise UserError(
            f"{path} has schema {value['schema']}, this version reads up to {SCHEMA}; "
            "install a newer alexnet-repro to read it"
        )


_FORMER = ("registry",)
"""Keys of a study that earlier versions wrote: what was registered now stands with each run."""


def _without(value: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    return {key: part for key, part in value.items() if key not in keys}


Kind = TypeVar("Kind")


def _typed(kind: type[Kind], text: str, where: str) -> Kind:
    try:
        return validated_json(kind, text, where)
    except UserError as error:
        raise UserError(f"{error}; the file is damaged or from another program") from None

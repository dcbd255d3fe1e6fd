"""Files of evidence that are not what they should be: one sentence that names file, key, value and what is allowed."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from repro.errors import UserError
from repro.evidence.directory import load_evidence, write_evidence
from tests.made_up import MadeUp

Change = Callable[[dict[str, Any]], object]

OF_A_RUN: dict[str, tuple[Change, str]] = {
    "a key is missing": (lambda row: row.pop("seed"), "seed is missing"),
    "a key that nobody knows": (
        lambda row: row.update(sed=1),
        "unknown key sed; allowed here: .*seed, status, variant",
    ),
    "a role that there is not": (lambda row: row.update(role="x"), "role: 'x' is not allowed; .*'report' or 'tuning'"),
    "a number as text": (lambda row: row.update(seed="3"), "seed: '3' is not allowed; .*valid integer"),
    "a curve that is no list": (lambda row: row["curves"].update(epoch=3), r"curves\.epoch: 3 is not allowed; .*list"),
    "no object": (lambda row: row.clear(), "identity is missing; variant is missing"),
}
OF_THE_STUDY: dict[str, tuple[Change, str]] = {
    "a key is missing": (lambda study: study.pop("family"), "family is missing"),
    "a key that nobody knows": (lambda study: study.update(famly=[]), "unknown key famly; allowed here: .*family"),
    "no list": (lambda study: study.update(variants=3), "variants: 3 is not allowed; Input should be a list"),
    "seeds as text": (lambda study: study.update(seeds=["1"]), r"seeds\.0: '1' is not allowed; .*valid integer"),
    "looks that there are not": (lambda study: study.update(looks="three"), "looks: 'three' .*'fixed' or 'two'"),
}


@pytest.mark.parametrize("case", OF_A_RUN)
def test_a_damaged_line_of_runs(case: str, tmp_path: Path) -> None:
    change, sentence = OF_A_RUN[case]
    folder = MadeUp(seeds=(1, 2), variants=("base",)).write(tmp_path / "made")
    rows = [json.loads(line) for line in (folder / "runs.jsonl").read_text().splitlines()]
    change(rows[1])
    (folder / "runs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(
        UserError, match=rf"^{re.escape(str(folder))}/runs\.jsonl line 2: {sentence}.*; the file is damaged"
    ):
        load_evidence(folder)


@pytest.mark.parametrize("case", OF_THE_STUDY)
def test_a_damaged_study(case: str, tmp_path: Path) -> None:
    change, sentence = OF_THE_STUDY[case]
    folder = MadeUp(seeds=(1, 2), variants=("base",)).write(tmp_path / "made")
    study = json.loads((folder / "study.json").read_text())
    change(study)
    (folder / "study.json").write_text(json.dumps(study))
    with pytest.raises(UserError, match=rf"^{re.escape(str(folder))}/study\.json: {sentence}.*; the file is damaged"):
        load_evidence(folder)


def test_a_byte_that_changed_anywhere_in_the_arrays_is_noticed_or_harmless(tmp_path: Path) -> None:
    path = MadeUp(seeds=(1,), variants=("base",)).write(tmp_path / "made") / "arrays.npz"
    whole = path.read_bytes()
    ends = {*range(400), *range(len(whole) - 400, len(whole))}  # heads of the archive and of its first array; its index
    for place in sorted(ends | set(range(0, len(whole), len(whole) // 200))):
        changed = bytearray(whole)
        changed[place] ^= 0xFF
        path.write_bytes(changed)
        with contextlib.suppress(UserError):
            assert load_evidence(path.parent).arrays


def test_arrays_that_cannot_be_unpacked_are_damaged(tmp_path: Path) -> None:
    path = MadeUp(seeds=(1,), variants=("base",)).write(tmp_path / "made") / "arrays.npz"
    with zipfile.ZipFile(path) as archive:
        first = archive.infolist()[0]
    changed = bytearray(path.read_bytes())
    start = first.header_offset + 30 + len(first.filename)
    changed[start : start + first.compress_size] = b"\xff" * first.compress_size
    path.write_bytes(changed)
    with pytest.raises(UserError, match=rf"^{re.escape(str(path))} is damaged .*; make it again with `repro evaluate`"):
        _ = load_evidence(path.parent).arrays


def test_runs_that_are_no_text(tmp_path: Path) -> None:
    path = MadeUp(seeds=(1,), variants=("base",)).write(tmp_path / "made") / "runs.jsonl"
    path.write_bytes(b"\xff" + path.read_bytes())
    with pytest.raises(UserError, match=rf"^{re.escape(str(path))} is not text .*; the file is damaged"):
        load_evidence(path.parent)


def test_runs_that_cannot_be_read(tmp_path: Path) -> None:
    path = MadeUp(seeds=(1,), variants=("base",)).write(tmp_path / "made") / "runs.jsonl"
    path.unlink()
    path.mkdir()  # as without permission, which the superuser always has
    with pytest.raises(UserError, match=rf"^cannot read {re.escape(str(path))}: Is a directory"):
        load_evidence(path.parent)


class Killed(BaseException):
    """What nothing catches, as nothing catches a kill."""


@pytest.mark.parametrize("in_one_step", [True, False], ids=["exchanged", "where the system cannot exchange"])
def test_a_kill_while_evidence_is_replaced_leaves_the_old_or_the_new(
    in_one_step: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = MadeUp(seeds=(1,), variants=("base",)).write(tmp_path / "made")
    rename = os.replace

    def rename_and_die(before: Path, after: Path) -> None:
        rename(before, after)
        if folder in (before, after):
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("os.replace", rename_and_die)
        if not in_one_step:
            patch.setattr("repro.files._exchanged", lambda fresh, path: False)
        with contextlib.suppress(Killed):
            MadeUp(seeds=(1, 2), variants=("base",)).write(folder)
    assert folder.is_dir() or not (in_one_step and sys.platform == "linux")
    assert len(load_evidence(folder).runs) in (1, 2)
    MadeUp(seeds=(1, 2, 3), variants=("base",)).write(folder)
    assert len(load_evidence(folder).runs) == 3
    assert [path.name for path in tmp_path.iterdir()] == ["made"]


def test_the_displaced_evidence_of_another_study_is_not_put_back(tmp_path: Path) -> None:
    """`.writing-made-longer-7` is what a killed process left of `made-longer`, not of `made`."""
    other = MadeUp(seeds=(1,), variants=("base",)).write(tmp_path / ".writing-made-longer-7")
    with pytest.raises(UserError, match="is not an evidence directory"):
        load_evidence(tmp_path / "made")
    assert other.is_dir()
    assert len(load_evidence(tmp_path / "made-longer").runs) == 1


def test_evidence_that_was_removed_does_not_come_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("repro.files._exchanged", lambda fresh, path: False, raising=False)
    folder = MadeUp(seeds=(1,), variants=("base",)).write(tmp_path / "made")
    MadeUp(seeds=(1, 2), variants=("base",)).write(folder)
    assert len(load_evidence(folder).runs) == 2
    shutil.rmtree(folder)
    with pytest.raises(UserError, match="is not an evidence directory"):
        load_evidence(folder)


def test_evidence_that_could_not_be_read_again_is_not_written(tmp_path: Path) -> None:
    made = load_evidence(MadeUp(seeds=(1, 2), variants=("base",)).write(tmp_path / "made"))
    row = {**vars(made.runs[0]), "status": "lost"}
    with pytest.raises(
        UserError, match=r"run .*: status: 'lost' is not allowed; .*'finished', 'collapsed' or 'diverged'"
    ):
        write_evidence(tmp_path / "new", vars(made.study), [row], {}, {})
    assert not (tmp_path / "new").exists()

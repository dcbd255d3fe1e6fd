"""Which files are taken for a run's checkpoint; whatever else lies there is named in one sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from repro.errors import UserError
from repro.training.records.checkpoint import SCHEMA, load_checkpoint, save_checkpoint

NAMES = ("weights", "velocities", "step", "loss_sum", "loss_count", "dose", "rows", "seconds", "sittings", "schedule")
STATE: dict[str, Any] = {"identity": "a run", **dict.fromkeys(NAMES, 0)}


def told(path: Path) -> str:
    with pytest.raises(UserError) as caught:
        load_checkpoint(path, "a run")
    (sentence,) = str(caught.value).splitlines()
    assert sentence.startswith(str(path))
    assert "delete it" in sentence
    return sentence


def test_a_state_is_read_as_it_was_written_and_none_is_none(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    assert load_checkpoint(path, "a run") is None
    save_checkpoint(path, STATE)
    assert load_checkpoint(path, "a run") == {"schema": SCHEMA, **STATE}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"schema": SCHEMA + 1}, f"has schema {SCHEMA + 1}, this version reads up to {SCHEMA}; install a newer"),
        ({"schema": "1"}, "is not a checkpoint;"),
        ({"identity": "another run"}, "belongs to run another run, not a run;"),
    ],
)
def test_a_state_of_something_else_is_refused(tmp_path: Path, changes: dict[str, Any], reason: str) -> None:
    path = tmp_path / "checkpoint.pt"
    save_checkpoint(path, {**STATE, **changes})
    assert reason in told(path)


@pytest.mark.parametrize("name", NAMES)
def test_a_state_without_one_of_its_parts_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "checkpoint.pt"
    save_checkpoint(path, {key: value for key, value in STATE.items() if key != name})
    assert f"lacks {name};" in told(path)


def test_the_reason_why_a_file_is_damaged_is_the_first_line_of_what_torch_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "checkpoint.pt"

    def refuse(text: str) -> None:
        def load(*words: Any, **options: Any) -> None:
            raise RuntimeError(text)

        monkeypatch.setattr(torch, "load", load)

    refuse("the archive ends too early\nin frame 1\nin frame 2")
    assert "is damaged (the archive ends too early);" in told(path)
    refuse("")
    assert "is damaged (RuntimeError);" in told(path)

"""What a person sees of runs in training, in terminals of several widths."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from repro.runs.store import Run
from repro.scheduling.live_table import LiveTable

PROGRESS = {
    "step": 12_345,
    "steps": 100_000,
    "epoch": 1234,
    "epochs": 4000,
    "loss": 1.607,
    "error": 0.6,
    "pictures_per_second": 12_345.0,
    "steps_per_second": 5.0,
}


@pytest.mark.parametrize("width", [60, 72, 80, 100, 200])
def test_every_value_that_is_shown_is_whole(width: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(tmp_path, "identity")
    run.folder.mkdir(parents=True)
    (run.folder / "progress.json").write_text(json.dumps(PROGRESS))
    table = LiveTable("smoke", {"identity": "no_weight_decay seed 10"}, 24, 3)
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    monkeypatch.setattr(table, "_console", console)
    console.print(table._table([run], 0))
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert max(map(len, shown.splitlines())) <= width
    assert "\u2026" not in shown
    for value in ("no_weight_decay", "10", "1234/4000", "1.607", "4:52:11", "3 of 24 runs done"):
        assert value in shown
    assert ("60.0%" in shown) is (width >= 84)

"""A run's log: a line an epoch, and for points of the learning curve between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from repro.files import canonical_json, write_text
from repro.runs.store import Run


def write_log(run: Run, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write the whole log anew; what is not known is left out of its line."""
    filled = ({key: value for key, value in row.items() if value is not None} for row in rows)
    write_text(run.folder / "log.jsonl", "".join(f"{canonical_json(row)}\n" for row in filled))

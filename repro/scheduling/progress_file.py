"""A run's last sign of life, for the live table. Losing one costs nothing, so it is not synced to disk."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Any


def write_progress(folder: Path, progress: dict[str, Any]) -> None:
    """Replace `progress.json`; a full disk is left to the checkpoint to complain about."""
    draft = folder / ".progress.json"
    with contextlib.suppress(OSError):
        draft.write_text(json.dumps(progress))
        os.replace(draft, folder / "progress.json")

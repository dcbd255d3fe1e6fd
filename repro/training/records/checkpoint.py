"""The state of an unfinished run in one file, under names that do not depend on placement."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import torch

from repro.errors import UserError
from repro.files import writing

SCHEMA = 1
_KEYS = ("weights", "velocities", "step", "loss_sum", "loss_count", "dose", "rows", "seconds", "sittings", "schedule")


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write `state` (tensors, numbers, strings, lists, dicts) atomically."""
    buffer = io.BytesIO()
    torch.save({"schema": SCHEMA, **state}, buffer)
    with writing(path) as handle:
        handle.write(buffer.getbuffer())


def load_checkpoint(path: Path, identity: str) -> dict[str, Any] | None:
    """The state in `path`, or None when there is none.

    Raises UserError for a damaged file, another run's or a later version's. Such a file is never
    overwritten silently: whoever asks may want to know.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        return None
    except (RuntimeError, OSError, EOFError, ValueError, zipfile.BadZipFile, KeyError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(f"{path} is damaged ({reason}); delete it to train that run from the start") from None
    except Exception as error:  # pickle's own errors, which torch does not wrap
        raise UserError(
            f"{path} is not a checkpoint ({type(error).__name__}); delete it to train that run from the start"
        ) from None
    if not isinstance(state, dict) or not isinstance(state.get("schema"), int):
        raise UserError(f"{path} is not a checkpoint; delete it to train that run from the start")
    if state["schema"] > SCHEMA:
        raise UserError(
            f"{path} has schema {state['schema']}, this version reads up to {SCHEMA}; install a newer "
            "alexnet-repro, or delete it to train that run from the start"
        )
    if state.get("identity") != identity:
        raise UserError(f"{path} belongs to run {state.get('identity')}, not {identity}; delete it")
    if missing := [key for key in _KEYS if key not in state]:
        raise UserError(f"{path} lacks {', '.join(missing)}; delete it to train that run from the start")
    return state

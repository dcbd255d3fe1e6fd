"""What an earlier stage left and a later one reads, checked; and what a stage says while it works."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from repro.errors import UserError
from repro.files import read_json
from repro.project import facts_file, results_folder

FACTS_SCHEMA = 1


def say(sentence: str) -> None:
    """A line on standard error, at once."""
    print(sentence, file=sys.stderr, flush=True)


def prepared_pictures(root: Path, study: str) -> dict[str, Any]:
    """What `prepare_stage` wrote; UserError when it has not been run."""
    path = results_folder(root, study) / "prepared.json"
    if not path.is_file():
        raise UserError(f"{path} does not exist; run `repro prepare {study}` (or `dvc repro`) first")
    prepared = read_json(path)
    again = f"run `repro prepare {study}` again"
    if not isinstance(prepared, dict) or prepared.get("schema") != 1:
        raise UserError(f"{path} is damaged or of another version; {again}")
    if missing := [key for key in ("data", "digest", "pictures", "classes", "counts", "size") if key not in prepared]:
        raise UserError(f"{path} lacks {', '.join(missing)}; it is damaged: {again}")
    return prepared


def facts_of_nets(root: Path) -> dict[str, Any]:
    """What `facts_stage` wrote, without its schema; UserError when it has not been run."""
    path = facts_file(root)
    if not path.is_file():
        raise UserError(f"{path} does not exist; run `repro facts` (or `dvc repro`) first")
    facts = read_json(path)
    if not isinstance(facts, dict) or facts.pop("schema", None) != FACTS_SCHEMA or "fidelity" not in facts:
        raise UserError(f"{path} is damaged or of another version; run `repro facts` again")
    return facts

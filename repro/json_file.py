"""JSON files that this program wrote, read back as types: the same for all of them, with one sentence on damage."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict

from repro.errors import UserError
from repro.files import read_json
from repro.settings import Settings, validated


class Record(Settings):
    """Base of what the program writes and reads back. Keys that only other versions know are passed over."""

    model_config = ConfigDict(extra="ignore")
    from_yaml: ClassVar[bool] = False


Kind = TypeVar("Kind", bound=BaseModel)


def read_record(path: Path, kind: type[Kind], *, schema: int, mend: str) -> Kind:
    """The record in a file that has a key `schema`, at most this one.

    mend: what to do about a damaged file, half a sentence. Raises UserError that names file, key, value and what is
    allowed.
    """
    return checked_record(kind, read_versioned_json(path, schema, mend), path, mend)


def read_versioned_json(path: Path, schema: int, mend: str) -> dict[str, Any]:
    """The JSON object in a file, its schema number checked and nothing else."""
    value = read_json(path)
    recorded = value.get("schema") if isinstance(value, dict) else None
    if not isinstance(recorded, int):
        raise UserError(f"{path} is damaged or another kind of file: it has no schema number; {mend}")
    if recorded > schema:
        raise UserError(
            f"{path} has schema {recorded}, this version reads up to schema {schema}: update the program to a newer one"
        )
    return dict(value)


def checked_record(kind: type[Kind], value: object, path: Path, mend: str) -> Kind:
    """What `path` holds, as a record; UserError when it is damaged."""
    try:
        return validated(kind, value, f"{path} is damaged")
    except UserError as error:
        raise UserError(f"{error}; {mend}") from None

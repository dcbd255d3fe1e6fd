"""The facts about the program's own nets, as the stage facts left them."""

from __future__ import annotations

from typing import Any

from repro.errors import UserError
from repro.json_file import Record, read_record
from repro.project import Project

FACTS_SCHEMA = 1


class Facts(Record):
    """What `facts.json` holds: by fidelity, each fact with its value and how it was found."""

    fidelity: dict[str, dict[str, Any]]


def facts_of_nets(project: Project) -> Facts:
    """What `facts_stage` wrote; UserError when it has not been run."""
    path = project.facts_file
    if not path.is_file():
        raise UserError(f"{path} does not exist; run `repro facts` (or `dvc repro`) first")
    return read_record(path, Facts, schema=FACTS_SCHEMA, mend="run `repro facts` again")

"""The facts stage: what statements on definitions need to know of the program's own nets. It belongs to no study."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from repro.facts.measure import measure_facts
from repro.files import digest_of, digest_of_file, read_json, write_json
from repro.net.table.fidelity import NAMES
from repro.project import PACKAGE, facts_file, store_folder
from repro.stages.handed_on import FACTS_SCHEMA, say


def facts_stage(root: Path) -> dict[str, Any]:
    """Write `facts.json`, by fidelity; returns them. They are measured once for each version of the program."""
    files = [path for path in sorted(PACKAGE.rglob("*.py")) if not path.name.startswith(".")]  # Emacs' locks: .#name.py
    sources = {str(path.relative_to(PACKAGE)): digest_of_file(path) for path in files}
    kept = store_folder(root) / "facts" / f"{digest_of(sources)[:16]}.json"
    if not kept.is_file():
        say("measuring facts about the net's definition")
        write_json(kept, {"fidelity": {name: measure_facts(name) for name in NAMES if name != "modern"}})
    facts: dict[str, Any] = read_json(kept)
    write_json(facts_file(root), {"schema": FACTS_SCHEMA, **facts})
    return facts

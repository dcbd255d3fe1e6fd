"""The facts stage: what statements on definitions need to know of the program's own nets. It belongs to no study."""

from __future__ import annotations

from repro.facts.measure import measure_facts
from repro.files import digest_of, digest_of_file, read_json, write_json
from repro.net.table.fidelity import NAMES
from repro.progress import say
from repro.project import PACKAGE, Project
from repro.stages.facts_file import FACTS_SCHEMA, Facts, facts_of_nets


def facts_stage(project: Project) -> Facts:
    """Write `facts.json`, by fidelity; returns them. They are measured once for each version of the program."""
    files = [path for path in sorted(PACKAGE.rglob("*.py")) if not path.name.startswith(".")]  # Emacs' locks: .#name.py
    sources = {str(path.relative_to(PACKAGE)): digest_of_file(path) for path in files}
    kept = project.store / "facts" / f"{digest_of(sources)[:16]}.json"
    if not kept.is_file():
        say("measuring facts about the net's definition")
        write_json(kept, {"fidelity": {name: measure_facts(name) for name in NAMES if name != "modern"}})
    write_json(project.facts_file, {"schema": FACTS_SCHEMA, **read_json(kept)})
    return facts_of_nets(project)

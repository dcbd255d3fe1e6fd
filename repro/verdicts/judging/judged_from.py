"""What a verdict was judged from, as digests beside it: so that two files of verdicts can tell why they differ."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from repro.evidence.difference import evidence_digest, facts_digest
from repro.evidence.directory import Evidence
from repro.files import digest_of
from repro.project import PACKAGE
from repro.verdicts.judging.ledger import Entry, Ledger
from repro.version import VERSION

_CODE = {
    **dict.fromkeys(("verdicts", "evidence", "study", "net/table"), "*.py"),
    "measurement": "declared.py",
    "measurement/metrics": "*.yaml",
}
"""Which files of which folder of the package decide what a claim says."""


def verdict_rows(ledger: Ledger) -> list[dict[str, Any]]:
    """Every entry of the ledger as `--verdicts FILE.json` writes it, with digests of what it was judged from."""
    of_study = {name: evidence_digest(evidence) for name, evidence in ledger.evidences.items()}
    facts = facts_read(ledger.evidences.values())
    same_for_all = {
        "printed": digest_of(ledger.registry.printed),
        "code": code_digest(ledger.registry.path.parent),
        "version": VERSION,
    }

    def judged_from(entry: Entry) -> dict[str, Any]:
        read = of_study.get(entry.study or "")
        if read is None and entry.verdict is not None and ledger.registry.scope(entry.statement.id) == "definition":
            read = facts
        return {"evidence": read, "entry": ledger.registry.digest(entry.statement.id), **same_for_all}

    return [{**entry.as_json(), "judged_from": judged_from(entry)} for entry in ledger.entries]


def facts_read(evidences: Iterable[Evidence]) -> str | None:
    """Digest of what verdicts on definitions read; None without evidence."""
    facts = sorted({facts_digest(evidence) for evidence in evidences})
    return digest_of(facts) if facts else None


def code_digest(claims: Path) -> str:
    """Digest of the claims and of what decides what they say: verdicts, evidence, studies, the layer table, metrics."""
    folders = {"claims": (claims, "*.py")} | {name: (PACKAGE / name, files) for name, files in _CODE.items()}
    content = hashlib.sha256()
    for name, (folder, files) in folders.items():
        for path in sorted(folder.rglob(files)):
            lines = path.read_bytes().replace(b"\r\n", b"\n")  # a checkout on Windows is the same code
            content.update(f"{name}/{path.relative_to(folder).as_posix()} {len(lines)}\n".encode() + lines)
    return content.hexdigest()

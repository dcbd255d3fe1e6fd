"""`repro record`: keep the pipeline's evidence of a study in git, merged with what is there."""

from __future__ import annotations

import tempfile
from pathlib import Path

from repro.errors import UserError
from repro.evidence.directory import FILES, load_evidence
from repro.evidence.doubts import contradictions
from repro.evidence.merge import merge_evidence
from repro.files import put_back, replace_folder, write_bytes
from repro.project import Project

SIZE_LIMIT_BYTES = 10_000_000
"""Evidence is committed to git for good; design the study's arrays to stay below this."""


def record_evidence(project: Project, study: str) -> str:
    """Merge `results/<study>/evidence` into `evidence/<study>`; returns a sentence on what happened.

    Raises UserError when there is nothing to record, when the two contradict each other or themselves, or
    when the result would be too large; `evidence/<study>` is then as it was. What older versions did not record
    is no reason to refuse.
    """
    fresh_path, target = project.evidence(study), project.recorded(study)
    if not fresh_path.is_dir():
        raise UserError(f"{fresh_path} does not exist; run `dvc repro evaluate@{study}` first")
    fresh = load_evidence(fresh_path)
    target.parent.mkdir(parents=True, exist_ok=True)
    before = 0
    with tempfile.TemporaryDirectory(prefix=".writing-", dir=target.parent) as folder:
        draft = Path(folder) / study
        fresh.arrays  # noqa: B018  read whole, so that damage is not recorded
        put_back(target)
        if target.is_dir():
            recorded = load_evidence(target)
            before = len(recorded.runs)
            merge_evidence(draft, recorded, fresh)
        else:
            for name in FILES:
                write_bytes(draft / name, (fresh_path / name).read_bytes())
        written = load_evidence(draft)
        if doubts := contradictions(written):
            raise UserError(f"the evidence of {study} is not recorded: {' '.join(doubts)}")
        after = len(written.runs)
        size = sum(path.stat().st_size for path in draft.iterdir())
        if size > SIZE_LIMIT_BYTES:
            raise UserError(
                f"the evidence of {study} would be {size / 1e6:.1f} MB, above {SIZE_LIMIT_BYTES / 1e6:.0f} MB; "
                "nothing was recorded"
            )
        replace_folder(draft, target)
    return f"{target}: {after} runs ({after - before} new), {size / 1e6:.2f} MB; commit it to git"

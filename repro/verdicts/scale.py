"""Which of the paper's numbers a study can speak about: its own scale, its own pictures."""

from __future__ import annotations

from repro.evidence.directory import Evidence

TRAINING_PICTURES = {2010: 1_261_406, 2012: 1_281_167}
"""Of the two contests' releases."""
UNREADABLE = 0.005
"""Share of them that may be missing, for files that no decoder reads."""


def at_paper_scale(evidence: Evidence, classes: int = 1000) -> bool:
    """Whether this study can speak about the paper's magnitudes: its net and recipe, on all of LSVRC."""
    study = evidence.study
    pictures = study.data.get("counts", {}).get("train", 0)
    return (
        study.scaling == "none"
        and study.fidelity in ("paper", "authors")
        and study.classes == classes
        and pictures >= 1_000_000
    )


def contest_year(evidence: Evidence) -> int | None:
    """The contest whose training pictures were staged, by their number; None for other pictures."""
    counts = evidence.study.data.get("counts", {})
    staged = counts.get("train", 0) + counts.get("validation", 0)
    if evidence.study.classes != 1000:
        return None
    return next((year for year, there in TRAINING_PICTURES.items() if abs(staged - there) <= UNREADABLE * there), None)

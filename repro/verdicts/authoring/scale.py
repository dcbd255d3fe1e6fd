"""Which of the paper's numbers a study can speak about: its own net and recipe, its own pictures."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from repro.evidence.directory import Evidence
from repro.net.table.fidelity import FIDELITIES
from repro.settings import validated
from repro.study.load import differences
from repro.study.settings import RunSettings
from repro.verdicts.finding import NotEvaluated

TRAINING_PICTURES = {2010: 1_261_406, 2012: 1_281_167}
"""Training pictures in the releases of the two contests."""
FALL_2009 = {"classes": 10_184, "pictures": 8_900_000}
"""Section 6: half of the pictures of these categories are trained on; the count is the paper's own, rounded."""
UNREADABLE = 0.005
"""Share of a contest's pictures that may be missing, for files that no decoder reads."""
SIDE = 256
"""Section 2: pixels of the prepared picture's side."""
_MOST_DEPARTURES = 3
"""How many departures a reason names."""


def at_paper_scale(evidence: Evidence, classes: int = 1000) -> bool:
    """Whether this study can speak about the paper's magnitudes: its net and recipe, on all of its pictures."""
    return not departures_from_paper_scale(evidence, classes)


def departures_from_paper_scale(evidence: Evidence, classes: int = 1000) -> tuple[str, ...]:
    """What keeps the study from the paper's own scale, one phrase each; empty when it is at that scale.

    The base's net and training must be those of its fidelity as printed or as the authors ran it, apart from how
    often learning curves are sampled; its pictures all those of a contest.
    """
    study = evidence.study
    if study.fidelity not in ("paper", "authors"):
        return (f"fidelity {study.fidelity}",)
    departures = [f"{study.classes} classes, not {classes:,}"] if study.classes != classes else []
    staged = _staged(study.data)
    if classes == FALL_2009["classes"]:
        enough = abs(staged - FALL_2009["pictures"] / 2) <= 0.01 * FALL_2009["pictures"]
    else:
        enough = contest_of(study.data) is not None
    if not enough:
        departures.append(f"{staged:,} training pictures")
    if study.data.get("size") != SIDE:
        departures.append(f"pictures of {study.data.get('size')} px, not {SIDE}")
    base = study.settings.get("base", {})
    printed = _resolved(study.fidelity)
    for part in ("net", "training"):
        departures += [f"{part}.{line}" for line in _lines(printed[part], base.get(part, {}))]
    return tuple(departures)


def paper_scale_only(evidence: Evidence, classes: int = 1000) -> NotEvaluated | None:
    """None at the paper's own scale; else NotEvaluated, which names the first few departures from it."""
    departures = departures_from_paper_scale(evidence, classes)
    if not departures:
        return None
    more = f" and {len(departures) - _MOST_DEPARTURES} more" if len(departures) > _MOST_DEPARTURES else ""
    said = "; ".join(departures[:_MOST_DEPARTURES])
    return NotEvaluated(
        "scale", f"only a study at the paper's own scale can speak about its magnitudes; this one has {said}{more}"
    )


def contest_year(evidence: Evidence) -> int | None:
    """The contest whose training pictures were staged, by their number; None for other pictures."""
    return contest_of(evidence.study.data) if evidence.study.classes == 1000 else None


def contest_of(data: Mapping[str, Any]) -> int | None:
    """The same, from evidence's `data` alone; pictures that the schedule holds back count as training pictures."""
    staged = _staged(data)
    return next((year for year, there in TRAINING_PICTURES.items() if abs(staged - there) <= UNREADABLE * there), None)


def _staged(data: Mapping[str, Any]) -> int:
    counts = data.get("counts", {})
    return int(counts.get("train", 0)) + int(counts.get("validation", 0))


@lru_cache(maxsize=4)
def _resolved(fidelity: str) -> dict[str, Any]:
    """The net and training of a fidelity at full scale, as evidence would hold them."""
    settings = {
        # The print's plateau schedule reads a validation error; from how many pictures, it leaves open.
        "data": {"validation_per_class": 1, "size": SIDE},
        "net": FIDELITIES[fidelity].get("net", {}),
        "training": FIDELITIES[fidelity].get("training", {}),
    }
    return validated(RunSettings, settings, f"fidelity {fidelity}").model_dump(mode="json")


def _lines(printed: Mapping[str, Any], there: Mapping[str, Any]) -> list[str]:
    """What differs from the print; what older evidence does not mention has its default."""
    present = {key: value for key, value in there.items() if not key.startswith("curve_")}
    return differences({key: printed.get(key) for key in present}, present)

"""What was registered when a run was created: for each study, what it is to decide, on which seeds, by what rule, and
how its runs are measured.

It is noted beside the run's settings, of every study that `params.yaml` lists, since two studies share the runs that
they have in common. What a study registers later counts for runs that are created later.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from repro.errors import UserError
from repro.project import Project
from repro.study.load import ResolvedStudy, load_study
from repro.study.settings import Study

if TYPE_CHECKING:
    from repro.verdicts.registry.registry import Registry


def registered_now(project: Project, resolved: ResolvedStudy) -> dict[str, Any]:
    """The note that a run of `resolved` gets when it is created.

    Another study that cannot be loaded, or names a statement that there is not, is left out: it must not keep
    this one from training. Raises UserError where this study or the registry is at fault.
    """
    from repro.verdicts.registry.registry import load_registry

    registry = load_registry(project.root / "claims" / "statements.yaml")
    own = resolved.study
    studies, digests = {own.study: _registration(own)}, _digests(own, registry)
    for name in project.studies:
        if name == own.study:
            continue
        try:
            other = load_study(project.root, name).study
            digests |= _digests(other, registry)
        except UserError:
            continue
        studies[name] = _registration(other)
    return {"studies": studies, "registry": digests}


def _registration(study: Study) -> dict[str, Any]:
    return {
        "family": list(study.family),
        "seeds": list(study.seeds),
        "looks": study.looks,
        "smallest_effects": dict(study.smallest_effects),
        "evaluation": study.evaluation.deciding(),
    }


def _digests(study: Study, registry: Registry) -> dict[str, str]:
    for entry in study.smallest_effects:
        registry[entry]  # UserError for one that there is not
    return {entry: registry.digest(entry) for entry in study.family}

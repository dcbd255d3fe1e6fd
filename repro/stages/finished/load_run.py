"""Finished runs in a notebook: `repro.load_run("smoke", "base", 10)`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repro.errors import UserError
from repro.study.settings import RunSettings

if TYPE_CHECKING:
    from repro.net.alexnet import AlexNet


@dataclass(frozen=True)
class LoadedRun:
    """A trained net with what is known of it.

    net: in evaluation mode, on CPU. It reads float (n, 3, crop, crop): central crops of RGB pixels 0-255,
    minus the training set's mean, divided by `settings.net.input_divisor`. measurements: the run's
    scalars in the evidence, empty before `repro evaluate`.
    """

    identity: str
    net: AlexNet
    settings: RunSettings
    classes: tuple[str, ...]
    measurements: dict[str, Any]
    log: list[dict[str, Any]]


def load_run(study: str, variant: str = "base", seed: int | None = None, root: str | Path = ".") -> LoadedRun:
    """A finished run of a study; by default its base variant's first seed.

    Raises UserError when there is no such run or it is not finished.
    """
    import torch

    from repro.data.packed import open_packed
    from repro.evidence.directory import load_evidence
    from repro.measurement.subject import load_net
    from repro.project import Project
    from repro.runs.prepared_study import PreparedStudy

    project = Project(Path(root))
    prepared = PreparedStudy.of(project, study)
    listed = prepared.resolved.study
    seed = listed.seeds[0] if seed is None else seed
    cells = prepared.runs().report
    cell = next((cell for cell in cells if (cell.variant, cell.seed) == (variant, seed)), None)
    if cell is None:
        raise UserError(
            f"study {study} has no run {variant!r} with seed {seed}; variants: {', '.join(listed.variants)}; "
            f"seeds: {', '.join(map(str, listed.seeds))}"
        )
    if not cell.run.finished:
        label = f"{cell.label} of {study}"
        if cell.run.identity in prepared.recorded_digests([cell]):
            again = f"`repro train {study} --variant {variant} --seed {seed} --retrain`"
            raise UserError(f"{label} is recorded, its weights are not here: {again} makes them")
        raise UserError(f"{label} is not finished; `repro train {study}` trains it")
    packed = open_packed(prepared.pictures_folder)
    measurements: dict[str, Any] = {}
    evidence_folder = project.evidence(study)
    if evidence_folder.is_dir():
        measured = {run.identity: run for run in load_evidence(evidence_folder).runs}
        if cell.run.identity in measured:
            measurements = dict(measured[cell.run.identity].scalars)
    return LoadedRun(
        identity=cell.run.identity,
        net=load_net(cell.run, packed, torch.device("cpu")),
        settings=cell.spec.settings,
        classes=tuple(packed.classes),
        measurements=measurements,
        log=cell.run.log(),
    )

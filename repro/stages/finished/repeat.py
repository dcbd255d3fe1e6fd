"""`repro repeat`: train a recorded run again, from its record alone, and say whether the same numbers come out.

Settings, seed and pictures' digest are those of the evidence, which is only read. The repetition lies in a store of its
own, `<store>/repeats/<identity>-<number>/`, so no finished run is touched; an interrupted one is resumed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from os.path import relpath
from pathlib import Path
from typing import Any

from repro.data.packed import MANIFEST, Packed, open_packed
from repro.errors import UserError
from repro.evidence.directory import Evidence, load_evidence
from repro.evidence.merge import INCIDENTAL
from repro.evidence.record import RunRecord
from repro.files import read_json
from repro.measurement.measure import measure
from repro.project import Project
from repro.runs.grid import GridRun
from repro.runs.store import Run, RunSpec
from repro.scheduling.local_pool import local_devices
from repro.scheduling.train_grid import train_grid
from repro.settings import validated
from repro.study.identity import TRAINING_VERSION
from repro.study.load import read_study
from repro.study.settings import EvaluationSettings, RunSettings
from repro.training.devices.run_placement import prepare_devices, training_devices

_OF_NUMBERS = ("alexnet-repro", "python", "torch", "torchvision", "numpy", "scipy", "pillow")
"""Programs on which a run's numbers may depend."""
_OF_MACHINES = ("processor", "cpu_capability", "accelerators")


@dataclass(frozen=True)
class Difference:
    """What is recorded and what there is now."""

    name: str
    recorded: Any
    now: Any


@dataclass(frozen=True)
class Repetition:
    """A run beside its repetition.

    same          scalars that are equal to the last bit
    other         those that are not
    unmeasured    recorded ones that this version does not measure
    same_weights  whether the final weights are equal, bit by bit; None where none were recorded
    elsewhere     how machine, device and versions differ from the recorded ones
    """

    run: RunRecord
    folder: Path
    same: tuple[str, ...]
    other: tuple[Difference, ...]
    unmeasured: tuple[str, ...]
    same_weights: bool | None
    elsewhere: tuple[Difference, ...]

    @property
    def equal(self) -> bool:
        return not self.other and self.same_weights is not False


def repeat_run(project: Project, path: Path, wanted: str, *, device: str, say: Callable[[str], None]) -> Repetition:
    """Train and measure a recorded run again; `wanted` is the beginning of its identity, or `variant/seed`.

    Raises UserError when the evidence has no such run, when it does not say all that decides the run, or when its
    pictures are not prepared here; RuntimeError when training fails.
    """
    evidence = load_evidence(path)
    recorded = _the_run(evidence, wanted)
    line = _with_parents(evidence, recorded)
    devices = local_devices(1, device)[:1]
    pictures = _prepared(project, evidence)
    store = _own_store(project.store, recorded.identity)
    cells: list[GridRun] = []
    for run in line:
        spec = _spec(evidence, run, relpath(pictures, store))
        cells.append(GridRun(run.variant, run.seed, spec, Run(store, spec.identity), cells[-1] if cells else None))
    evaluation = _evaluation(project, evidence)
    train_grid(cells, f"repeating {called(recorded)}", devices, say=say)
    packed = open_packed(pictures)
    torch_devices, _ = training_devices(devices[0])
    prepare_devices(torch_devices, "float32")
    say("measuring it")
    return _compared(recorded, cells[-1].run, packed, evaluation, torch_devices[0])


def called(run: RunRecord) -> str:
    return f"{run.variant} seed {run.seed} (run {run.identity})"


def comparison_lines(repetition: Repetition) -> Iterator[str]:
    """The comparison, a line each."""
    weights = {True: "the same weights", False: "OTHER WEIGHTS", None: "weights that cannot be compared"}
    counted = len(repetition.same) + len(repetition.other)
    scalars = (
        f"all {counted} numbers the same" if not repetition.other else f"{len(repetition.other)} of {counted} differ"
    )
    yield f"{called(repetition.run)}, repeated: {weights[repetition.same_weights]}; {scalars}"
    for difference in repetition.other:
        yield f"  {difference.name}: recorded {difference.recorded}, now {difference.now}{_off(difference)}"
    if repetition.other and repetition.same_weights:
        yield "  The weights are equal, so these were measured otherwise: by another version or on other pictures."
    if repetition.unmeasured:
        yield f"not measured by this version: {', '.join(repetition.unmeasured)}"
    for difference in repetition.elsewhere:
        yield f"made otherwise: {difference.name} recorded {difference.recorded}, here {difference.now}"
    if not repetition.elsewhere:
        yield "made alike: the same kind of machine, device and versions as recorded"
    yield f"the repetition lies in {repetition.folder}; the evidence is as it was"


def _off(difference: Difference) -> str:
    numbers = [value for value in (difference.recorded, difference.now) if isinstance(value, int | float)]
    return f", off by {numbers[1] - numbers[0]:+.3g}" if len(numbers) == 2 else ""


# ---- what is recorded ------------------------------------------------------------------------------


def _the_run(evidence: Evidence, wanted: str) -> RunRecord:
    runs = [run for run in evidence.runs if run.role == "report"]
    variant, slash, seed = wanted.rpartition("/")
    if slash:
        matches = [run for run in runs if (run.variant, str(run.seed)) == (variant, seed)]
    else:
        matches = [run for run in runs if wanted and run.identity.startswith(wanted)]
    if len(matches) == 1:
        return matches[0]
    if matches:
        several = ", ".join(called(run) for run in matches[:4])
        raise UserError(
            f"--run {wanted}: {len(matches)} runs of {evidence.path} begin like that: {several}; give more of it"
        )
    there = "; ".join(
        f"{name}/{', '.join(str(run.seed) for run in evidence.of(name))}" for name in evidence.study.variants
    )
    raise UserError(
        f"--run {wanted}: {evidence.path} has no such run; give the beginning of an identity, or one of {there}"
    )


def _with_parents(evidence: Evidence, run: RunRecord) -> list[RunRecord]:
    """The run after those from whose weights it starts, which are trained again too."""
    by_identity = {other.identity: other for other in evidence.runs}
    line = [run]
    while (parent := line[0].parent) is not None:
        if parent not in by_identity:
            raise UserError(
                f"{called(line[0])} starts from the weights of run {parent}, which {evidence.path} does not hold; it "
                "cannot be repeated from this evidence"
            )
        line.insert(0, by_identity[parent])
    return line


def _spec(evidence: Evidence, run: RunRecord, pictures: str) -> RunSpec:
    where = f"{evidence.path / 'study.json'}: settings of {run.variant}"
    settings = validated(RunSettings, evidence.study.settings.get(run.variant), where)
    spec = RunSpec(settings, run.seed, str(evidence.study.data.get("digest")), pictures, run.parent)
    if spec.identity != run.identity:
        version = run.provenance.get("training_version")
        if version != TRAINING_VERSION:
            raise UserError(
                f"{called(run)} is of training version {version}, this program has {TRAINING_VERSION}: repeat it with "
                f"the program of commit {evidence.study.git_commit}"
            )
        raise UserError(
            f"the identity of {called(run)} does not follow from its recorded settings, seed and pictures, which give "
            f"{spec.identity}; {evidence.path} was changed by hand or is damaged"
        )
    return spec


def _evaluation(project: Project, evidence: Evidence) -> EvaluationSettings:
    """How runs were measured: as recorded; by evidence of versions that did not record it, as the study says now."""
    recorded = evidence.study.evaluation
    path = project.root / "studies" / f"{evidence.study.study}.yaml"
    if not recorded and path.is_file():
        return read_study(path).evaluation
    return validated(EvaluationSettings, dict(recorded), f"{evidence.path / 'study.json'}: evaluation")


# ---- where it is trained ---------------------------------------------------------------------------


def _prepared(project: Project, evidence: Evidence) -> Path:
    """The folder of the prepared pictures with the recorded digest."""
    store, data, study = project.store, evidence.study.data, evidence.study.study
    others = []
    for manifest in sorted((store / "pictures").glob(f"*/{MANIFEST}")):
        read = read_json(manifest)
        if isinstance(read, dict) and read.get("digest") == data["digest"]:
            return manifest.parent
        if isinstance(read, dict) and read.get("name") == data["name"]:
            others.append(str(read.get("digest"))[:12])
    wanted = f"the pictures of {evidence.path} ({data['name']}, digest {str(data['digest'])[:12]})"
    if others:
        wanted += f" are not prepared in {store}, which has {data['name']} with digest {', '.join(others)}"
    else:
        wanted += f" are not prepared in {store}"
    raise UserError(
        f"{wanted}: register the same files with `repro use-data PATH --as {data['name']}`, put "
        f"`{study}: {data['name']}` under `studies:` in params.yaml, and run `repro prepare {study}`"
    )


def _own_store(store: Path, identity: str) -> Path:
    """A store for this repetition alone: the last one of the run where that is not finished, else a new one."""
    number = 1
    while Run(_numbered(store, identity, number), identity).finished:
        number += 1
    return _numbered(store, identity, number)


def _numbered(store: Path, identity: str, number: int) -> Path:
    return store / "repeats" / f"{identity}-{number}"


# ---- comparing -------------------------------------------------------------------------------------


def _compared(recorded: RunRecord, run: Run, packed: Packed, evaluation: EvaluationSettings, device: Any) -> Repetition:
    measured = measure(run, packed, evaluation, device)
    names = [name for name in recorded.scalars if name not in INCIDENTAL]
    both = [name for name in names if name in measured.scalars]
    other = [name for name in both if recorded.scalars[name] != measured.scalars[name]]
    before, after = recorded.provenance.get("tensors_digest"), measured.provenance["tensors_digest"]
    return Repetition(
        run=recorded,
        folder=run.folder,
        same=tuple(name for name in both if name not in other),
        other=tuple(Difference(name, recorded.scalars[name], measured.scalars[name]) for name in other),
        unmeasured=tuple(name for name in names if name not in both),
        same_weights=None if before is None else before == after,
        elsewhere=tuple(_elsewhere(recorded.provenance, measured.provenance)),
    )


def _elsewhere(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Difference]:
    for part, names in (("versions", _OF_NUMBERS), ("machine", _OF_MACHINES)):
        old, new = before.get(part, {}), after.get(part, {})
        yield from (Difference(name, old.get(name), new.get(name)) for name in names if old.get(name) != new.get(name))
    for name in ("device", "placement", "graphed", "threads"):
        if before.get(name) != after.get(name):
            yield Difference(name, before.get(name), after.get(name))

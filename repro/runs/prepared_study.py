"""A study whose pictures are prepared, with all its runs: what every stage after `prepare` works on.

Its runs are those of its search for learning rates, then those reported. Which rates are reported follows from the
search's runs, in the store or in recorded evidence.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from repro.errors import UserError
from repro.evidence.directory import Evidence, load_evidence
from repro.files import put_back
from repro.json_file import Record, read_record
from repro.project import Project
from repro.runs.grid import GridRun, PicturesInStore, grid_of
from repro.runs.rate_search import trials_of, with_tuned_rates
from repro.study.load import ResolvedStudy, load_study
from repro.study.tuning import Trial, trial_of

PREPARED_SCHEMA = 1
RUN_LIST_SCHEMA = 1


class PreparedPictures(Record):
    """What the stage prepare says of a study's pictures, in `prepared.json`."""

    data: str
    digest: str
    pictures: str
    """their folder, relative to the store"""
    classes: tuple[str, ...]
    counts: dict[str, int]
    size: int


class ListedRun(Record):
    """A run in `runs.json`, which says more of it to whoever reads the file."""

    variant: str
    seed: int
    identity: str


class RunList(Record):
    """What the stage train says that there is of a study, in `runs.json`."""

    runs: tuple[ListedRun, ...]


@dataclass(frozen=True)
class StudyRuns:
    """All runs of a study whose search, if it has one, is finished."""

    resolved: ResolvedStudy
    """with the rates that were found"""
    trials: list[GridRun]
    """the search's runs"""
    report: list[GridRun]
    """the runs that are measured and reported"""


@dataclass(frozen=True)
class PreparedStudy:
    """A resolved study of a project, its prepared pictures, and its recorded evidence if there is some."""

    project: Project
    resolved: ResolvedStudy
    prepared: PreparedPictures
    recorded: Evidence | None

    @classmethod
    def of(cls, project: Project, name: str, resolved: ResolvedStudy | None = None) -> PreparedStudy:
        """The study `name`, which may be resolved already.

        Raises UserError when there is no such study, or when it has not been prepared.
        """
        resolved = resolved or load_study(project.root, name)
        folder = project.recorded(name)
        put_back(folder)
        recorded = load_evidence(folder) if folder.is_dir() else None
        return cls(project, resolved, prepared_pictures(project, name), recorded)

    @property
    def name(self) -> str:
        return self.resolved.name

    @property
    def pictures_folder(self) -> Path:
        """Where its packed pictures lie."""
        return self.project.store / self.prepared.pictures

    @property
    def pictures_at_hand(self) -> bool:
        """Whether the store has its pictures: it may have been deleted, or be another one than they were put in."""
        return (self.pictures_folder / "manifest.json").is_file()

    @property
    def pictures(self) -> PicturesInStore:
        """Its pictures as its runs know them."""
        return PicturesInStore(self.project.store, self.prepared.digest, self.prepared.pictures)

    def trials(self) -> list[GridRun]:
        """The runs of its search for learning rates."""
        return trials_of(self.resolved, self.pictures)

    def untuned(self) -> list[GridRun]:
        """The runs that would be reported without a search for learning rates."""
        return grid_of(self.resolved, self.pictures)

    def runs(self) -> StudyRuns:
        """All its runs. Raises UserError when its search is not finished."""
        trials = self.trials()
        tuned = with_tuned_rates(self.resolved, trials, self.recorded_trials())
        return StudyRuns(tuned, trials, grid_of(tuned, self.pictures))

    def listed(self) -> frozenset[str]:
        """Identities of the runs that the stage train listed when it had trained the whole study; none before."""
        path = self.project.run_list(self.name)
        return frozenset(run.identity for run in read_run_list(path)) if path.is_file() else frozenset()

    def recorded_trials(self) -> dict[str, Trial]:
        """By identity, what recorded runs of its search say of their rates."""
        tuning = self.resolved.study.tuning
        if tuning is None or self.recorded is None:
            return {}
        return {
            run.identity: trial_of(tuning.target_error, run.curves, diverged=run.status == "diverged")
            for run in self.recorded.runs
            if run.role == "tuning"
        }

    def recorded_digests(self, cells: Iterable[GridRun]) -> dict[str, str]:
        """By identity, the weights' digest of those of `cells` that are recorded with the same role."""
        wanted = {(cell.run.identity, cell.role) for cell in cells}
        runs = self.recorded.runs if self.recorded is not None else ()
        return {
            run.identity: str(run.provenance.get("weights_digest"))
            for run in runs
            if (run.identity, run.role) in wanted
        }


def prepared_pictures(project: Project, name: str) -> PreparedPictures:
    """What the stage prepare said of a study's pictures; UserError when it has not been run."""
    path = project.prepared_file(name)
    if not path.is_file():
        raise UserError(f"{path} does not exist; run `repro prepare {name}` (or `dvc repro`) first")
    return read_record(path, PreparedPictures, schema=PREPARED_SCHEMA, mend=f"run `repro prepare {name}` again")


def read_run_list(path: Path) -> tuple[ListedRun, ...]:
    """The runs in a file that the stage train wrote; UserError when it is damaged."""
    mend = f"run `repro train {path.parent.name}` again"
    return read_record(path, RunList, schema=RUN_LIST_SCHEMA, mend=mend).runs


def by_variant(cells: Iterable[GridRun]) -> str:
    """The runs as text, seeds by variant: `base seeds 1, 2; dense seed 2`."""
    seeds: dict[str, list[int]] = {}
    for cell in cells:
        seeds.setdefault(cell.variant, []).append(cell.seed)
    return "; ".join(
        f"{variant} seed{'s' if len(listed) > 1 else ''} {', '.join(map(str, listed))}"
        for variant, listed in seeds.items()
    )

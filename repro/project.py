"""A project: its folder, where everything lies in it, and whether this is the code that belongs to it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from repro.errors import UserError
from repro.settings import not_text
from repro.yaml_file import read_yaml

PACKAGE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Project:
    """A folder with `params.yaml` and `dvc.yaml`. What every command asks for first."""

    root: Path

    @classmethod
    def here(cls) -> Project:
        """The project that holds the current folder.

        Raises UserError outside a project, and in another checkout than the one whose code this is.
        """
        root = project_here()
        if root is None:
            raise UserError(
                f"{Path.cwd()} is not inside a project (no params.yaml beside a dvc.yaml); go to the cloned folder"
            )
        check_code(root)
        return cls(root)

    @property
    def studies(self) -> dict[str, str]:
        """The map from study to its data's name in `params.yaml`: what a bare `dvc repro` makes."""
        studies = read_yaml(self.root / "params.yaml").get("studies")
        if not isinstance(studies, dict):
            raise UserError("params.yaml: studies: must map a study's name to its data's name, e.g. smoke: procedural")
        for name, data in studies.items():
            if wrong := [value for value in (name, data) if not isinstance(value, str)]:
                raise UserError(f"params.yaml: studies: {name}: {not_text(wrong[0])}")
        return studies

    @property
    def store(self) -> Path:
        """Where prepared pictures and runs lie."""
        return path_from_environment("REPRO_STORE", self.root) or (shared_root(self.root) / ".store").absolute()

    @property
    def facts_file(self) -> Path:
        """Where the pipeline writes the facts about the program's own nets, which are no study's."""
        return self.root / "results" / "facts.json"

    def results(self, study: str) -> Path:
        """Where the pipeline writes a study's results."""
        return self.root / "results" / study

    def prepared_file(self, study: str) -> Path:
        """Where the stage prepare says which pictures it prepared for a study."""
        return self.results(study) / "prepared.json"

    def run_list(self, study: str) -> Path:
        """Where the stage train lists a study's runs."""
        return self.results(study) / "runs.json"

    def evidence(self, study: str) -> Path:
        """Where the pipeline writes a study's evidence."""
        return self.results(study) / "evidence"

    def recorded(self, study: str) -> Path:
        """Where a study's recorded evidence is kept in git."""
        return self.root / "evidence" / study


def project_here() -> Path | None:
    """The folder of the project that holds the current folder, whatever its code; None outside a project."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "params.yaml").is_file() and (folder / "dvc.yaml").is_file():
            return folder
    return None


def check_code(root: Path, package: Path = PACKAGE) -> None:
    """UserError when `root` has code of its own and `package`, which is running, is that of another checkout.

    So it is when the environment of a first clone is active in a second one, or in a git worktree.
    """
    own = root / "repro"
    if (own / "__init__.py").is_file() and own.resolve() != package.resolve():
        raise UserError(
            f"this is the program of {package.parent}, and {root} has its own: use bin/repro there "
            "(`make environment` makes its .venv), or deactivate the other environment"
        )


def shared_root(root: Path) -> Path:
    """Where what is outside DVC lies, such as the store: in the project.

    `dvc exp run --temp` and `--queue` run the stages in a copy of it, in .dvc/tmp/exps, that has tracked files only.
    """
    for folder in root.absolute().parents:
        if folder.parts[-3:] == (".dvc", "tmp", "exps"):
            return folder.parents[2]
    return root


def path_from_environment(variable: str, root: Path) -> Path | None:
    """The path in an environment variable, or None: `~` is expanded, a relative one starts at the project.

    So the stages, which DVC starts in the project's root, and a command in a subfolder mean the same folder.
    """
    value = os.environ.get(variable)
    if not value:
        return None
    try:
        path = Path(value).expanduser()
    except RuntimeError:
        raise UserError(f"{variable}={value}: there is no such user's home folder; give the whole path") from None
    return (shared_root(root) / path).absolute()

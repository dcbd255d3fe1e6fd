"""Other people's shells, environments and checkouts: the same result, or one sentence."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from repro.cli import main
from repro.project import shared_root
from repro.training.records.provenance import git_commit
from repro.verdicts.registry.registry import load_registry
from repro.yaml_file import as_scalar
from tests.project_copy import ROOT, edit_yaml, run_command
from tests.small_project import Place, answer_of, did, repro, the_error

# ---- where things lie ----------------------------------------------------------------------------------


@pytest.mark.parametrize("store", ["stored", "./stored", "~/project/stored", "{root}/stored"])
def test_the_store_is_the_same_from_every_folder(store: str, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.store.rename(place.root / "stored")
    monkeypatch.setenv("HOME", str(place.folder))
    monkeypatch.setenv("REPRO_STORE", store.format(root=place.root))
    assert "nothing is missing" in did(place.root, "plan", "small").out
    before = set(place.folder.rglob("*"))
    assert "nothing is missing" in did(place.root / "studies", "plan", "small").out
    assert "1 finished, 0 recorded, 0 to train" in did(place.root / "studies", "train", "small").err
    assert set(place.folder.rglob("*")) == before


def test_a_store_in_nobodys_home_is_refused(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPRO_STORE", "~nobody-at-all/store")
    assert "REPRO_STORE=~nobody-at-all/store" in the_error(repro(place.root, "plan", "small"))


@pytest.mark.parametrize("named", ["~/colours", "../colours"])
def test_pictures_may_be_named_from_the_home_folder_or_the_project(
    named: str, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(place.store / "pictures")
    (place.root / ".data-paths.json").unlink()
    monkeypatch.setenv("HOME", str(place.folder))
    monkeypatch.setenv("REPRO_DATA_COLOURS", named)
    assert "5 classes" in did(place.root / "studies", "prepare", "small").out


@pytest.mark.parametrize("command", ["plan", "explain S61c", "describe"])
def test_a_folder_that_was_deleted_is_told_in_a_sentence(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    here.rmdir()
    monkeypatch.setattr("sys.argv", ["repro", *command.split()])
    error = the_error(answer_of(main))
    assert error == "error: the folder in which you are was deleted; go to the cloned folder and give the command again"


def test_an_experiment_in_dvcs_copy_of_the_project_shares_its_store_and_pictures(place: Place) -> None:
    """`dvc exp run --temp` copies what git and DVC track, and starts the stages there."""
    copy = place.root / ".dvc" / "tmp" / "exps" / "standalone" / "tmpabc"
    ignored = shutil.ignore_patterns(".store", ".data-paths.json", ".dvc")
    shutil.copytree(place.root, copy, ignore=ignored)
    assert shared_root(copy) == shared_root(place.root) == place.root
    edit_yaml(copy / "studies" / "small.yaml", summary="other")
    assert "1 finished, 0 recorded, 0 to train" in did(copy, "train", "small").err
    edit_yaml(copy / "studies" / "small.yaml", data={"size": 22})
    assert "of 22 px" in did(copy, "prepare", "small").out
    assert not (copy / ".store").exists()
    assert len(list((place.store / "pictures").glob("*/manifest.json"))) == 2


@pytest.mark.parametrize("name", ["2012", "1e3", "true", "2012-12-03"])
def test_data_of_any_name_can_be_given_to_a_study_as_advised(name: str, place: Place) -> None:
    said = did(place.root, "use-data", str(place.colours), "--as", name).out
    assert f"add `STUDY: {as_scalar(name)}` under `studies:`" in said
    (place.root / "params.yaml").write_text(f"studies:\n  small: {as_scalar(name)}\n")
    assert f"on {name}" in did(place.root, "plan", "small").out


# ---- pytest ------------------------------------------------------------------------------------------


def test_the_stages_pytest_sees_none_of_the_callers_settings(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "PYTEST_ADDOPTS": "-k nothing_at_all --strict-claims -x",
        "PYTEST_PLUGINS": "not_installed_anywhere",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }.items():
        monkeypatch.setenv(name, value)
    (place.root / "pytest.ini").write_text("[pytest]\naddopts = --nothing-that-pytest-knows\npython_files = no.py\n")
    did(place.root, "verdicts", "small")
    rows = json.loads((place.root / "results" / "small" / "verdicts.json").read_text())
    assert {row["id"] for row in rows} == set(load_registry(ROOT / "claims" / "statements.yaml").statements)


# ---- git ---------------------------------------------------------------------------------------------


@pytest.fixture
def committed(tmp_path: Path) -> tuple[Path, str]:
    """A repository with two of a project's files, and its commit."""
    root = tmp_path / "repository"
    root.mkdir()
    (root / "params.yaml").write_text("studies: {}\n")
    (root / "program.py").write_text("changed = False\n")
    for arguments in (
        ("init", "-q"),
        ("add", "params.yaml", "program.py"),
        ("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "-m", "first"),
    ):
        subprocess.run(["git", *arguments], cwd=root, check=True)
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=root, check=True, capture_output=True, text=True)
    return root, commit.stdout.strip()


def test_the_commit_is_recorded_whoever_owns_the_files(
    committed: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a container that runs as another user than the one who cloned."""
    root, commit = committed
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    refused = subprocess.run(["git", "describe", "--always"], cwd=root, capture_output=True, check=False)
    assert b"dubious ownership" in refused.stderr or refused.returncode == 0  # an older git does not ask
    assert git_commit(root) == commit
    (root / "program.py").write_text("changed = True\n")
    assert git_commit(root) == f"{commit}+changes"


def test_registered_pictures_are_no_change_of_the_program(committed: tuple[Path, str]) -> None:
    root, commit = committed
    (root / "params.yaml").write_text("studies: {smoke: procedural}\n")
    assert git_commit(root) == commit


def test_the_commit_is_the_projects_own_whatever_a_hook_or_the_folder_above_says(
    committed: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, commit = committed
    archive = root / "downloads" / "archive"
    archive.mkdir(parents=True)
    (archive / "params.yaml").write_text("studies: {}\n")
    assert git_commit(archive) is None  # an archive unpacked inside somebody's repository
    assert git_commit(tmp_path) is None
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "another" / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(tmp_path))
    assert git_commit(root) == commit


# ---- starting ----------------------------------------------------------------------------------------


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout whose program says where it lies."""
    folder = tmp_path / "check out"
    (folder / "repro").mkdir(parents=True)
    (folder / "bin").mkdir()
    shutil.copy(ROOT / "bin" / "repro", folder / "bin" / "repro")
    (folder / "repro" / "__init__.py").write_text("")
    (folder / "repro" / "__main__.py").write_text("import sys; print(__file__, sys.executable, sys.argv[1:])")
    return folder


def script(path: Path, command: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
    path.chmod(0o755)


def start(program: Path, here: Path, path: str, *arguments: str, **environment: str) -> tuple[int, str]:
    """`program ARGUMENTS` by the shell, in the folder `here`, with nothing in the environment but this."""
    done = subprocess.run(
        ["/bin/sh", os.path.relpath(program, here), *arguments],
        cwd=here,
        env={"PATH": path, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_a_checkouts_program_is_its_own_code_from_every_folder(checkout: Path, tmp_path: Path) -> None:
    script(tmp_path / "active" / "python", shlex.quote(sys.executable))
    places = {"PYTHONPATH": str(ROOT), "CDPATH": str(tmp_path)}
    for here in (checkout, checkout / "repro", tmp_path):
        code, said = start(checkout / "bin" / "repro", here, str(tmp_path / "active"), "plan", "a b", **places)
        assert (code, said.strip()) == (0, f"{checkout}/repro/__main__.py {sys.executable} ['plan', 'a b']")


def test_the_projects_environment_is_used_also_in_dvcs_copies(checkout: Path) -> None:
    script(checkout / ".venv" / "bin" / "python", f"env CHOSEN=venv {shlex.quote(sys.executable)}")
    copy = checkout / ".dvc" / "tmp" / "exps" / "tmpabc"
    shutil.copytree(checkout / "repro", copy / "repro")
    shutil.copytree(checkout / "bin", copy / "bin")
    for folder in (checkout, copy):
        (folder / "repro" / "__main__.py").write_text("import os; print(__file__, os.environ['CHOSEN'])")
        code, said = start(folder / "bin" / "repro", folder, "/usr/bin:/bin")
        assert (code, said.strip()) == (0, f"{folder}/repro/__main__.py venv")


def test_without_any_python_one_sentence_says_what_to_do(checkout: Path, tmp_path: Path) -> None:
    script(tmp_path / "old" / "python", "false")  # as Python 2 answers to a question about 3.11
    for path in (str(tmp_path), str(tmp_path / "old")):
        code, said = start(checkout / "bin" / "repro", checkout, path, "plan")
        assert code == 2
        assert said.startswith(f"error: {checkout} has no environment")
        assert "make environment" in said
        assert said.count("\n") == 1


@pytest.mark.parametrize("module", ["typer", "torch"])
def test_without_a_library_one_sentence_says_what_to_do(module: str, place: Place, tmp_path: Path) -> None:
    """No environment, or one whose making was cut short: with nothing in it, or without the last library."""
    (tmp_path / "sitecustomize.py").write_text(f"import sys; sys.modules['{module}'] = None\n")
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    done = run_command(place.root, "describe" if module == "typer" else "evaluate", "small", PYTHONPATH=path)
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith(f"error: {sys.executable} has no module {module}: run `make environment`")
    assert done.stderr.count("\n") == 1

"""What the repository itself must be for `dvc pull data.dvc; dvc repro` to work in a fresh clone."""

from __future__ import annotations

import configparser
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from dvc.fs import LocalFileSystem
from dvc.ignore import DvcIgnoreFilter

from repro.cli import app
from repro.data.procedural.data_set import SETS
from tests.project_copy import ROOT, surroundings

STUDIES = sorted(path.stem for path in (ROOT / "studies").glob("*.yaml"))
STAGES = ["prepare", "train", "facts", "evaluate", "verdicts", "report"]
OF_NO_STUDY = {"facts"}
REMOTE = ROOT / "dvcstore"
Stage = dict[str, Any]


def stages(study: str, data: str) -> dict[str, Stage]:
    """dvc.yaml's stages for one study, its templates filled in."""
    text = (ROOT / "dvc.yaml").read_text().replace("${key}", study).replace("${item}", data)
    found = {name: entry.get("do", entry) for name, entry in yaml.safe_load(text)["stages"].items()}
    assert "${" not in json.dumps(found)
    return found


def paths(entries: list[Any]) -> list[str]:
    """The paths of deps, outs, metrics or plots, which are texts or mappings of one text to options."""
    return [entry if isinstance(entry, str) else next(iter(entry)) for entry in entries]


def outs(stage: Stage) -> list[str]:
    return [path for kind in ("outs", "metrics", "plots") for path in paths(stage.get(kind, []))]


def git(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)


def test_every_stage_runs_for_every_study_of_params() -> None:
    raw = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    assert list(raw) == STAGES
    assert {name for name, entry in raw.items() if entry.get("foreach") != "${studies}"} == OF_NO_STUDY
    assert yaml.safe_load((ROOT / "params.yaml").read_text())["studies"] == {"smoke": "procedural"}


@pytest.mark.parametrize("study", STUDIES)
def test_stages_hang_together(study: str) -> None:
    """Each command exists, each dependency is in the repository or an earlier stage's out, each key is there:
    DVC fails after a stage whose file of parameters lacks one."""
    made: set[str] = set()
    commands = {command.name or command.callback.__name__ for command in app.registered_commands}  # type: ignore[union-attr]
    for name, stage in stages(study, "procedural").items():
        without_shell = "exec " if name == "train" else ""  # the trainer must be dvc's own child: it ends with it
        of_study = "" if name in OF_NO_STUDY else f" {study}"
        assert stage["cmd"] == f"{without_shell}bin/repro {name}{of_study}"
        assert name in commands
        for dependency in paths(stage["deps"]):
            in_repository = (ROOT / dependency).exists() and not dependency.startswith("results/")
            assert in_repository or dependency in made or dependency == "data/procedural", dependency
        for entry in stage.get("params", []):
            (path, keys), *_ = entry.items()
            assert set(keys or []) <= set(yaml.safe_load((ROOT / path).read_text())), path
        for out in outs(stage):
            assert out.startswith("results/" if name in OF_NO_STUDY else f"results/{study}/")
            assert out not in made
            made.add(out)


def test_what_decides_a_runs_numbers_is_a_dependency_of_train() -> None:
    train = stages("smoke", "procedural")["train"]
    assert "results/smoke/prepared.json" in paths(train["deps"])  # and its code: test_stage_code.py
    tracked = {path: keys for entry in train["params"] for path, keys in entry.items()}
    assert tracked == {"studies/smoke.yaml": None, "variants.yaml": None}  # the whole files


@pytest.mark.skipif(git("rev-parse").returncode != 0, reason="not a git repository, for instance an archive of it")
def test_git_ignores_what_the_pipeline_makes_and_nothing_that_it_needs() -> None:
    ignored = [out for stage in stages("smoke", "procedural").values() for out in outs(stage)]
    ignored += ["data/procedural", ".store/runs", ".venv/bin", ".data-paths.json", ".dvc/pushed/files"]
    for path in ignored:
        assert git("check-ignore", "--no-index", "-q", path).returncode == 0, path
    kept = ["dvc.lock", "dvc.yaml", "data.dvc", "params.yaml", "evidence/smoke/study.json", "dvcstore/files/md5/00/1"]
    for path in kept:
        assert git("check-ignore", "--no-index", "-q", path).returncode == 1, path
    listed = git("ls-files", "dvcstore").stdout.splitlines()
    assert {path.relative_to(ROOT).as_posix() for path in REMOTE.rglob("*") if path.is_file()} == set(listed)


@pytest.mark.skipif(git("rev-parse").returncode != 0, reason="not a git repository, for instance an archive of it")
def test_git_writes_the_same_bytes_on_every_system() -> None:
    """A clone made with core.autocrlf is used in WSL and in containers too: no shell there starts a file with CRLF."""
    endings = {
        path: git("check-attr", attribute, "--", path).stdout.strip().rpartition(": ")[2]
        for path, attribute in (
            *(
                (path, "eol")
                for path in ("bin/repro", ".ci/run", "Makefile", "repro/errors.py", "dvc.yaml", "data.dvc")
            ),
            *((path, "text") for path in ("dvcstore/files/md5/00/1", "evidence/smoke/arrays.npz")),
        )
    }
    assert set(endings.values()) == {"lf", "unset"}
    assert {path for path, ending in endings.items() if ending == "unset"} == {
        "dvcstore/files/md5/00/1",
        "evidence/smoke/arrays.npz",
    }


STRAYS = (
    *(".DS_Store", "._prepare.py", "Thumbs.db", "desktop.ini", ".directory", ".nfs000001", "@eaDir/x.py"),
    *("prepare.py~", "#prepare.py#", ".#prepare.py", ".prepare.py.swp", ".prepare.py.swo", "prepare.py.orig"),
    *(
        ".pytest_cache/v/x",
        ".ruff_cache/x",
        ".mypy_cache/x",
        ".import_linter_cache/x",
        ".idea/x.xml",
        ".vscode/x.json",
        "__pycache__/x.pyc",
    ),
    ".ipynb_checkpoints/x.py",
)


def test_what_editors_and_desktops_leave_behind_changes_no_stage(tmp_path: Path) -> None:
    paths = [f"{folder}/{stray}" for folder in ("repro/data", "claims", "data/procedural") for stray in STRAYS]
    if git("rev-parse").returncode == 0:
        for path in paths:
            assert git("check-ignore", "--no-index", "-q", path).returncode == 0, path
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvc" / "config").write_text("[core]\n    no_scm = true\n")
    shutil.copy(ROOT / ".dvcignore", tmp_path)
    for path in [
        *paths,
        "repro/data/preparation/prepare.py",
        "claims/statements.yaml",
        "data/procedural/manifest.json",
    ]:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("")
    ignored = DvcIgnoreFilter(LocalFileSystem(), str(tmp_path))
    found = {
        os.path.relpath(os.path.join(folder, name), tmp_path)
        for top in ("repro", "claims", "data")
        for folder, _, names in ignored.walk(LocalFileSystem(), str(tmp_path / top))
        for name in names
    }
    assert found == {"repro/data/preparation/prepare.py", "claims/statements.yaml", "data/procedural/manifest.json"}


def test_dvc_asks_nobody_and_its_remote_is_inside_the_repository() -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / ".dvc" / "config")
    assert config["core"]["analytics"] == "false"
    assert config["core"]["check_update"] == "false"
    (out,) = yaml.safe_load((ROOT / "data.dvc").read_text())["outs"]
    url = config[f"'remote \"{out['remote']}\"'"]["url"]
    assert (ROOT / ".dvc" / url).resolve() == REMOTE.resolve()  # relative to .dvc, so that a clone anywhere works


def test_dvc_push_writes_to_nothing_that_git_tracks() -> None:
    """DVC advises it after every `dvc repro`; the remote in the repository is the data's alone."""
    config = configparser.ConfigParser()
    config.read(ROOT / ".dvc" / "config")
    url = ROOT / ".dvc" / config[f"'remote \"{config['core']['remote']}\"'"]["url"]
    assert url.resolve() != REMOTE.resolve()
    assert f"/{url.name}" in (ROOT / ".dvc" / ".gitignore").read_text().splitlines()
    for stage in stages("smoke", "procedural").values():
        for kind in ("outs", "metrics", "plots"):
            assert not [entry for entry in stage.get(kind, []) if "remote" in str(entry)]


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_an_archive_without_git_can_pull_its_pictures(tmp_path: Path) -> None:
    for name in ("Makefile", "data.dvc", ".dvcignore", ".dvc/config", "requirements.lock", "pyproject.toml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copytree(REMOTE, tmp_path / "dvcstore")
    (tmp_path / ".venv").symlink_to(sys.prefix)
    command = ["make", "--old-file", ".venv/.ready", "pictures"]
    done = subprocess.run(
        command, cwd=tmp_path, env=surroundings(tmp_path), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "data" / "procedural" / "manifest.json").is_file()
    assert done.stderr == ""


def _object(digest: str) -> bytes:
    content = (REMOTE / "files" / "md5" / digest[:2] / digest[2:]).read_bytes()
    assert hashlib.md5(content, usedforsecurity=False).hexdigest() == digest.removesuffix(".dir")
    return content


def test_a_fresh_clone_can_pull_its_pictures_offline() -> None:
    (out,) = yaml.safe_load((ROOT / "data.dvc").read_text())["outs"]
    files = {entry["relpath"]: _object(entry["md5"]) for entry in json.loads(_object(out["md5"]))}
    assert (out["path"], out["nfiles"]) == ("data", len(files))
    assert out["size"] == sum(map(len, files.values()))
    assert {Path(path).parts[0] for path in files} == set(SETS)
    for name in SETS:
        manifest = json.loads(files[f"{name}/manifest.json"])
        assert manifest["location"] == "here"
        assert manifest["layout"] == "ilsvrc2012-archives"
        there = {Path(path).name for path in files if Path(path).parts[0] == name}
        assert set(manifest["archives"]) == there - {"manifest.json"}


def test_the_remote_is_small_and_holds_nothing_else() -> None:
    objects = [path for path in REMOTE.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in objects) <= 13_000_000
    (out,) = yaml.safe_load((ROOT / "data.dvc").read_text())["outs"]
    wanted = {out["md5"], *(entry["md5"] for entry in json.loads(_object(out["md5"])))}
    assert {path.parent.name + path.name for path in objects} == wanted


@pytest.mark.parametrize("made", [".store", "results", "data", ".dvc/cache", "dvc.lock"])
def test_what_ci_runs_removes_nothing_that_somebody_made(made: str, tmp_path: Path) -> None:
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "run", tmp_path / ".ci" / "run")
    (tmp_path / "params.yaml").write_text("studies:\n")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "make").write_text("#!/bin/sh\nexit 7\n")  # the first thing that it does, if it goes on
    (tmp_path / "bin" / "make").chmod(0o755)
    path = f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"
    environment = {**{name: value for name, value in os.environ.items() if name != "CI"}, "PATH": path}

    ours, terminal = os.openpty()

    def run(stdin: int = terminal, **more: str) -> subprocess.CompletedProcess[str]:
        command = [str(tmp_path / ".ci" / "run")]
        return subprocess.run(command, env=environment | more, stdin=stdin, capture_output=True, text=True, check=False)

    assert run().returncode == 7, "nothing was made yet"
    (tmp_path / made).mkdir(parents=True)
    assert run(subprocess.DEVNULL).returncode == 7, "nobody sits there"
    refused = run()
    assert refused.returncode == 2
    assert refused.stderr.startswith(f"error: .ci/run would remove {made}: ")
    assert len(refused.stderr.splitlines()) == 1
    assert (tmp_path / made).is_dir()
    assert run(CI="true").returncode == 7
    os.close(ours)
    os.close(terminal)

"""Registering pictures: a small manifest under data/ that DVC tracks, and a private pointer to where they
lie.

The pictures themselves are only ever listed and read. They never pass through DVC, which would copy them and
can change their modes and links.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from pydantic import RootModel

from repro.data.layouts.layout import SPLITS, Layout
from repro.data.layouts.recognise import recognise
from repro.errors import UserError
from repro.files import read_json, write_json, write_text
from repro.json_file import Record, checked_record, read_versioned_json
from repro.project import path_from_environment, shared_root

SCHEMA = 1
POINTERS = ".data-paths.json"
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


class Manifest(Record):
    """What `data/NAME/manifest.json` says at least."""

    location: Literal["here", "elsewhere"]
    layout: str
    counts: dict[str, int]
    digest: str
    classes: tuple[str, ...]


class Pointers(RootModel[dict[str, str]]):
    """By name of a data set, where its pictures lie on this machine."""


def use_data(path: Path, name: str, root: Path, *, verify: bool = False) -> dict[str, Any]:
    """Register the pictures at `path` under `name` in the repository at `root`; returns the manifest.

    Writes data/<name>/manifest.json and, git-ignored, the path. With `verify` the archives' md5 are compared
    with the official ones, which reads them once. Raises UserError for a bad name, an unknown or faulty
    layout, a path inside data/, a name that stands for other pictures, or data/ not pulled yet.
    """
    path, root = Path(path).absolute(), Path(root).absolute()
    _check_name(name)
    if (root / "data.dvc").exists() and not (root / "data").is_dir():
        raise UserError(f"{root}/data is not there yet: run `dvc pull data.dvc` first, so that what it tracks is kept")
    if _inside(path, root / "data"):
        raise UserError(f"{path} lies inside {root}/data, which DVC tracks and copies; move the pictures elsewhere")
    layout = recognise(path)
    manifest = manifest_of(layout, name, location="elsewhere", verify=verify)
    target = root / "data" / name / "manifest.json"
    if target.exists():
        old = _read_manifest(target)
        if old["digest"] != manifest["digest"] or old["location"] == "here":
            raise UserError(
                f"{name} already stands for other pictures ({old['layout']}, {old['counts']['train']} for "
                f"training); "
                f"choose another name, or remove {target.parent} first"
            )
    pointers = _pointers(root)
    pointers[name] = str(path)
    _ignore(root)
    write_json(root / POINTERS, pointers)
    write_json(target, manifest)
    return manifest


def manifest_of(layout: Layout, name: str, *, location: str, verify: bool = False) -> dict[str, Any]:
    """What identifies a collection of pictures, without any path of this machine.

    `location` is "elsewhere" (found by the pointer) or "here" (the pictures lie beside the manifest).
    """
    return {
        "schema": SCHEMA,
        "name": name,
        "location": location,
        "layout": layout.name,
        "classes": list(layout.classes),
        "class_titles": dict(layout.class_titles),
        "counts": {split: len(layout.pictures(split)) for split in SPLITS},
        "counts_per_class": {split: layout.counts_per_class(split) for split in SPLITS},
        "bytes": layout.bytes,
        "digest": layout.digest(),
        "archives": {archive.name: _compared(archive, verify) for archive in layout.archives},
        "notes": list(layout.notes),
    }


def write_manifest_here(folder: Path, name: str) -> dict[str, Any]:
    """Write manifest.json for pictures that lie in `folder` (data/<name>) itself; returns it."""
    _check_name(name)
    manifest = manifest_of(recognise(folder), name, location="here")
    write_json(Path(folder) / "manifest.json", manifest)
    return manifest


def is_registered(root: Path, name: str) -> bool:
    """Whether pictures are registered under that name."""
    return bool(_NAME.fullmatch(name)) and (Path(root) / "data" / name / "manifest.json").exists()


def load_manifest(root: Path, name: str) -> dict[str, Any]:
    """The manifest of the registered pictures `name`; UserError when there is none or it is damaged."""
    _check_name(name)
    target = Path(root) / "data" / name / "manifest.json"
    if not target.exists():
        registered = sorted(path.parent.name for path in (Path(root) / "data").glob("*/manifest.json"))
        raise UserError(
            f"{target} does not exist (registered: {', '.join(registered) or 'nothing'}); run `dvc pull "
            f"data.dvc` for the "
            f"embedded pictures, or `repro use-data PATH --as {name}` for your own"
        )
    return _read_manifest(target)


def open_data(root: Path, name: str) -> Layout:
    """The registered pictures `name`, opened read-only.

    The path comes from REPRO_DATA_<NAME> (upper case, dashes as underscores) or the pointer that `use_data`
    wrote. Raises UserError when the pictures are not found or are no longer those of the manifest.
    """
    root = Path(root).absolute()
    manifest = load_manifest(root, name)
    variable = "REPRO_DATA_" + name.upper().replace("-", "_")
    if manifest["location"] == "here":
        path = root / "data" / name
    elif (named := path_from_environment(variable, root)) is not None:
        path = named
    else:
        pointer = _pointers(shared_root(root)).get(name)
        if pointer is None:
            raise UserError(
                f"where the pictures of {name} lie on this machine is not known: set {variable}, or run "
                f"`repro use-data PATH --as {name}`"
            )
        path = Path(pointer)
    layout = recognise(path)
    if layout.digest() != manifest["digest"]:
        present = ", ".join(f"{len(layout.pictures(split))} {split}" for split in SPLITS)
        wanted = ", ".join(f"{manifest['counts'][split]} {split}" for split in SPLITS)
        raise UserError(
            f"{path} does not hold the pictures registered as {name}: found {present}, registered {wanted}, "
            f"or names or "
            "sizes differ; restore them, or register what is there under another name"
        )
    return layout


def track(root: Path) -> None:
    """Have DVC track data/ (the manifests and the embedded pictures) in data.dvc.

    Raises UserError when DVC fails, or when files that data.dvc lists are missing from data/: tracking then
    would drop them.
    """
    root = Path(root)
    if (root / "data.dvc").exists():
        missing = _not_pulled(root)
        if missing:
            raise UserError(
                f"{missing} is listed in data.dvc but not in data/: run `dvc pull data.dvc` first (to drop "
                f"it for good, "
                "run `dvc add data` yourself)"
            )
    _dvc(root, "add", "--quiet", "data")


def _not_pulled(root: Path) -> str | None:
    status = json.loads(_dvc(root, "data", "status", "--granular", "--json") or "{}")
    # Outs of stages, which dvc.lock lists, are no concern of data.dvc.
    deleted = [name for name in status.get("uncommitted", {}).get("deleted", []) if name.startswith("data/")]
    return str(deleted[0]) if deleted else None


def _dvc(root: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "dvc", *arguments]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        lines = [line for line in (done.stderr or done.stdout).strip().splitlines() if line.strip()]
        reason = next((line for line in lines if line.startswith("ERROR")), lines[-1] if lines else "no message")
        raise UserError(f"`dvc {' '.join(arguments)}` failed in {root}: {reason.removeprefix('ERROR: ')}")
    return done.stdout


def _compared(archive: Path, verify: bool) -> dict[str, Any]:
    """An archive's size, and whether it is an official one: by size, and by md5 if asked for."""
    table = json.loads((resources.files("repro.data") / "official_archives.json").read_text())["archives"]
    size = archive.stat().st_size
    entry: dict[str, Any] = {"bytes": size, "official_size": None, "official_md5": None}
    official = table.get(archive.name)
    if official is not None:
        entry["official_size"] = size == official["bytes"]
        if verify:
            with open(archive, "rb") as handle:
                digest = hashlib.file_digest(handle, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
            if digest != official["md5"]:
                raise UserError(f"{archive}: md5 {digest} is not the official {official['md5']}; fetch it again")
            entry["official_md5"] = True
    return entry


def _read_manifest(path: Path) -> dict[str, Any]:
    mend = "register the pictures again"
    value = read_versioned_json(path, SCHEMA, mend)
    checked_record(Manifest, value, path, mend)
    return value


def _pointers(root: Path) -> dict[str, str]:
    path = root / POINTERS
    if not path.exists():
        return {}
    return checked_record(Pointers, read_json(path), path, "remove it and register the pictures again").root


def _ignore(root: Path) -> None:
    path = root / ".gitignore"
    text = path.read_text() if path.exists() else ""
    if not {POINTERS, f"/{POINTERS}"} & set(text.splitlines()):
        write_text(path, text + ("" if not text or text.endswith("\n") else "\n") + f"/{POINTERS}\n")


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise UserError(
            f"{name!r} is not a name for a data set: lower-case letters and digits, joined by single dashes"
        )


def _inside(path: Path, folder: Path) -> bool:
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))

"""Folders of files seen alike, whether they lie in a folder or in an uncompressed tar."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from repro.data.layouts.archive import Archive, Member
from repro.data.layouts.layout import Picture, Source, is_picture_name
from repro.errors import UserError

# Folders that systems leave behind; hidden ones (.ipynb_checkpoints, .git) are left out as well.
_LEFT_BEHIND = ("lost+found", "__MACOSX")


@dataclass(frozen=True, slots=True)
class File:
    """A file of a tree: base name, size in bytes, and where its source finds it."""

    name: str
    size: int
    where: int | str


class Tree(Protocol):
    """A folder, read-only. Paths are relative to its top, parts joined by "/"; "" is the top."""

    root: Path
    source: Source

    def folders(self, path: str) -> list[str]:
        """Sorted names of the folders in `path`, without hidden and left-behind ones; [] if there is no such
        folder.
        """
        ...

    def files(self, path: str) -> list[File]:
        """The files in `path`, sorted by name, without hidden and AppleDouble ones; [] if there is no such
        folder.
        """
        ...


def picture_files(tree: Tree, path: str) -> Iterator[tuple[str, File]]:
    """All pictures below `path`, at any depth: (path relative to `path`, file)."""
    for file in tree.files(path):
        if is_picture_name(file.name):
            yield file.name, file
    for folder in tree.folders(path):
        for below, file in picture_files(tree, f"{path}/{folder}" if path else folder):
            yield f"{folder}/{below}", file


def labelled(tree: Tree, split: str, folder: str, label: int, prefix: str) -> list[Picture]:
    """The pictures below `folder` as records of `split`, their names beginning with `prefix`."""
    return [
        Picture(split, label, f"{prefix}/{below}", file.size, tree.source, file.where)
        for below, file in picture_files(tree, folder)
    ]


def has_file(tree: Tree, path: str) -> bool:
    """Whether `path` is a file of the tree."""
    folder, _, name = path.rpartition("/")
    return any(file.name == name for file in tree.files(folder))


def read_lines(tree: Tree, path: str) -> list[str]:
    """The lines of a text file without trailing blank ones; UserError if it is missing or not text."""
    folder, _, name = path.rpartition("/")
    for file in tree.files(folder):
        if file.name == name:
            content = tree.source.read(file.where, file.size)
            assert isinstance(content, bytes)
            try:
                return content.decode().rstrip().splitlines()
            except UnicodeDecodeError as error:
                raise UserError(f"{tree.root}: {path} is not UTF-8 text ({error})") from error
    raise UserError(f"{tree.root}: {path} is missing")


class FolderSource:
    """Files below a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def read(self, where: int | str, size: int) -> bytes:
        """The bytes of the file at the relative path `where`."""
        path = f"{self.root}/{where}"
        try:
            with open(path, "rb") as file:
                return file.read()
        except OSError as error:
            raise UserError(f"cannot read {path}: {error.strerror or error}") from error

    def shown(self, where: int | str, name: str) -> str:
        """How an error message names a file."""
        return str(self.root / str(where))


class FolderTree:
    """A tree that is a folder on disk. Links are followed, except a link back to a folder that holds it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.source: Source = FolderSource(root)

    def folders(self, path: str) -> list[str]:
        """See Tree."""
        found = []
        for entry in self._entries(path):
            if entry.name not in _LEFT_BEHIND and entry.is_dir():
                if entry.is_symlink() and self._leads_back(entry.path):
                    raise UserError(f"{entry.path} is a link to a folder that holds it; remove the link")
                found.append(entry.name)
        return sorted(found)

    def files(self, path: str) -> list[File]:
        """See Tree."""
        found = []
        for entry in self._entries(path):
            if entry.is_dir():
                continue
            try:
                size = entry.stat().st_size
            except OSError as error:
                raise UserError(f"cannot read {entry.path}: {error.strerror or error}") from error
            found.append(File(entry.name, size, f"{path}/{entry.name}" if path else entry.name))
        return sorted(found, key=lambda file: file.name)

    def _entries(self, path: str) -> list[os.DirEntry[str]]:
        folder = self.root / path
        try:
            with os.scandir(folder) as entries:
                return [entry for entry in entries if not entry.name.startswith(".")]
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise UserError(f"cannot read {folder}: {error.strerror or error}") from error

    @staticmethod
    def _leads_back(path: str) -> bool:
        return Path(path).parent.resolve().is_relative_to(Path(path).resolve())


@dataclass
class _Folder:
    folders: dict[str, _Folder] = field(default_factory=dict)
    files: dict[str, Member] = field(default_factory=dict)


class TarTree:
    """A tree that lies in an uncompressed tar; its index is built once, nothing is unpacked."""

    def __init__(self, path: Path) -> None:
        self.root = path
        archive = Archive(path)
        self.source: Source = archive
        self._top = _Folder()
        for member in archive.members():
            parts = [part for part in member.name.split("/") if part not in ("", ".")]
            if not parts:
                continue
            *parents, name = parts
            if name.startswith(".") or any(part.startswith(".") or part in _LEFT_BEHIND for part in parents):
                continue
            folder = self._top
            for part in parents:
                folder = folder.folders.setdefault(part, _Folder())
            folder.files[name] = member  # a later member of the same name replaces the earlier, as in tar

    def folders(self, path: str) -> list[str]:
        """See Tree."""
        return sorted(self._folder(path).folders)

    def files(self, path: str) -> list[File]:
        """See Tree."""
        members = self._folder(path).files
        return [File(name, members[name].size, members[name].offset) for name in sorted(members)]

    def _folder(self, path: str) -> _Folder:
        folder = self._top
        for part in path.split("/") if path else []:
            folder = folder.folders.get(part) or _Folder()
        return folder


class Below:
    """The tree below one folder of another tree (an archive whose files all lie in one top folder)."""

    def __init__(self, tree: Tree, folder: str) -> None:
        self._tree = tree
        self._folder = folder
        self.root = tree.root / folder
        self.source = tree.source

    def folders(self, path: str) -> list[str]:
        """See Tree."""
        return self._tree.folders(self._path(path))

    def files(self, path: str) -> list[File]:
        """See Tree."""
        return self._tree.files(self._path(path))

    def _path(self, path: str) -> str:
        return f"{self._folder}/{path}" if path else self._folder

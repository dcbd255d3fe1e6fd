"""Folders of files seen alike, whether they lie in a folder or in an uncompressed tar."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from repro.data.layouts.layout import Picture, Source, is_picture_name
from repro.data.layouts.trees.passed_over import PassedOver, is_left_by_a_system, may_be_a_picture
from repro.errors import UserError


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
    passed_over: PassedOver

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
    for file in flat_pictures(tree, path):
        yield file.name, file
    for folder in tree.folders(path):
        for below, file in picture_files(tree, joined(path, folder)):
            yield f"{folder}/{below}", file


def flat_pictures(tree: Tree, path: str) -> list[File]:
    """The pictures in the folder `path` itself; what else may be one there is noted as passed over."""
    pictures = []
    for file in tree.files(path):
        if is_picture_name(file.name):
            pictures.append(file)
        elif may_be_a_picture(file.name):
            tree.passed_over.add("file", "whose ending is not that of a picture read here", joined(path, file.name))
    return pictures


def joined(folder: str, name: str) -> str:
    """The path of `name` in `folder`."""
    return f"{folder}/{name}" if folder else name


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
        self.passed_over = PassedOver()

    def folders(self, path: str) -> list[str]:
        """See Tree."""
        names = []
        for entry in self._entries(path):
            if not _is_folder(entry) or is_left_by_a_system(entry.name, joined(path, entry.name), self.passed_over):
                continue
            if entry.is_symlink() and self._leads_back(path, entry.name):
                raise UserError(f"{entry.path} is a link to a folder that holds it; remove the link")
            names.append(entry.name)
        return sorted(names)

    def files(self, path: str) -> list[File]:
        """See Tree."""
        files = []
        for entry in self._entries(path):
            if _is_folder(entry):
                continue
            try:
                status = entry.stat()
            except OSError as error:
                raise UserError(f"cannot read {entry.path}: {error.strerror or error}") from error
            if stat.S_ISREG(status.st_mode):
                files.append(File(entry.name, status.st_size, joined(path, entry.name)))
            elif is_picture_name(entry.name):  # reading a pipe would wait for ever
                raise UserError(f"{entry.path} is not a regular file; remove it")
        return sorted(files, key=lambda file: file.name)

    def _entries(self, path: str) -> list[os.DirEntry[str]]:
        folder = self.root / path
        try:
            with os.scandir(folder) as entries:
                return [entry for entry in entries if not entry.name.startswith(".")]
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise UserError(f"cannot read {folder}: {error.strerror or error}") from error

    def _leads_back(self, path: str, name: str) -> bool:
        """Whether the link `name` in `path` leads to a folder that holds it, by its own name or through other links."""
        target = os.path.realpath(self.root / path / name)
        above = [self.root / path, *(self.root / parent for parent in Path(path).parents)]
        return any(Path(os.path.realpath(folder)).is_relative_to(target) for folder in above)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError as error:  # a link in a circle, for one
        raise UserError(f"cannot read {entry.path}: {error.strerror or error}") from error


class Below:
    """The tree below one folder of another tree (an archive whose files all lie in one top folder)."""

    def __init__(self, tree: Tree, folder: str) -> None:
        self._tree = tree
        self._folder = folder
        self.root = tree.root / folder
        self.source = tree.source
        self.passed_over = tree.passed_over.below(folder)

    def folders(self, path: str) -> list[str]:
        """See Tree."""
        return self._tree.folders(self._path(path))

    def files(self, path: str) -> list[File]:
        """See Tree."""
        return self._tree.files(self._path(path))

    def _path(self, path: str) -> str:
        return f"{self._folder}/{path}" if path else self._folder

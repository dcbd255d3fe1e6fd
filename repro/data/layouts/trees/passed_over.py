"""What reading a collection leaves out although it may hold pictures: collected while listing, listed in its notes."""

from __future__ import annotations

from collections import defaultdict
from typing import Literal

from repro.data.layouts.layout import listed

Thing = Literal["file", "folder"]
_Paths = defaultdict[tuple[Thing, str], set[str]]

# Folders that systems leave behind and that hold no picture of the user's; hidden ones are left out as well.
_SILENT = ("lost+found", "__MACOSX")
# Those that may hold thumbnails or deleted pictures: of Synology, QNAP, NetApp, Windows, macOS.
_OF_SYSTEMS = (
    "@eadir", "@tmp", "@recycle", "@recently-snapshot", "#recycle", "#snapshot", "~snapshot", "$recycle.bin",
    "system volume information", "network trash folder", "temporary items",
)  # fmt: skip
_OTHER_PICTURES = (
    ".jfif", ".jfi", ".jif", ".jpe", ".jp2", ".j2k", ".jpx", ".jxl", ".heic", ".heif", ".avif", ".tga", ".pbm",
    ".pnm", ".pfm", ".ico", ".svg", ".psd", ".exr", ".hdr", ".dng", ".cr2", ".nef", ".arw", ".raw",
)  # fmt: skip
_ARCHIVES = (".tar", ".tgz", ".tbz2", ".txz", ".zip", ".gz", ".bz2", ".xz", ".zst", ".7z", ".rar")


class PassedOver:
    """Files and folders by the reason why they are not read; paths as the tree's own."""

    def __init__(self, paths: _Paths | None = None, prefix: str = "") -> None:
        self._paths: _Paths = defaultdict(set) if paths is None else paths
        self._prefix = prefix

    def add(self, thing: Thing, why: str, path: str) -> None:
        """Note that `path` was left out; `why` completes a sentence that begins with "folders" or "files"."""
        self._paths[thing, why].add(self._prefix + path)

    def take(self, other: PassedOver, folder: str) -> None:
        """Enter what another tree passed over, which stands for `folder` here."""
        for (thing, why), paths in other._paths.items():
            for path in paths:
                self.add(thing, why, f"{folder}/{path}")

    def below(self, folder: str) -> PassedOver:
        """The same record, seen from a folder."""
        return PassedOver(self._paths, f"{self._prefix}{folder}/")

    def notes(self) -> tuple[str, ...]:
        """A sentence for each reason, with the first few paths."""
        notes = []
        for (thing, why), paths in sorted(self._paths.items()):
            here = sorted(path.removeprefix(self._prefix) for path in paths if path.startswith(self._prefix))
            if here:
                many = "" if len(here) == 1 else "s"
                notes.append(f"passed over {len(here)} {thing}{many} {why}: {listed(here)}")
        return tuple(notes)


def is_archive_name(name: str) -> bool:
    """Whether a file's name ends as an archive's or a compressed file's."""
    return name.lower().endswith(_ARCHIVES)


def may_be_a_picture(name: str) -> bool:
    """Whether a file that is not read as a picture may well be one, or hold some: it is then reported."""
    return name.lower().endswith(_OTHER_PICTURES) or is_archive_name(name) or "." not in name


def is_left_by_a_system(name: str, path: str, passed_over: PassedOver) -> bool:
    """Whether a folder is no part of the collection; one that may hold pictures is noted under its `path`."""
    if name in _SILENT:
        return True
    if name.casefold() in _OF_SYSTEMS:
        passed_over.add("folder", "that a system left behind", path)
        return True
    return False

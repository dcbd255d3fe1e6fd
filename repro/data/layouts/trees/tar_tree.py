"""A tree that lies in an uncompressed tar, read as the folder that unpacking it would leave."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

from repro.data.layouts.layout import Source, is_picture_name
from repro.data.layouts.trees.archive import Archive, Member
from repro.data.layouts.trees.passed_over import PassedOver, is_left_by_a_system
from repro.data.layouts.trees.tree import File, joined
from repro.errors import UserError

_MOST_LINKS = 40
"""Links followed on the way to one file, as Linux has it."""


@dataclass(eq=False)
class _Folder:
    entries: dict[str, _Folder | Member] = field(default_factory=dict)


class TarTree:
    """The tree in a tar, or in a tar inside it; its index is built once, nothing is unpacked.

    A later member of a name replaces the earlier one, hard links share the content that their target has at
    that point, and links are followed within the archive, all as in unpacking.
    """

    def __init__(self, path: Path, archive: Archive | None = None, start: int = 0, size: int | None = None) -> None:
        self.root = path
        archive = archive or Archive(path)
        self.source: Source = archive
        self.passed_over = PassedOver()
        self._top = _Folder()
        for member in archive.members(start, size):
            self._add(member)

    def folders(self, path: str) -> list[str]:
        """See Tree."""
        names = []
        for name, entry in self._entries(path):
            if isinstance(entry, Member) and entry.kind != "link":
                continue
            way = self._way(joined(path, name))
            if way is None or not isinstance(way[-1], _Folder):
                continue
            if is_left_by_a_system(name, joined(path, name), self.passed_over):
                continue
            if entry is not way[-1] and self._leads_back(path, way[-1]):
                raise UserError(f"{self._shown(path, name)} is a link to a folder that holds it; remove the link")
            names.append(name)
        return sorted(names)

    def files(self, path: str) -> list[File]:
        """See Tree."""
        files = []
        for name, entry in self._entries(path):
            if isinstance(entry, Member) and entry.kind == "link":
                way = self._way(joined(path, name))
                if way is None:
                    raise UserError(f"{self._shown(path, name)} is a link to {entry.target}, which the archive lacks")
                entry = way[-1]
            if isinstance(entry, Member) and entry.kind == "file":
                files.append(File(name, entry.size, entry.offset))
            elif isinstance(entry, Member) and is_picture_name(name):
                raise UserError(f"{self._shown(path, name)} is {entry.target}")
        return sorted(files, key=lambda file: file.name)

    def _add(self, member: Member) -> None:
        parts = [part for part in member.name.split("/") if part not in ("", ".")]
        if not parts:
            return
        if ".." in parts:
            raise UserError(f"{self.root} holds {member.name}, which leads out of the archive; pack it again")
        *parents, name = parts
        folder = self._top
        for part in parents:
            below = folder.entries.get(part)
            if isinstance(below, Member) and below.kind == "link":  # a folder that was put through a link
                way = self._way("/".join(parents))
                if way is not None and isinstance(way[-1], _Folder):
                    folder = way[-1]
                    break
            if not isinstance(below, _Folder):
                below = folder.entries[part] = _Folder()
            folder = below
        if member.kind == "folder":
            if not isinstance(folder.entries.get(name), _Folder):
                folder.entries[name] = _Folder()
        elif member.kind == "hard link":
            folder.entries[name] = self._linked(member)
        else:
            folder.entries[name] = member

    def _linked(self, member: Member) -> Member:
        """What a hard link stands for: the member that its target names, as far as the archive is read."""
        above, _, name = member.target.rpartition("/")
        way = self._way(above)
        entry = way[-1].entries.get(name) if way is not None and isinstance(way[-1], _Folder) else None
        if isinstance(entry, Member):
            return entry
        return Member(member.name, 0, 0, "other", f"a hard link to {member.target}, which the archive lacks")

    def _entries(self, path: str) -> list[tuple[str, _Folder | Member]]:
        way = self._way(path)
        if way is None or not isinstance(way[-1], _Folder):
            return []
        return [(name, entry) for name, entry in way[-1].entries.items() if not name.startswith(".")]

    def _way(self, path: str) -> list[_Folder | Member] | None:
        """The folders that a path leads through, links followed, and what it names; None if that is not there."""
        way: list[_Folder | Member] = [self._top]
        todo = deque(path.split("/"))
        links = 0
        while todo:
            part = todo.popleft()
            if part in ("", "."):
                continue
            folder = way[-1]
            if part == "..":
                way.pop()
                if not way:
                    return None
                continue
            entry = folder.entries.get(part) if isinstance(folder, _Folder) else None
            if entry is None:
                return None
            if isinstance(entry, Member) and entry.kind == "link":
                links += 1
                if links > _MOST_LINKS:
                    raise UserError(f"{self.root}/{path} is a link that leads round in a circle; remove it")
                if entry.target.startswith("/"):
                    return None
                todo.extendleft(reversed(entry.target.split("/")))
            else:
                way.append(entry)
        return way

    def _leads_back(self, path: str, target: _Folder) -> bool:
        """Whether `target` holds the folder `path`, by its own name or through links on the way there."""
        parts = path.split("/")
        ways = (self._way("/".join(parts[:length])) or [] for length in range(len(parts) + 1))
        return any(target is folder for way in ways for folder in way)

    def _shown(self, path: str, name: str) -> str:
        return f"{joined(path, name)} in {self.root}"

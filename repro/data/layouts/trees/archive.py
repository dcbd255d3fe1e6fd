"""Random access to the members of an uncompressed tar, nested ones included, without unpacking anything."""

from __future__ import annotations

import os
import tarfile
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from repro.errors import UserError

BLOCK = 512

Kind = Literal["file", "folder", "link", "hard link", "other"]
_KINDS: dict[bytes, Kind] = {
    tarfile.REGTYPE: "file",
    tarfile.AREGTYPE: "file",
    tarfile.CONTTYPE: "file",
    tarfile.DIRTYPE: "folder",
    b"D": "folder",  # a folder with a list of what it held, in GNU tar's incremental archives
    tarfile.SYMTYPE: "link",
    tarfile.LNKTYPE: "hard link",
}
_NOT_MEMBERS = (tarfile.XGLTYPE, b"V")  # a header for all that follow, a label of the volume
_WITHOUT_CONTENT = (
    tarfile.LNKTYPE,
    tarfile.SYMTYPE,
    tarfile.DIRTYPE,
    tarfile.FIFOTYPE,
    tarfile.CHRTYPE,
    tarfile.BLKTYPE,
)


@dataclass(frozen=True, slots=True)
class Member:
    """Something inside an archive: its name, the offset of its first byte, its size, what it is.

    `target` is what a link names, and of other things what they are, in the words of an error message.
    """

    name: str
    offset: int
    size: int
    kind: Kind = "file"
    target: str = ""


class Archive:
    """An uncompressed tar opened read-only; reading by offset is safe from many threads at once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._descriptor = os.open(path, os.O_RDONLY)
        except OSError as error:
            raise UserError(f"cannot read {path}: {error.strerror or error}") from error
        weakref.finalize(self, os.close, self._descriptor)
        self.size = os.fstat(self._descriptor).st_size

    def read(self, where: int | str, size: int) -> bytes:
        """`size` bytes from offset `where`; UserError when the archive ends before."""
        content = self._at(int(where), size)
        if len(content) != size:
            raise UserError(f"{self.path} ends too early (it has changed or is cut short); fetch it again")
        return content

    def shown(self, where: int | str, name: str) -> str:
        """How an error message names a member."""
        return f"{name} in {self.path}"

    def members(self, start: int = 0, size: int | None = None) -> Iterator[Member]:
        """What lies in the tar that fills `size` bytes from `start` (the whole archive by default).

        Raises UserError when it is not a tar, a header is damaged, or it is cut short: a member that reaches
        over the end, or no end-of-archive mark.
        """
        end = self.size if size is None else start + size
        position = start
        extra: dict[str, str] = {}
        while True:
            header = self._at(position, BLOCK) if position + BLOCK <= end else b""
            if len(header) < BLOCK:
                raise UserError(
                    f"{self.path} is cut short: it ends at byte {self.size} without the end-of-archive mark; "
                    "fetch it again"
                )
            if header == bytes(BLOCK):
                return
            try:
                info = tarfile.TarInfo.frombuf(header, "utf-8", "surrogateescape")
            except tarfile.HeaderError as error:
                what = "is not an uncompressed tar" if position == start else f"is damaged at byte {position}"
                raise UserError(f"{self.path} {what} ({error}); fetch it again") from error
            content = position + BLOCK + self._more_of_sparse(info, header, position)
            length = int(extra["size"]) if extra.get("size", "").isdecimal() else info.size
            stored = 0 if info.type in _WITHOUT_CONTENT else length
            if content + stored > end:
                raise UserError(
                    f"{self.path} is cut short: {info.name} should reach byte {content + stored}, "
                    f"there are {end}; fetch it again"
                )
            if info.type == tarfile.GNUTYPE_LONGNAME:
                extra["path"] = _text(self.read(content, stored))
            elif info.type == tarfile.GNUTYPE_LONGLINK:
                extra["linkpath"] = _text(self.read(content, stored))
            elif info.type in (tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE):
                extra |= _pax_records(self.read(content, stored))
            elif info.type not in _NOT_MEMBERS:
                yield _member(info, extra, content, stored)
                extra = {}
            position = content + (stored + BLOCK - 1) // BLOCK * BLOCK

    def _more_of_sparse(self, info: tarfile.TarInfo, header: bytes, position: int) -> int:
        """Bytes of the blocks in which GNU tar's older form goes on listing where a file's content lies."""
        more = 0
        going_on = info.type == tarfile.GNUTYPE_SPARSE and bool(header[482])
        while going_on:
            more += BLOCK
            going_on = self._at(position + more, BLOCK)[504:505] not in (b"", b"\0")
        return more

    def _at(self, offset: int, size: int) -> bytes:
        try:
            return os.pread(self._descriptor, size, offset)
        except OSError as error:
            raise UserError(f"cannot read {self.path}: {error.strerror or error}") from error


def content_of(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes | None:
    """A small file in an archive that may be compressed, links followed; None for what is no file.

    Raises tarfile.TarError when a link leads nowhere.
    """
    try:
        handle = archive.extractfile(member)
    except (KeyError, RecursionError) as error:
        raise tarfile.TarError(f"{member.name} is a link to {member.linkname}, which leads nowhere") from error
    return None if handle is None else handle.read()


def _member(info: tarfile.TarInfo, extra: dict[str, str], content: int, stored: int) -> Member:
    name = extra.get("GNU.sparse.name") or extra.get("path") or info.name
    if info.type == tarfile.GNUTYPE_SPARSE or any(key.startswith("GNU.sparse.") for key in extra):
        return Member(name, content, stored, "other", "a sparse file, whose holes are not stored; pack it without -S")
    kind = _KINDS.get(info.type, "other")
    if kind == "file" and name.endswith("/"):  # as archives older than POSIX mark a folder
        kind = "folder"
    target = extra.get("linkpath") or info.linkname
    return Member(name, content, stored, kind, "not a regular file" if kind == "other" else target)


def _text(content: bytes) -> str:
    return content.rstrip(b"\0").decode("utf-8", "surrogateescape")


def _pax_records(content: bytes) -> dict[str, str]:
    """The records of a pax header: "<length> key=value" lines, the length counting the whole record."""
    records = {}
    position = 0
    while position < len(content):
        digits, blank, _ = content[position : position + 20].partition(b" ")
        if not blank or not digits.isdigit() or int(digits) <= len(digits):
            break
        record = content[position + len(digits) + 1 : position + int(digits) - 1]
        key, _, value = record.partition(b"=")
        records[_text(key)] = value.decode("utf-8", "surrogateescape")
        position += int(digits)
    return records

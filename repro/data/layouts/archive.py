"""Random access to the members of an uncompressed tar, nested ones included, without unpacking anything."""

from __future__ import annotations

import os
import tarfile
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from repro.errors import UserError

BLOCK = 512


@dataclass(frozen=True, slots=True)
class Member:
    """A regular file inside an archive: its name, the offset of its first byte in the archive, its size."""

    name: str
    offset: int
    size: int


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
        """The regular files in the tar that fills `size` bytes from `start` (the whole archive by default).

        Raises UserError when it is not a tar, a header is damaged, or it is cut short: a member that reaches
        over the end, or no end-of-archive mark.
        """
        end = self.size if size is None else start + size
        position = start
        long_name: str | None = None
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
            content = position + BLOCK
            if content + info.size > end:
                raise UserError(
                    f"{self.path} is cut short: {info.name} should reach byte {content + info.size}, "
                    f"there are {end}; fetch it again"
                )
            if info.type == tarfile.GNUTYPE_LONGNAME:
                long_name = self.read(content, info.size).rstrip(b"\0").decode("utf-8", "surrogateescape")
            elif info.type == tarfile.XHDTYPE:
                long_name = _pax_path(self.read(content, info.size)) or long_name
            else:
                if info.isreg() and info.type != tarfile.GNUTYPE_SPARSE:
                    yield Member(long_name or info.name, content, info.size)
                long_name = None
            stored = 0 if info.type in (tarfile.LNKTYPE, tarfile.SYMTYPE, tarfile.DIRTYPE) else info.size
            position = content + (stored + BLOCK - 1) // BLOCK * BLOCK

    def _at(self, offset: int, size: int) -> bytes:
        try:
            return os.pread(self._descriptor, size, offset)
        except OSError as error:
            raise UserError(f"cannot read {self.path}: {error.strerror or error}") from error


def _pax_path(records: bytes) -> str | None:
    """The `path` of a pax header: records are "<length> key=value" lines, the length counting the whole
    record.
    """
    position = 0
    while position < len(records):
        digits, blank, _ = records[position : position + 20].partition(b" ")
        if not blank or not digits.isdigit() or int(digits) <= len(digits):
            return None
        record = records[position + len(digits) + 1 : position + int(digits) - 1]
        if record.startswith(b"path="):
            return record[5:].decode("utf-8", "surrogateescape")
        position += int(digits)
    return None

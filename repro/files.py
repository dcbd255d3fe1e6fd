"""Writing files so that a reader never sees half of one, and digests of what they hold.

Everything that the project writes goes through here: a temporary name in the same folder, a sync to
disk, then a rename. A killed process or a full disk leaves the old file as it was.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import json
import lzma
import os
import shutil
import struct
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from repro.errors import UserError

TEMPORARY_PREFIX = ".writing-"
DAMAGED_ARCHIVE = (
    *(OSError, ValueError, KeyError, EOFError, MemoryError, RuntimeError, struct.error),
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError),
)
"""What reading an `.npz` raises that is damaged: which of them depends on where the wrong byte stands."""


@contextlib.contextmanager
def writing(path: str | Path) -> Iterator[BinaryIO]:
    """Open `path` for writing; it appears under its name only if the block ends without an error.

    Raises UserError when the folder cannot be written or the disk is full; the old file then stands.
    """
    path = Path(path)
    temporary: str | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(prefix=TEMPORARY_PREFIX, dir=path.parent)
        with os.fdopen(descriptor, "wb") as handle:
            yield handle
            handle.flush()
            os.fsync(handle.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
        temporary = None
        _sync_folder(path.parent)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}; nothing was changed there") from error
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)


def replace_folder(fresh: Path, path: Path) -> None:
    """Put the folder `fresh` where `path` is; the old folder is removed once the new one stands.

    Raises UserError when that cannot be done; the old folder is then in its place. A kill leaves the old or the new
    one there, or, on a system that cannot exchange two folders, an old one for `put_back`.
    """
    put_back(path)
    try:
        if not path.exists():
            os.replace(fresh, path)
            return
        if not path.is_dir():
            raise UserError(f"{path} is a file, but a folder belongs there; move it away")
        if not _exchanged(fresh, path):
            old = path.with_name(f"{_displaced(path)}{os.getpid()}")
            os.replace(path, old)
            try:
                os.replace(fresh, path)
            except OSError:
                os.replace(old, path)
                raise
            os.replace(old, fresh)  # half removed it must not be put back
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}; nothing was changed there") from error
    shutil.rmtree(fresh, ignore_errors=True)


def put_back(path: Path) -> None:
    """Where a process was killed between the two renames of `replace_folder`, its old folder stands there again."""
    with contextlib.suppress(OSError):  # a folder that cannot be read, or another process that was quicker
        if path.exists() or not path.parent.is_dir():
            return
        for old in sorted(path.parent.iterdir()):
            name = old.name
            if name.startswith(_displaced(path)) and name.removeprefix(_displaced(path)).isdigit():
                os.replace(old, path)
                return


def _displaced(path: Path) -> str:
    """How the name begins under which `replace_folder` keeps the old folder."""
    return f"{TEMPORARY_PREFIX}{path.name}-"


def _exchanged(fresh: Path, path: Path) -> bool:
    """Whether two folders have changed places in one step; False where the system cannot do that (Linux can)."""
    try:
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return False
    sys.audit("os.rename", fresh, path, -1, -1)  # as Python's own renames are told
    here, exchange = -100, 2  # AT_FDCWD and RENAME_EXCHANGE of <fcntl.h> and <linux/fs.h>
    return bool(renameat2(here, os.fsencode(fresh), here, os.fsencode(path), exchange) == 0)


def write_bytes(path: str | Path, content: bytes) -> None:
    """Write `content` to `path` atomically."""
    with writing(path) as handle:
        handle.write(content)


def write_text(path: str | Path, text: str) -> None:
    """Write `text` as UTF-8 to `path` atomically."""
    write_bytes(path, text.encode())


def write_json(path: str | Path, value: Any) -> None:
    """Write `value` as indented JSON to `path` atomically; NaN and infinities are refused."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


def read_json(path: str | Path) -> Any:
    """The JSON value in `path`; UserError when it is missing, unreadable or not JSON."""
    path = Path(path)
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        raise UserError(f"{path} does not exist") from None
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from error
    except (ValueError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is not valid JSON ({error}); it is damaged or not the file meant") from error


def canonical_json(value: Any) -> str:
    """JSON with sorted keys and no blanks: equal values give equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def digest_of(value: Any) -> str:
    """SHA-256 (hex) of a JSON value, independent of the order of keys."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def digest_of_file(path: str | Path) -> str:
    """SHA-256 (hex) of a file's bytes."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current


def _sync_folder(folder: Path) -> None:
    """Make a rename itself survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""Tables of text beside pictures: read whatever program saved them, with no key twice."""

from __future__ import annotations

import codecs
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from repro.data.layouts.layout import listed
from repro.data.layouts.trees.tree import Tree, has_file
from repro.errors import UserError

_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_TITLES = (("words.txt", "\t"), ("LOC_synset_mapping.txt", " "))
Value = TypeVar("Value")


def text_of(content: bytes, where: str, *, latin: bool = False) -> str:
    """A file's text: UTF-8, or what its byte-order mark says; with `latin` anything else is latin-1.

    Raises UserError, which names `where`, when it is not text.
    """
    mark, encoding = next((pair for pair in _MARKS if content.startswith(pair[0])), (b"", "utf-8"))
    try:
        return content.removeprefix(mark).decode(encoding)
    except UnicodeDecodeError as error:
        if latin:
            return content.decode("latin-1")
        raise UserError(f"{where} is not UTF-8 text ({error}); save it as UTF-8") from error


def read_lines(tree: Tree, path: str, *, latin: bool = False) -> list[str]:
    """The lines of a text file without trailing blank ones; UserError if it is missing or not text."""
    folder, _, name = path.rpartition("/")
    for file in tree.files(folder):
        if file.name == name:
            content = tree.source.read(file.where, file.size)
            assert isinstance(content, bytes)
            text = text_of(content, f"{tree.root}/{path}", latin=latin).rstrip()
            # Not splitlines: in latin-1 a byte of Windows' own (an ellipsis) would end a line.
            return text.replace("\r\n", "\n").replace("\r", "\n").split("\n") if text else []
    raise UserError(f"{tree.root}/{path} is missing")


def keyed(
    rows: Iterable[tuple[int, str, Value]], where: str, form: Callable[[str], str] = lambda key: key
) -> dict[str, Value]:
    """A table as a dict, from (number of the line, key, value); keys that `form` makes equal are the same key.

    Raises UserError when a key occurs twice: which of its rows is meant, nobody can say.
    """
    table: dict[str, Value] = {}
    lines: dict[str, int] = {}
    for line, key, value in rows:
        same = form(key)
        if same in table:
            raise UserError(f"{where} lists {key} twice, in lines {lines[same]} and {line}; remove one of them")
        table[same], lines[same] = value, line
    return table


def composed(name: str) -> str:
    """A name in the one Unicode form (NFC) in which names are compared: macOS may store é as e and an accent."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def file_key(name: str) -> str:
    """What two names of the same file share: copies between file systems change case and Unicode form."""
    return composed(name).casefold()


def titles(tree: Tree, classes: Iterable[str]) -> tuple[Mapping[str, str], tuple[str, ...]]:
    """Names in words of `classes`, from words.txt (`wnid<TAB>names`) or LOC_synset_mapping.txt (`wnid names`), and
    notes. They only decorate: without a table, or where it is of no use, there are none.
    """
    for name, separator in _TITLES:
        if not has_file(tree, name):
            continue
        entries: dict[str, set[str]] = {}
        for line in read_lines(tree, name, latin=True):
            key, separated, words = line.partition(separator)
            if separated:
                entries.setdefault(composed(key.strip()), set()).add(words.strip())
        names_of = {wnid: entries[composed(wnid)] for wnid in classes if composed(wnid) in entries}
        unclear = [wnid for wnid, words in names_of.items() if len(words) > 1]
        notes = (f"{name} names {listed(unclear)} in more than one way, so these have no title",) if unclear else ()
        return {wnid: min(words) for wnid, words in names_of.items() if len(words) == 1}, notes
    return {}, ()

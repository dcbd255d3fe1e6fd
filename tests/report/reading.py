"""Reading a page as a program: elements, attributes, text; and that it is well formed."""

from __future__ import annotations

from html.parser import HTMLParser

from repro.report.drawing.words import THIN

VOID = {"meta", "link", "br", "wbr", "img", "hr", "input"}


class Page(HTMLParser):
    """Reads a page, checks that elements close in order, and keeps attributes and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.pieces: list[str] = []
        self.scripts: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        assert len(dict(attrs)) == len(attrs), f"<{tag}> has an attribute twice"
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] == ["script"]:
            self.scripts.append(data)
        elif self.open[-1:] != ["style"]:
            self.pieces.append(data)

    @property
    def text(self) -> str:
        return plain("".join(self.pieces))

    def values(self, name: str, tag: str | None = None) -> list[str]:
        """All values of an attribute, of all elements or of some."""
        chosen = [attributes for element, attributes in self.tags if tag in (None, element)]
        return [value for attributes in chosen if (value := attributes.get(name)) is not None]

    def of_class(self, name: str) -> list[dict[str, str | None]]:
        """The attributes of all elements of a class."""
        return [attributes for _, attributes in self.tags if name in (attributes.get("class") or "").split()]


def plain(text: str) -> str:
    """Text without the typesetting: straight apostrophes, single blanks."""
    return " ".join(text.replace("’", "'").replace("−", "-").replace(THIN, " ").split())

"""Held-out pictures whose labels a table gives by name: joined to it where they lie flat, held against it where
somebody has sorted them into class folders.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from repro.data.layouts.labels.tables import composed
from repro.data.layouts.layout import Picture, listed
from repro.data.layouts.trees.tree import File, Tree
from repro.errors import UserError


@dataclass(frozen=True)
class Row:
    """A picture's row: the number of its line, its name as written there, its class (in the composed form)."""

    line: int
    name: str
    wnid: str


@dataclass(frozen=True)
class LabelTable:
    """A table at `path` of a tree; `key` makes a file's base name the key that its row has."""

    path: str
    rows: Mapping[str, Row]
    key: Callable[[str], str]

    def joined(self, tree: Tree, folder: str, files: Sequence[File], classes: Sequence[str]) -> list[Picture]:
        """The flat pictures in `folder`, each with the label that its row gives.

        Raises UserError unless there is one row for each picture, of a class among `classes`.
        """
        position = {composed(name): label for label, name in enumerate(classes)}
        strange = [row for row in self.rows.values() if row.wnid not in position]
        if strange:
            raise UserError(
                f"{tree.root}/{self.path}, line {strange[0].line}: {strange[0].wnid[:20]!r} is not a class of the "
                f"training pictures (nor are those of {len(strange) - 1} other lines)"
            )
        by_key: dict[str, File] = {}
        for file in files:
            other = by_key.setdefault(self.key(file.name), file)
            if other is not file:
                raise UserError(
                    f"{tree.root}/{folder} holds {other.name} and {file.name}, and {self.path} has one label for both; "
                    "remove one of them"
                )
        unlabelled = [file.name for key, file in sorted(by_key.items()) if key not in self.rows]
        missing = [row.name for key, row in sorted(self.rows.items()) if key not in by_key]
        if unlabelled or missing:
            raise UserError(
                f"{tree.root}/{folder} and {self.path} do not fit: without a label {listed(unlabelled) or 'none'}, "
                f"without a picture {listed(missing) or 'none'}; unpack the pictures again"
            )
        return [
            Picture("validation", position[self.rows[key].wnid], file.name, file.size, tree.source, file.where)
            for key, file in by_key.items()
        ]

    def held_against(self, tree: Tree, pictures: Sequence[Picture], classes: Sequence[str]) -> tuple[str, ...]:
        """Notes, after pictures that lie in class folders were held against the table.

        Raises UserError when one lies in another class's folder. A picture that the table does not list has no
        other label; pictures that only the table lists are noted.
        """
        wrong: list[tuple[Picture, str]] = []
        seen = set()
        for picture in pictures:
            key = self.key(picture.name.rpartition("/")[2])
            if key in self.rows:
                seen.add(key)
                if self.rows[key].wnid != composed(classes[picture.label]):
                    wrong.append((picture, self.rows[key].wnid))
        if wrong:
            picture, right = wrong[0]
            many = f" ({len(wrong)} pictures differ)" if len(wrong) > 1 else ""
            raise UserError(
                f"{picture.shown()} lies in the folder of {classes[picture.label]}, but {self.path} says {right}"
                f"{many}; sort them again"
            )
        missing = [row.name for key, row in sorted(self.rows.items()) if key not in seen]
        if not missing:
            return ()
        return (f"{self.path} lists {len(missing)} pictures that val/ does not hold: {listed(missing)}",)


def refuse_half_sorted(where: str, flat: str, folders: Sequence[str]) -> None:
    """UserError: pictures lie both beside the class folders and in them."""
    raise UserError(
        f"{where} holds pictures ({flat}, ...) and folders ({listed(folders)}): sorting them into classes was "
        "interrupted; finish it, or unpack val again"
    )

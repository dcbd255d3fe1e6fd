"""Classes that are there twice: unpacked once more into a folder of their own, copied instead of moved.

Such pictures would count double, or be two classes that nothing can tell apart. Names and sizes find what may be
a copy, cheaply; only then are bytes compared.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from repro.data.layouts.layout import SPLITS, Layout, Picture
from repro.errors import UserError

_FEWEST = 2
"""Pictures that make a copy of a folder: a single one may be in two folders on purpose."""
_COMPARED = 16

Pictures = Mapping[str, Picture]
"""The pictures below a folder, by their path from there."""


def refuse_doubled(layout: Layout) -> None:
    """Raises UserError when a class holds a folder of pictures twice, or two classes hold the same pictures."""
    for split in SPLITS:
        classes = _by_class(layout, split)
        for one, other in _of_equal_names(classes):
            if _same_bytes(layout, classes[one], classes[other]):
                raise UserError(
                    f"{layout.root}: the classes {one} and {other} hold the same {len(classes[one])} {split} pictures, "
                    "so one class is there twice; remove one of the two"
                )
        for name, pictures in classes.items():
            _refuse_copied_folder(layout, name, pictures)


def _by_class(layout: Layout, split: str) -> dict[str, dict[str, Picture]]:
    classes: dict[str, dict[str, Picture]] = defaultdict(dict)
    for picture in layout.pictures(split):
        name, _, below = picture.name.partition("/")
        # Others lie in no folder of a class; empty files are all alike, and refused when they are decoded.
        if below and picture.size and name == layout.classes[picture.label]:
            classes[name][below] = picture
    return classes


def _refuse_copied_folder(layout: Layout, name: str, pictures: Pictures) -> None:
    folders: dict[str, dict[str, Picture]] = defaultdict(dict)
    for path, picture in pictures.items():
        for index, letter in enumerate(path):
            if letter == "/":
                folders[path[:index]][path[index + 1 :]] = picture
    pairs: list[tuple[Pictures, Pictures]] = [(folders[one], folders[other]) for one, other in _of_equal_names(folders)]
    for folder, inside in folders.items():
        parent, _, leaf = folder.rpartition("/")
        pairs.append((inside, _Beside(folders[parent] if parent else pictures, f"{leaf}/", len(inside))))
    for pair in pairs:
        few, many = sorted(pair, key=len)
        if len(few) >= _FEWEST and _part_of(few, many) and _same_bytes(layout, few, many):
            first = next(iter(few))
            raise UserError(
                f"{few[first].shown()} and {many[first].shown()} are one picture, and so are all {len(few)} of that "
                f"folder: the pictures of {name} are there twice; remove one of the copies"
            )


class _Beside(Mapping[str, Picture]):
    """What lies in a folder beside one of the folders in it."""

    def __init__(self, whole: Pictures, without: str, fewer: int) -> None:
        self._whole = whole
        self._without = without
        self._length = len(whole) - fewer

    def __getitem__(self, path: str) -> Picture:
        if path.startswith(self._without):
            raise KeyError(path)
        return self._whole[path]

    def __iter__(self) -> Iterator[str]:
        return (path for path in self._whole if not path.startswith(self._without))

    def __len__(self) -> int:
        return self._length


def _of_equal_names(folders: Mapping[str, Pictures]) -> list[tuple[str, str]]:
    """Pairs of folders, none in the other, whose pictures have the same names and sizes."""
    alike: dict[tuple[int, int], list[str]] = defaultdict(list)
    for name, pictures in folders.items():
        if len(pictures) >= _FEWEST:
            alike[len(pictures), sum(picture.size for picture in pictures.values())].append(name)
    pairs = []
    for names in alike.values():
        first_of: dict[frozenset[tuple[str, int]], str] = {}
        for name in names if len(names) > 1 else ():
            listing = frozenset((path, picture.size) for path, picture in folders[name].items())
            first = first_of.setdefault(listing, name)
            if first != name:
                pairs.append((first, name))
    return pairs


def _part_of(few: Pictures, many: Pictures) -> bool:
    return all(path in many and many[path].size == picture.size for path, picture in few.items())


def _same_bytes(layout: Layout, few: Pictures, many: Pictures) -> bool:
    paths = sorted(few)
    chosen = paths[:: max(1, len(paths) // _COMPARED)]
    return all(_content(layout, few[path]) == _content(layout, many[path]) for path in chosen)


def _content(layout: Layout, picture: Picture) -> bytes:
    content = layout.read(picture)
    return content if isinstance(content, bytes) else content.tobytes()

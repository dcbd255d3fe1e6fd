"""What a recognised collection shows: its pixels, held against its labels."""

from __future__ import annotations

from repro.data.layouts.layout import Layout, Picture
from repro.data.preparation.decoding import decode
from tests.data.miniatures import Pixels, shown_class


def pixels_of(layout: Layout, picture: Picture) -> Pixels:
    """The picture, decoded."""
    content = layout.read(picture)
    return decode(content, picture.name).pixels if isinstance(content, bytes) else content


def assert_labels_are_what_pictures_show(layout: Layout) -> None:
    """Every label of both splits against the content of its picture."""
    for split in ("train", "validation"):
        wrong = [p.name for p in layout.pictures(split) if shown_class(pixels_of(layout, p)) != p.label]
        assert not wrong

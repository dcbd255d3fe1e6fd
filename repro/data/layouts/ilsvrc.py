"""ILSVRC2012 and ILSVRC2010: the archives as downloaded, and the folders they are usually unpacked to."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from repro.data.layouts.archive import Archive
from repro.data.layouts.devkit import Devkit, find_devkit
from repro.data.layouts.layout import Layout, Picture, assemble, is_picture_name, listed
from repro.data.layouts.tree import FolderTree, Tree, labelled
from repro.errors import UserError


@dataclass(frozen=True)
class _Year:
    year: str
    train: str
    validation: str
    devkit: str
    patch: str | None = None


_YEARS = (
    _Year("2012", "ILSVRC2012_img_train.tar", "ILSVRC2012_img_val.tar", "ILSVRC2012_devkit_t12.tar.gz"),
    _Year(
        "2010",
        "ILSVRC2010_images_train.tar",
        "ILSVRC2010_images_val.tar",
        "ILSVRC2010_devkit-1.0.tar.gz",
        patch="patch_images.tar",
    ),
)


def archive_names() -> tuple[str, ...]:
    """The names of the archives with pictures, by which a folder of them is recognised."""
    return tuple(name for year in _YEARS for name in (year.train, year.validation))


def recognise_archives(root: Path) -> Layout | None:
    """The layout of a folder that holds the archives as downloaded; nothing is unpacked.

    Raises UserError when one of the three is missing or damaged, or when they do not fit each other.
    """
    for year in _YEARS:
        train, validation = root / year.train, root / year.validation
        if not train.is_file():
            if validation.is_file() and not (root / "train").is_dir():
                raise UserError(f"{root} holds {year.validation} but not {year.train}; put it beside the others")
            continue
        if not validation.is_file():
            raise UserError(f"{root} holds {year.train} but not {year.validation}; put it beside the others")
        return _from_archives(root, year)
    return None


def recognise_folders(tree: Tree) -> Layout | None:
    """The layout of train/<wnid>/ with a flat val/ and the development kit beside them.

    Raises UserError when the kit is missing or lists classes that train/ has not (a half-finished unpacking).
    """
    wnids = tree.folders("train")
    flat = [file for file in tree.files("val") if is_picture_name(file.name)]
    if not wnids or not flat:
        return None
    if tree.folders("val"):
        raise UserError(
            f"{tree.root}/val holds pictures ({flat[0].name}, ...) and folders "
            f"({listed(tree.folders('val'))}): "
            "sorting them into classes was interrupted; finish it, or unpack val again"
        )
    devkit = find_devkit(tree.root) if isinstance(tree, FolderTree) else None
    if devkit is None:
        raise UserError(
            f"{tree.root}/val is flat, and no development kit says which picture shows what; put "
            f"{_YEARS[0].devkit} (or {_YEARS[1].devkit}) into {tree.root}"
        )
    _same_classes(f"{tree.root}/train", wnids, devkit)
    classes = devkit.classes
    train = [
        picture
        for label, wnid in enumerate(classes)
        for picture in labelled(tree, "train", f"train/{wnid}", label, wnid)
    ]
    labels = devkit.labels([file.name for file in flat], f"{tree.root}/val")
    held_out = [
        Picture("validation", labels[file.name], file.name, file.size, tree.source, file.where) for file in flat
    ]
    notes = _shortage(train, devkit)
    return assemble("ilsvrc-folders", tree.root, classes, devkit.titles, train, held_out, notes=notes)


def checked_with_devkit(layout: Layout) -> Layout:
    """An ImageFolder of ILSVRC's classes with the development kit beside it: held against the kit's list.

    Raises UserError when train/ lacks classes that the kit lists, as after an interrupted unpacking.
    """
    devkit = find_devkit(layout.root) if layout.root.is_dir() else None
    if devkit is None or not set(layout.classes) & set(devkit.classes):
        return layout
    _same_classes(f"{layout.root}/train", list(layout.classes), devkit)
    notes = layout.notes + _shortage(list(layout.train), devkit)
    return replace(layout, name="ilsvrc-folders", class_titles=devkit.titles, notes=notes)


def _from_archives(root: Path, year: _Year) -> Layout:
    devkit = find_devkit(root)
    if devkit is None:
        raise UserError(f"{root} holds {year.train} but no development kit; put {year.devkit} beside it")
    archives = [root / year.train, root / year.validation]
    if devkit.path.is_file():
        archives.append(devkit.path)
    train = _train(Archive(root / year.train), devkit)
    held_out = _validation(Archive(root / year.validation), devkit)
    notes = _shortage(train, devkit)
    if year.patch and (root / year.patch).is_file():
        archives.append(root / year.patch)
        train, held_out, replaced = _patched(Archive(root / year.patch), train, held_out)
        notes += (f"{replaced} pictures replaced by {year.patch}",)
    elif year.patch:
        notes += (f"{year.patch} is not there: blank pictures that it replaces are kept",)
    return assemble(
        f"ilsvrc{year.year}-archives",
        root,
        devkit.classes,
        devkit.titles,
        train,
        held_out,
        archives=tuple(archives),
        notes=notes,
    )


def _train(archive: Archive, devkit: Devkit) -> list[Picture]:
    inner = {}
    for member in archive.members():
        name = member.name.rsplit("/", 1)[-1]
        if name.startswith("."):
            continue
        if not name.endswith(".tar"):
            raise UserError(f"{archive.path} must hold one <class>.tar for each class, found {member.name}")
        inner[name.removesuffix(".tar")] = member
    _same_classes(str(archive.path), list(inner), devkit)
    pictures = []
    for label, wnid in enumerate(devkit.classes):
        files = {}
        for member in archive.members(inner[wnid].offset, inner[wnid].size):
            name = member.name.rsplit("/", 1)[-1]
            if is_picture_name(name):
                files[name] = member
        for name, member in files.items():
            pictures.append(Picture("train", label, f"{wnid}/{name}", member.size, archive, member.offset))
    return pictures


def _validation(archive: Archive, devkit: Devkit) -> list[Picture]:
    files = {}
    for member in archive.members():
        name = member.name.rsplit("/", 1)[-1]
        if is_picture_name(name):
            files[name] = member
    labels = devkit.labels(list(files), str(archive.path))
    return [
        Picture("validation", labels[name], name, member.size, archive, member.offset) for name, member in files.items()
    ]


def _patched(
    archive: Archive, train: list[Picture], held_out: list[Picture]
) -> tuple[list[Picture], list[Picture], int]:
    """ILSVRC2010's replacements for blank pictures, found by base name."""
    patches = {}
    for member in archive.members():
        name = member.name.rsplit("/", 1)[-1]
        if is_picture_name(name):
            patches[name] = member
    used = set()

    def apply(picture: Picture) -> Picture:
        base = picture.name.rsplit("/", 1)[-1]
        if base not in patches:
            return picture
        used.add(base)
        member = patches[base]
        return Picture(picture.split, picture.label, picture.name, member.size, archive, member.offset)

    return [apply(picture) for picture in train], [apply(picture) for picture in held_out], len(used)


def _same_classes(where: str, found: list[str], devkit: Devkit) -> None:
    missing = sorted(set(devkit.classes) - set(found))
    strange = sorted(set(found) - set(devkit.classes))
    if missing:
        raise UserError(
            f"{where} lacks {len(missing)} of the {len(devkit.classes)} classes that {devkit.path.name} "
            f"lists "
            f"({listed(missing)}); it is not complete: fetch or unpack it again, "
            "or take the development kit away if this is meant to be a part"
        )
    if strange:
        raise UserError(
            f"{where} holds {listed(strange)}, which {devkit.path.name} does not list; they belong to another year"
        )


def _shortage(train: list[Picture], devkit: Devkit) -> tuple[str, ...]:
    """A note where a class has fewer pictures than the kit lists; not an error, since kits differ between
    releases.
    """
    counts = Counter(picture.name.partition("/")[0] for picture in train)
    short = [
        f"{wnid} {counts[wnid]} of {wanted}"
        for wnid, wanted in sorted(devkit.train_counts.items())
        if counts[wnid] < wanted
    ]
    return (f"fewer training pictures than {devkit.path.name} lists: {listed(short)}",) if short else ()

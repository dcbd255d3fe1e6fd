"""ILSVRC2012 and ILSVRC2010: the archives as downloaded, and the folders they are usually unpacked to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from repro.data.layouts.labels.class_folders import (
    class_folders,
    flat_folder,
    folders_by_class,
    has_pictures,
    pictures_by_folder,
    split_folder,
)
from repro.data.layouts.labels.devkit import Devkit, find_devkit
from repro.data.layouts.labels.numbered import published_number
from repro.data.layouts.labels.table_labels import refuse_half_sorted
from repro.data.layouts.labels.tables import file_key
from repro.data.layouts.layout import Layout, Picture, assemble, listed
from repro.data.layouts.trees.archive import Archive
from repro.data.layouts.trees.passed_over import PassedOver
from repro.data.layouts.trees.tar_tree import TarTree
from repro.data.layouts.trees.tree import File, FolderTree, Tree, flat_pictures, joined, picture_files
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

    None where the folders that they were unpacked to lie beside what is left of them. Raises UserError when one
    of the three is missing or damaged, or when they do not fit each other.
    """
    for year in _YEARS:
        there = [name for name in (year.train, year.validation) if (root / name).is_file()]
        if not there:
            continue
        devkit = find_devkit(FolderTree(root))
        complete = len(there) == 2 and devkit is not None
        if not complete and (root / "train").is_dir():
            return None
        for name, split in ((year.train, "train"), (year.validation, "val")):
            if name not in there:
                unpack = f", or unpack {there[0]} as well" if (root / split).is_dir() else ""
                raise UserError(f"{root} holds {there[0]} but not {name}; put it beside the others{unpack}")
        if devkit is None:
            raise UserError(f"{root} holds {year.train} but no development kit; put {year.devkit} beside it")
        return _from_archives(root, year, devkit)
    return None


def recognise_folders(tree: Tree) -> Layout | None:
    """The layout of train/<wnid>/ with a flat val/ and the development kit beside them.

    Raises UserError when the kit is missing or lists classes that train/ has not (a half-finished unpacking).
    """
    train = split_folder(tree, "train")
    wnids = tree.folders(train)
    val = flat_folder(tree, "val", wnids)
    flat = flat_pictures(tree, val)
    if not wnids or not flat:
        return None
    folders = [name for name in tree.folders(val) if has_pictures(tree, joined(val, name))]
    if folders:
        refuse_half_sorted(f"{tree.root}/{val}", flat[0].name, folders)
    devkit = find_devkit(tree)
    if devkit is None and val != "val":
        return None
    if devkit is None:
        raise UserError(
            f"{tree.root}/val is flat, and no development kit says which picture shows what; put "
            f"{_YEARS[0].devkit} (or {_YEARS[1].devkit}) into {tree.root}"
        )
    folder_of = _same_classes(f"{tree.root}/{train}", class_folders(tree, train), devkit)
    pictures = pictures_by_folder(tree, "train", train, folder_of)
    labels = devkit.labels([file.name for file in flat], f"{tree.root}/{val}")
    held_out = [
        Picture("validation", labels[file.name], file.name, file.size, tree.source, file.where) for file in flat
    ]
    notes = _shortage(pictures, devkit)
    return assemble("ilsvrc-folders", tree.root, devkit.classes, devkit.titles, pictures, held_out, notes=notes)


def checked_with_devkit(layout: Layout, tree: Tree) -> Layout:
    """An ImageFolder of ILSVRC's classes with the development kit beside it: held against the kit's list, and its
    validation pictures against the ground truth where they bear their published names.

    Raises UserError when train/ lacks classes that the kit lists, as after an interrupted unpacking, or a picture
    lies in another class's folder.
    """
    devkit = find_devkit(tree)
    if devkit is None or not set(layout.classes) & set(devkit.classes):
        return layout
    _same_classes(f"{layout.root}/train", list(layout.classes), devkit)
    for picture in layout.validation:
        number = published_number(picture.name.rpartition("/")[2], devkit.year)
        wnid = devkit.wnid_of(number) if number is not None else None
        if wnid not in (None, layout.classes[picture.label]):
            raise UserError(
                f"{picture.shown()} lies in the folder of {layout.classes[picture.label]}, but the ground truth in "
                f"{devkit.path} says {wnid}; sort the pictures again"
            )
    notes = layout.notes + _shortage(list(layout.train), devkit)
    return replace(layout, name="ilsvrc-folders", class_titles=devkit.titles, notes=notes)


def _from_archives(root: Path, year: _Year, devkit: Devkit) -> Layout:
    archives = [root / year.train, root / year.validation]
    if devkit.path.is_file():
        archives.append(devkit.path)
    train, notes = _train(Archive(root / year.train), devkit)
    validation = TarTree(root / year.validation)
    files = _by_base_name(validation, lambda name: name)
    labels = devkit.labels(files, str(validation.root))
    held_out = [
        Picture("validation", labels[name], name, file.size, validation.source, file.where)
        for name, file in files.items()
    ]
    notes = (*_shortage(train, devkit), *notes, *validation.passed_over.notes())
    if year.patch and (root / year.patch).is_file():
        archives.append(root / year.patch)
        train, held_out, replaced = _patched(root / year.patch, train, held_out)
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


def _train(archive: Archive, devkit: Devkit) -> tuple[list[Picture], tuple[str, ...]]:
    """The pictures in the archives of the classes, and notes of what was passed over there."""
    outer = TarTree(archive.path, archive)
    inner = {}
    for path, file in _all_files(outer):
        wnid = file.name.removesuffix(".tar")
        if wnid == file.name:
            raise UserError(f"{archive.path} must hold one <class>.tar for each class, found {path}")
        if wnid in inner:
            raise UserError(f"{archive.path} holds {file.name} twice, the second time as {path}; fetch it again")
        inner[wnid] = file
    _same_classes(str(archive.path), inner, devkit)
    pictures = []
    passed_over = PassedOver()
    for label, wnid in enumerate(devkit.classes):
        tree = TarTree(archive.path / f"{wnid}.tar", archive, int(inner[wnid].where), inner[wnid].size)
        for name, file in _by_base_name(tree, lambda name: name).items():
            pictures.append(Picture("train", label, f"{wnid}/{name}", file.size, archive, file.where))
        passed_over.take(tree.passed_over, wnid)
    return pictures, passed_over.notes()


def _by_base_name(tree: TarTree, key: Callable[[str], str]) -> dict[str, File]:
    """The pictures of an archive, at any depth, by their base names; UserError when two share one."""
    by_name: dict[str, File] = {}
    for path, file in picture_files(tree, ""):
        if key(file.name) in by_name:
            raise UserError(f"{tree.root} holds two pictures {file.name}, the second as {path}; fetch it again")
        by_name[key(file.name)] = file
    return by_name


def _all_files(tree: Tree, folder: str = "") -> Iterator[tuple[str, File]]:
    for file in tree.files(folder):
        yield joined(folder, file.name), file
    for name in tree.folders(folder):
        yield from _all_files(tree, joined(folder, name))


def _patched(path: Path, train: list[Picture], held_out: list[Picture]) -> tuple[list[Picture], list[Picture], int]:
    """ILSVRC2010's replacements for blank pictures, found by base name."""
    archive = TarTree(path)
    patches = _by_base_name(archive, file_key)
    used = set()

    def apply(picture: Picture) -> Picture:
        key = file_key(picture.name.rpartition("/")[2])
        if key not in patches:
            return picture
        used.add(key)
        return replace(picture, size=patches[key].size, source=archive.source, where=patches[key].where)

    return [apply(picture) for picture in train], [apply(picture) for picture in held_out], len(used)


def _same_classes(where: str, names: Iterable[str], devkit: Devkit) -> dict[str, str]:
    """The folder or archive of each class; UserError unless they are the kit's classes."""
    folders, missing, strange = folders_by_class(devkit.classes, names)
    if missing:
        raise UserError(
            f"{where} lacks {len(missing)} of the {len(devkit.classes)} classes that {devkit.path.name} "
            f"lists ({listed(missing)}); it is not complete: fetch or unpack it again, "
            "or take the development kit away if this is meant to be a part"
        )
    if strange:
        raise UserError(
            f"{where} holds {listed(strange)}, which {devkit.path.name} does not list; they belong to another year"
        )
    return folders


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

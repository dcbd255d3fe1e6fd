"""An archive of a folder is read as the folder is: every kind of member, or refused by its name."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from repro.data.layouts.recognise import recognise
from repro.data.registration import manifest_of
from repro.errors import UserError
from tests.data import miniatures as mini
from tests.data.miniatures import SORTED, put
from tests.data.reading import assert_labels_are_what_pictures_show

FORMS = [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]
W = SORTED[1]


def tarred(tree: Path, path: Path, form: int = tarfile.GNU_FORMAT) -> Path:
    with tarfile.open(path, "w", format=form) as archive:
        archive.add(tree, "set")
    return path


def hard_links(tree: Path) -> None:
    """Pictures of equal content made one, as rdfind and jdupes do."""
    for folder in sorted(tree.glob("val/*")):
        one, two = sorted(folder.rglob("*.jpeg")) or sorted(folder.rglob("*.JPEG"))
        two.unlink()
        os.link(one, two)


def links_to_files(tree: Path) -> None:
    """Pictures in a hidden pool, as caches of downloads keep them."""
    for number, path in enumerate(sorted(tree.rglob("*.jpeg"))):
        if path.name.startswith("._"):
            continue
        kept = tree / ".pool" / f"{number}"
        kept.parent.mkdir(exist_ok=True)
        path.rename(kept)
        path.symlink_to(os.path.relpath(kept, path.parent))


def links_to_folders(tree: Path) -> None:
    """A class folder that lies elsewhere, and a whole split behind two links."""
    (tree / "val").rename(tree / "held out")
    (tree / "again").symlink_to("held out")
    (tree / "val").symlink_to("again")
    (tree / "train" / W).rename(tree / "elsewhere")
    (tree / "train" / W).symlink_to("../elsewhere")


def left_behind(tree: Path) -> None:
    put(tree / "train" / W / "@eaDir" / "a 0's.jpeg" / "SYNOPHOTO_THUMB_M.jpg", mini.encoded(mini.noise(0, 9, 9)))
    put(tree / "train" / W / "a.jfif", "not read")


CHANGES: dict[str, Callable[[Path], None]] = {
    "as it is": lambda tree: None,
    "hard links": hard_links,
    "links to files": links_to_files,
    "links to folders": links_to_folders,
    "left behind": left_behind,
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("change", CHANGES)
def test_folder_and_archive_of_the_same_tree_give_the_same_manifest(change: str, form: int, tmp_path: Path) -> None:
    tree = mini.image_folder(tmp_path / "set")
    CHANGES[change](tree)
    packed = recognise(tarred(tree, tmp_path / "set.tar", form))
    unpacked = recognise(tree)
    assert len(packed.validation) == 10
    if change != "hard links":  # there the second picture shows what the first does
        assert len({packed.read(picture) for picture in packed.validation}) == 10
    assert_labels_are_what_pictures_show(packed)
    assert manifest_of(packed, "x", location="elsewhere") == manifest_of(unpacked, "x", location="elsewhere")


@pytest.mark.parametrize("build", [mini.kaggle, mini.tiny_imagenet, mini.ilsvrc_folders, mini.cifar10_batches])
def test_every_layout_of_folders_may_lie_in_an_archive(build: Callable[[Path], Path], tmp_path: Path) -> None:
    tree = build(tmp_path / "set")
    packed, unpacked = recognise(tarred(tree, tmp_path / "set.tar")), recognise(tree)
    assert_labels_are_what_pictures_show(packed)
    assert manifest_of(packed, "x", location="elsewhere") == manifest_of(unpacked, "x", location="elsewhere")


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("program", [name for name in ("tar", "bsdtar") if name == "tar" or shutil.which(name)])
def test_archives_of_the_usual_programs(program: str, change: str, tmp_path: Path) -> None:
    tree = mini.image_folder(tmp_path / "set")
    CHANGES[change](tree)
    subprocess.run([program, "-cf", "set.tar", "set"], cwd=tmp_path, check=True)
    assert recognise(tmp_path / "set.tar").digest() == recognise(tree).digest()


@pytest.mark.parametrize("form", ["gnu", "pax", "oldgnu"])
def test_sparse_files_of_gnu_tar_are_refused_by_name(form: str, tmp_path: Path) -> None:
    tree = mini.image_folder(tmp_path / "set")
    with open(tree / "train" / W / "x.bmp", "wb") as file:  # more holes than the header itself has room for
        for hole in range(60):
            file.seek(hole * (1 << 16))
            file.write(b"content")
    command = ["tar", "--sparse", f"--format={form}", "-cf", "there.tar", "set"]
    if subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode:
        pytest.skip("tar here is not GNU's")
    if (tmp_path / "there.tar").stat().st_size > 60 * (1 << 16):
        pytest.skip("this file system has no holes")
    with pytest.raises(UserError, match=r"x\.bmp in .*there\.tar is a sparse file"):
        recognise(tmp_path / "there.tar")


def linked(*pairs: tuple[str, str, bytes]) -> Callable[[tarfile.TarFile], None]:
    """Members of a type (name, target, type) at the end of an archive."""

    def add(archive: tarfile.TarFile) -> None:
        for name, target, kind in pairs:
            info = tarfile.TarInfo(f"set/{name}")
            info.type, info.linkname = kind, target
            archive.addfile(info)

    return add


def sparse(archive: tarfile.TarFile) -> None:
    """A sparse file as GNU tar writes it in the pax format, version 1.0."""
    content = b"1\n0\n4\n".ljust(512, b"\0") + b"abcd"
    info = tarfile.TarInfo(f"set/train/{W}/GNUSparseFile.1/x.bmp")
    info.size = len(content)
    info.pax_headers = {
        "GNU.sparse.major": "1",
        "GNU.sparse.minor": "0",
        "GNU.sparse.name": f"set/train/{W}/x.bmp",
        "GNU.sparse.realsize": "4",
    }
    archive.addfile(info, io.BytesIO(content))


REFUSED: dict[str, tuple[Callable[[tarfile.TarFile], None], list[str]]] = {
    "a link to nothing": (linked((f"train/{W}/x.jpeg", "gone.jpeg", tarfile.SYMTYPE)), ["x.jpeg", "gone.jpeg"]),
    "a link out of the archive": (
        linked((f"train/{W}/x.jpeg", "/etc/hosts", tarfile.SYMTYPE)),
        ["x.jpeg", "/etc/hosts"],
    ),
    "a link above the archive": (
        linked((f"train/{W}/x.jpeg", "../../../../x.jpeg", tarfile.SYMTYPE)),
        ["x.jpeg", "../x.jpeg"],
    ),
    "a hard link to nothing": (linked((f"train/{W}/x.jpeg", "set/gone.jpeg", tarfile.LNKTYPE)), ["x.jpeg"]),
    "a link to itself": (linked((f"train/{W}/x.jpeg", "x.jpeg", tarfile.SYMTYPE)), ["x.jpeg", "circle"]),
    "two links to each other": (
        linked(
            (f"train/{W}/x.jpeg", "y.jpeg", tarfile.SYMTYPE),
            (f"train/{W}/y.jpeg", "x.jpeg", tarfile.SYMTYPE),
        ),
        ["x.jpeg", "circle"],
    ),
    "a link to the folder above": (linked((f"train/{W}/up", "..", tarfile.SYMTYPE)), ["up", "holds it"]),
    "two folders that link to each other": (
        linked(
            (f"train/{W}/one", f"../{SORTED[2]}", tarfile.SYMTYPE),
            (f"train/{SORTED[2]}/two", f"../{W}", tarfile.SYMTYPE),
        ),
        ["holds it"],
    ),
    "a pipe": (linked((f"train/{W}/x.jpeg", "", tarfile.FIFOTYPE)), ["x.jpeg", "not a regular file"]),
    "a device": (linked((f"train/{W}/x.jpeg", "", tarfile.CHRTYPE)), ["x.jpeg", "not a regular file"]),
    "a kind that nobody knows": (linked((f"train/{W}/x.jpeg", "", b"Z")), ["x.jpeg", "not a regular file"]),
    "a sparse file": (sparse, ["x.bmp", "sparse"]),
    "an empty class": (
        linked(("train/n99999999", "", tarfile.DIRTYPE), ("val/n99999999", "", tarfile.DIRTYPE)),
        ["n99999999", "no picture"],
    ),
    "a way out of the archive": (linked(("../x.jpeg", "", tarfile.REGTYPE)), ["../x.jpeg"]),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("fault", REFUSED)
def test_members_that_cannot_be_read_are_refused_by_name(fault: str, form: int, tmp_path: Path) -> None:
    add, says = REFUSED[fault]
    if fault == "a sparse file":
        form = tarfile.PAX_FORMAT
    path = tarred(mini.image_folder(tmp_path / "set"), tmp_path / "there.tar", form)
    with tarfile.open(path, "a", format=form) as archive:
        add(archive)
    with pytest.raises(UserError) as caught:
        recognise(path)
    for fragment in ["there.tar", *says]:
        assert fragment in str(caught.value)


def test_hard_links_in_the_archives_of_ilsvrc(tmp_path: Path) -> None:
    """In a class's own archive, and in that of the validation pictures."""
    folder = mini.ilsvrc_archives(tmp_path / "there")
    first = {wnid: files[0][0] for wnid, files in mini.train_files().items()}

    def again(files: list[tuple[str, bytes]], name: str, target: str) -> bytes:
        stream = io.BytesIO(mini.tar_of(files))
        with tarfile.open(fileobj=stream, mode="a") as archive:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.LNKTYPE, target
            archive.addfile(info)
        return stream.getvalue()

    inner = [(f"{w}.tar", again(f, f"{w}_9999.JPEG", first[w])) for w, f in mini.train_files().items()]
    put(folder / "ILSVRC2012_img_train.tar", mini.tar_of(inner))
    ids = mini.validation_ids()
    one = next(number for number, id in enumerate(ids[1:], start=2) if id == ids[0])
    files = [pair for pair in mini.validation_files() if f"_{one:08d}" not in pair[0]]
    names = mini.validation_names()
    put(folder / "ILSVRC2012_img_val.tar", again(files, names[one - 1], names[0]))
    layout = recognise(folder)
    assert (len(layout.train), len(layout.validation)) == (25, 10)
    assert_labels_are_what_pictures_show(layout)


@pytest.mark.parametrize("kind", [tarfile.LNKTYPE, tarfile.SYMTYPE])
def test_links_in_the_compressed_archives(kind: bytes, tmp_path: Path) -> None:
    """The development kit's ground truth and a batch of CIFAR-10, both behind a link."""
    parts = mini.cifar10_parts()
    parts["test_batch"] = parts["data_batch_1"]
    folder = "cifar-10-batches-py"
    with tarfile.open(tmp_path / "cifar-10-python.tar.gz", "w:gz") as archive:
        for name, content in parts.items():
            info = tarfile.TarInfo(f"{folder}/{name}")
            info.size = len(content)
            if name == "test_batch":
                info.type, info.size = kind, 0
                info.linkname = f"{folder}/data_batch_1" if kind == tarfile.LNKTYPE else "data_batch_1"
            archive.addfile(info, io.BytesIO(content))
    assert len(recognise(tmp_path / "cifar-10-python.tar.gz").validation) == 20

    archives = mini.ilsvrc_archives(tmp_path / "there")
    with tarfile.open(archives / "ILSVRC2012_devkit_t12.tar.gz", "w:gz") as archive:
        for name, content in mini.devkit_parts().items():
            info = tarfile.TarInfo(f"kit/kept/{name}.1")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
            link = tarfile.TarInfo(f"kit/data/{name}")
            link.type = kind
            link.linkname = f"kit/kept/{name}.1" if kind == tarfile.LNKTYPE else f"../kept/{name}.1"
            archive.addfile(link)
    assert_labels_are_what_pictures_show(recognise(archives))


def test_a_member_that_was_replaced_is_read_as_unpacking_leaves_it(tmp_path: Path) -> None:
    tree = mini.image_folder(tmp_path / "set")
    path = tarred(tree, tmp_path / "set.tar")
    victim = next((tree / "train" / W).glob("a 0*"))
    victim.write_bytes(mini.encoded(mini.colour(1, 77, 40, 40)))
    with tarfile.open(path, "a") as archive:
        archive.add(victim, f"set/{victim.relative_to(tree)}")
    assert recognise(path).digest() == recognise(tree).digest()

"""The packed store: right pixels and sums, the same bytes whatever happens on the way, clear errors."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from repro.data.layouts.trees.tree import FolderSource
from repro.data.packed import Packed, open_packed, packed_folder
from repro.data.preparation import packing, work_folder
from repro.data.preparation.decoding import decode
from repro.data.preparation.packing import PictureFile
from repro.data.preparation.prepare import prepare
from repro.data.preparation.resizing import resize_and_crop
from repro.data.registration import open_data, use_data
from repro.errors import UserError
from repro.study.settings import DataSettings
from tests.data import miniatures
from tests.data.miniatures import SORTED, encoded, noise, put

SETTINGS = DataSettings(size=16)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three pictures a block, so that miniatures have many."""
    monkeypatch.setattr(packing, "_BLOCK_BYTES", 3 * 16 * 16 * 3)


@pytest.fixture
def noisy(tmp_path: Path, root: Path) -> Path:
    """Pictures of noise in several shapes, registered as `mine`."""
    folder = tmp_path / "noisy"
    seed = 0
    for label in range(3):
        for split, count in (("train", 9), ("val", 3)):
            for index in range(count):
                seed += 1
                shape = (10 + seed % 17, 12 + seed % 29)
                put(folder / split / f"class{label}" / f"{index}.jpg", encoded(noise(seed, *shape)))
    use_data(folder, "mine", root)
    return folder


def run(root: Path, store: Path, settings: DataSettings = SETTINGS, **options: Any) -> Packed:
    manifest = prepare(settings, "mine", root, store, progress=False, **options)
    return open_packed(packed_folder(store, manifest["key"]))


def bytes_of(packed: Packed) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(packed.folder.iterdir())}


# ---- what is in it --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", miniatures.LAYOUTS)
def test_every_layout_comes_out_with_labels_that_its_pictures_show(
    name: str, root: Path, store: Path, tmp_path: Path
) -> None:
    build, train, validation = miniatures.LAYOUTS[name]
    use_data(build(tmp_path / "there"), "mine", root)
    packed = run(root, store)
    assert (len(packed.train), len(packed.validation), len(packed.held_out)) == (train, 0, validation)
    for split in (packed.train, packed.held_out):
        shown = [miniatures.shown_class(picture) for picture in split.pictures]
        assert shown == split.labels.tolist()
    assert packed.manifest["source"]["layout"] == name.partition(" in ")[0]


@pytest.mark.parametrize("filter", ["bicubic", "bilinear"])
def test_pixels_are_the_decoded_resized_pictures_in_order_of_name(
    filter: str, root: Path, store: Path, noisy: Path
) -> None:
    packed = run(root, store, SETTINGS.model_copy(update={"filter": filter}))
    layout = open_data(root, "mine")
    for picture, pixels in zip(layout.train, packed.train.pictures, strict=True):
        content = layout.read(picture)
        assert isinstance(content, bytes)
        np.testing.assert_array_equal(pixels, resize_and_crop(decode(content, "a").pixels, 16, filter))


def test_mean_and_covariance_are_those_of_the_training_pixels(root: Path, store: Path, noisy: Path) -> None:
    packed = run(root, store, SETTINGS.model_copy(update={"train_per_class": 5}))
    pixels = np.asarray(packed.train.pictures).astype(np.float64)
    np.testing.assert_allclose(packed.mean_picture, pixels.mean(axis=0), rtol=1e-6)
    colours = pixels.reshape(-1, 3)
    np.testing.assert_allclose(packed.colour.covariance, np.cov(colours.T, bias=True), rtol=1e-10)
    vectors, deviations = packed.colour.eigenvectors, packed.colour.deviations
    np.testing.assert_allclose(vectors @ np.diag(deviations**2) @ vectors.T, packed.colour.covariance, atol=1e-9)
    assert (np.diff(deviations) <= 0).all()
    np.testing.assert_allclose(packed.manifest["colour"]["mean"], colours.mean(axis=0), rtol=1e-12)


def test_splits_and_classes_follow_the_settings(root: Path, store: Path, noisy: Path) -> None:
    settings = DataSettings(
        size=16,
        classes=("class2", "class0"),
        train_per_class=4,
        validation_per_class=2,
        held_out="validation_and_rest",
    )
    packed = run(root, store, settings)
    assert packed.classes == ("class0", "class2")
    for split, each in ((packed.train, 4), (packed.validation, 2), (packed.held_out, 3 + 3)):
        assert np.bincount(split.labels).tolist() == [each, each]
    assert packed.manifest["also_in_train"]["count"] == 0


def test_manifest_says_how_and_holds_no_path(root: Path, store: Path, noisy: Path, tmp_path: Path) -> None:
    manifest = run(root, store).manifest
    assert str(tmp_path) not in json.dumps(dict(manifest))
    assert manifest["filter"] == "bicubic"
    assert "ties to even" in manifest["geometry"]
    assert set(manifest["decoder"]) == {"jpeg", "others", "resize", "rules"}
    assert manifest["routes"]["train"] == {"jpeg": 27}
    assert manifest["odd_pictures"] == []


def test_odd_pictures_are_named(root: Path, store: Path, pictures: Path) -> None:
    put(pictures / "train" / SORTED[0] / "odd.jpeg", encoded(noise(0, 9, 9), "PNG"))
    use_data(pictures, "mine", root)
    manifest = run(root, store).manifest
    assert manifest["odd_pictures"] == [{"picture": f"train/{SORTED[0]}/odd.jpeg", "why": "PNG named .jpeg"}]
    assert manifest["routes"]["train"] == {"jpeg": 20, "pillow:PNG": 1}


def test_pictures_that_are_also_in_the_training_set_are_counted(root: Path, store: Path, pictures: Path) -> None:
    copy = next((pictures / "train" / SORTED[2]).glob("a*")).read_bytes()
    put(pictures / "val" / SORTED[2] / "copy.jpeg", copy)
    use_data(pictures, "mine", root)
    found = run(root, store).manifest["also_in_train"]
    assert f"held_out/{SORTED[2]}/copy.jpeg" in found["pictures"]


# ---- the same bytes whatever happens --------------------------------------------------------------


def test_the_same_bytes_with_any_number_of_workers(root: Path, noisy: Path, tmp_path: Path, small_blocks) -> None:
    results = [bytes_of(run(root, tmp_path / f"store{workers}", workers=workers)) for workers in (1, 2, 5)]
    assert results[0] == results[1] == results[2]


def test_digest_does_not_depend_on_the_length_of_blocks(
    root: Path, noisy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run(root, tmp_path / "a")
    monkeypatch.setattr(packing, "_BLOCK_BYTES", 1)
    assert run(root, tmp_path / "b").digest == whole.digest


def test_digest_is_of_content_not_of_how_it_is_stored(root: Path, store: Path, tmp_path: Path) -> None:
    use_data(miniatures.ilsvrc_archives(tmp_path / "tars"), "mine", root)
    use_data(miniatures.ilsvrc_folders(tmp_path / "folders"), "same", root)
    first, second = (prepare(SETTINGS, name, root, store, progress=False) for name in ("mine", "same"))
    assert first["digest"] == second["digest"]


def sorted_into_folders(tiny: Path, folder: Path) -> Path:
    """The pictures of Tiny-ImageNet-200 as an ImageFolder, their base names as they were."""
    for path in (tiny / "train").glob("*/images/*"):
        put(folder / "train" / path.parts[-3] / path.name, path.read_bytes())
    for line in (tiny / "val" / "val_annotations.txt").read_text().splitlines():
        name, wnid, *_ = line.split("\t")
        put(folder / "val" / wnid / name, (tiny / "val" / "images" / name).read_bytes())
    return folder


@pytest.mark.parametrize("held_out", ["validation", "validation_and_rest"])
@pytest.mark.parametrize("numbers", [{}, {"train_per_class": 5, "validation_per_class": 2}])
def test_tiny_imagenet_and_the_same_pictures_as_an_image_folder_are_the_same_pictures(
    held_out: str, numbers: dict[str, int], root: Path, store: Path, tmp_path: Path
) -> None:
    tiny = miniatures.tiny_imagenet(tmp_path / "tiny")
    use_data(tiny, "tiny", root)
    use_data(sorted_into_folders(tiny, tmp_path / "folders"), "folders", root)
    settings = DataSettings(size=16, held_out=held_out, classes=SORTED[1:4], **numbers)
    first, second = (prepare(settings, name, root, store, progress=False) for name in ("tiny", "folders"))
    assert [first["source"]["layout"], second["source"]["layout"]] == ["tiny-imagenet", "image-folder"]
    assert first["digest"] == second["digest"]


def test_held_out_pictures_come_by_class_and_base_name(root: Path, store: Path, tmp_path: Path) -> None:
    use_data(miniatures.tiny_imagenet(tmp_path / "tiny"), "mine", root)
    packed = run(root, store, DataSettings(size=16, train_per_class=5, held_out="validation_and_rest"))
    assert packed.held_out.labels.tolist() == sorted(packed.held_out.labels.tolist())


@pytest.mark.parametrize("changes", [{"size": 17}, {"filter": "bilinear"}, {"train_per_class": 8}, {"classes": 2}])
def test_other_settings_make_another_digest_in_another_folder(
    changes: dict[str, Any], root: Path, store: Path, noisy: Path
) -> None:
    first, other = run(root, store), run(root, store, SETTINGS.model_copy(update=changes))
    assert first.digest != other.digest
    assert first.folder != other.folder


def test_a_second_call_decodes_nothing_and_needs_no_pictures(
    root: Path, store: Path, noisy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run(root, store)
    shutil.rmtree(noisy)
    monkeypatch.setattr(packing, "decode", None)
    assert run(root, store).digest == first.digest


class StopError(Exception):
    """Stands for any interruption."""


def stop_after(pictures: int) -> Callable[..., Any]:
    left = [pictures]

    def read(*arguments: Any) -> Any:
        left[0] -= 1
        if left[0] < 0:
            raise StopError
        return decode(*arguments)

    return read


@pytest.mark.parametrize("after", [0, 1, 5, 14, 26, 30, 35])
def test_an_interrupted_preparation_goes_on_with_the_same_result(
    after: int, root: Path, noisy: Path, tmp_path: Path, small_blocks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = bytes_of(run(root, tmp_path / "whole"))
    monkeypatch.setattr(packing, "decode", stop_after(after))
    with pytest.raises(StopError):
        run(root, tmp_path / "cut", workers=1)
    decoded: list[str] = []
    monkeypatch.setattr(packing, "decode", lambda *a: (decoded.append(a[1]), decode(*a))[1])
    assert bytes_of(run(root, tmp_path / "cut", workers=2)) == whole
    assert len(decoded) <= 36 - after // 3 * 3 + 3  # finished blocks are not decoded again


def _cut_last_line(work: Path) -> None:
    content = (work / "progress.jsonl").read_bytes()
    (work / "progress.jsonl").write_bytes(content[:-40])


def _zeros(work: Path) -> None:
    with open(work / "train_pictures.npy", "r+b") as file:
        file.seek(128)
        file.write(bytes(2000))


DAMAGE = {
    "a line of the record is cut": _cut_last_line,
    "the record is gone": lambda work: (work / "progress.jsonl").unlink(),
    "the record is junk": lambda work: (work / "progress.jsonl").write_bytes(b"\xff\x00[]\n{}\n"),
    "pixels never reached the disk": _zeros,
    "the array is gone": lambda work: (work / "train_pictures.npy").unlink(),
    "the array is shorter": lambda work: os.truncate(work / "train_pictures.npy", 700),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_power_cut_costs_only_work(
    damage: str, root: Path, noisy: Path, tmp_path: Path, small_blocks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = bytes_of(run(root, tmp_path / "whole"))
    with monkeypatch.context() as patch:
        patch.setattr(packing, "decode", stop_after(20))
        with pytest.raises(StopError):
            run(root, tmp_path / "cut", workers=1)
    (work,) = (tmp_path / "cut" / "pictures").glob(".preparing-*")
    DAMAGE[damage](work)
    assert bytes_of(run(root, tmp_path / "cut")) == whole


PROGRAM = """
import sys
from pathlib import Path
from repro.data.preparation import packing
from repro.data.preparation.prepare import prepare
from repro.study.settings import DataSettings
packing._BLOCK_BYTES = 3 * 16 * 16 * 3
blocks, in_order = int(sys.argv[3]), packing._in_order
def stopping(*arguments):
    for number, result in enumerate(in_order(*arguments)):
        if number == blocks:
            print("so many blocks are on record", flush=True)
            sys.stdin.read()
        yield result
if blocks:
    packing._in_order = stopping
print(prepare(DataSettings(size=16), "mine", Path(sys.argv[1]), Path(sys.argv[2]), progress=False)["digest"])
"""


def start(root: Path, store: Path, blocks: int = 0) -> subprocess.Popen[str]:
    """A process that prepares; where `blocks` are named it says when these are on record, and waits."""
    command = [sys.executable, "-c", PROGRAM, str(root), str(store), str(blocks)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True)


def test_kill_9_and_the_same_command_again(
    root: Path, noisy: Path, tmp_path: Path, small_blocks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = bytes_of(run(root, tmp_path / "whole"))
    process = start(root, tmp_path / "cut", blocks=2)
    assert process.stdout is not None
    assert "on record" in process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    process.communicate()
    decoded: list[str] = []
    monkeypatch.setattr(packing, "decode", lambda *a: (decoded.append(a[1]), decode(*a))[1])
    assert bytes_of(run(root, tmp_path / "cut")) == whole
    assert len(decoded) == 36 - 2 * 3


def test_a_second_process_says_that_it_waits_and_then_finds_the_work_done(root: Path, noisy: Path, store: Path) -> None:
    digest = run(root, store).digest
    (lock,) = (store / "pictures").glob(".*.lock")
    shutil.rmtree(packed_folder(store, run(root, store).folder.name))
    with work_folder.alone(lock):
        second = start(root, store)
        assert second.stderr is not None
        assert "waiting" in second.stderr.readline()
    out, _ = second.communicate()
    assert out.strip() == digest
    assert not list(store.glob("pictures/.preparing-*"))


def test_two_threads_at_once(root: Path, noisy: Path, store: Path, small_blocks: None) -> None:
    digests = []
    threads = [threading.Thread(target=lambda: digests.append(run(root, store).digest)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(digests) == 3
    assert len(set(digests)) == 1


# ---- bad pictures ---------------------------------------------------------------------------------

BAD = {"zero.jpeg": b"", "text.jpeg": b"404 not found", "cut.jpeg": encoded(noise(1, 40, 40))[:-300]}


@pytest.fixture
def spoilt(pictures: Path, root: Path) -> Path:
    """Five classes, with three undecodable files in the training set and one in the validation set."""
    for name, content in BAD.items():
        put(pictures / "train" / SORTED[1] / name, content)
    put(pictures / "val" / SORTED[3] / "zero.jpeg", b"")
    use_data(pictures, "mine", root)
    return pictures


def test_undecodable_pictures_stop_it_with_all_names_in_one_error(spoilt: Path, root: Path, store: Path) -> None:
    with pytest.raises(UserError) as caught:
        run(root, store)
    message = str(caught.value)
    for name in BAD:
        assert str(spoilt / "train" / SORTED[1] / name) in message
    assert str(spoilt / "val" / SORTED[3] / "zero.jpeg") in message
    assert "--skip-bad" in message
    assert "\n" not in message


def test_at_most_ten_are_named(root: Path, store: Path, pictures: Path) -> None:
    for number in range(30):
        put(pictures / "train" / SORTED[0] / f"bad{number:02d}.jpeg", b"")
    use_data(pictures, "mine", root)
    with pytest.raises(UserError) as caught:
        run(root, store)
    assert str(caught.value).count("empty (zero bytes)") == 10


def test_left_out_pictures_are_recorded_and_everything_else_is_there(
    spoilt: Path, root: Path, store: Path, small_blocks: None
) -> None:
    with pytest.raises(UserError):
        run(root, store)
    packed = run(root, store, skip_bad=True)
    expected = {f"train/{SORTED[1]}/{name}" for name in BAD} | {f"held_out/{SORTED[3]}/zero.jpeg"}
    assert set(packed.manifest["skipped"]) == expected
    for name in BAD:
        (spoilt / "train" / SORTED[1] / name).unlink()
    (spoilt / "val" / SORTED[3] / "zero.jpeg").unlink()
    use_data(spoilt, "clean", root)
    clean = prepare(SETTINGS, "clean", root, store, progress=False)
    assert clean["digest"] == packed.digest
    assert clean["colour"] == packed.manifest["colour"]
    np.testing.assert_array_equal(open_packed(packed_folder(store, clean["key"])).train.pictures, packed.train.pictures)


def test_good_blocks_are_not_decoded_again_when_bad_ones_are_left_out(
    spoilt: Path, root: Path, store: Path, small_blocks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UserError):
        run(root, store)
    monkeypatch.setattr(packing, "decode", None)
    run(root, store, skip_bad=True)


def test_a_class_of_bad_pictures_only(root: Path, store: Path, pictures: Path) -> None:
    for path in (pictures / "train" / SORTED[2]).glob("a*"):
        put(path, b"")
    use_data(pictures, "mine", root)
    with pytest.raises(UserError, match=f"no train picture of {SORTED[2]} is left"):
        run(root, store, skip_bad=True)


# ---- disks and folders ----------------------------------------------------------------------------


def test_a_disk_without_the_space_is_refused_before_anything_is_decoded(
    root: Path, store: Path, noisy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil._ntuple_diskusage(10**9, 10**9 - 10**6, 10**6)  # type: ignore[attr-defined]
    monkeypatch.setattr(work_folder.shutil, "disk_usage", lambda _: usage)
    monkeypatch.setattr(packing, "decode", None)
    with pytest.raises(UserError, match=r"needs 0\.02 GB .* 0\.00 GB are free"):
        run(root, store)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES, errno.EIO])
def test_a_failing_disk_is_one_clear_error_and_loses_nothing(
    code: int,
    root: Path,
    noisy: Path,
    tmp_path: Path,
    small_blocks: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = bytes_of(run(root, tmp_path / "whole"))
    write, calls = PictureFile.write, [0]

    def fail(self: PictureFile, *arguments: Any) -> None:
        calls[0] += 1
        if calls[0] == 5:
            raise OSError(code, os.strerror(code))
        write(self, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(PictureFile, "write", fail)
        with pytest.raises(UserError, match=os.strerror(code)) as caught:
            run(root, tmp_path / "cut", workers=1)
    assert str(tmp_path / "cut") in str(caught.value)
    assert bytes_of(run(root, tmp_path / "cut")) == whole


def test_a_full_disk_when_the_arrays_are_made(
    root: Path, store: Path, noisy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", refuse)
    with pytest.raises(UserError, match="No space left"):
        run(root, store)


def test_a_file_where_the_store_should_be(root: Path, tmp_path: Path, noisy: Path) -> None:
    with pytest.raises(UserError, match=r"cannot write to .*file"):
        run(root, put(tmp_path / "file", "x"))


def test_a_picture_that_vanishes_is_named(
    root: Path, store: Path, noisy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = noisy / "train" / "class1" / "3.jpg"
    read = FolderSource.read

    def vanish(self: FolderSource, where: str, size: int) -> bytes:
        gone.unlink(missing_ok=True)
        return read(self, where, size)

    monkeypatch.setattr(FolderSource, "read", vanish)
    with pytest.raises(UserError, match=r"class1/3\.jpg.*No such file"):
        run(root, store)


def test_a_folder_that_is_not_finished_is_not_trusted(root: Path, store: Path, noisy: Path) -> None:
    packed = run(root, store)
    (packed.folder / "manifest.json").unlink()
    with pytest.raises(UserError, match="not finished; remove it"):
        run(root, store)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"classes": 4}, "asks for 4 classes, 3 are available"),
        ({"classes": ("class0", "zebra")}, "zebra"),
        ({"exclude_classes": ("zebra",)}, "zebra"),
        ({"train_per_class": 10}, "class0 has 9 training pictures"),
        ({"train_per_class": 8, "validation_per_class": 2}, "class0 has 9 training pictures"),
    ],
)
def test_settings_that_the_pictures_cannot_meet(
    changes: dict[str, Any], message: str, root: Path, store: Path, noisy: Path
) -> None:
    with pytest.raises(UserError, match=message):
        run(root, store, SETTINGS.model_copy(update=changes))


def test_progress_is_plain_lines_without_a_terminal(
    root: Path, store: Path, noisy: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    prepare(SETTINGS, "mine", root, store)
    out, err = capfd.readouterr()
    assert out == ""
    assert "prepare mine: 36 pictures in" in err
    assert "pictures/s" in err
    assert "\x1b" not in err

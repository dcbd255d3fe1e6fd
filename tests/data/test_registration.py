"""Registering: a manifest without paths, a private pointer, and nothing of the user's changed."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from repro.data import registration
from repro.data.layouts.recognise import recognise
from repro.data.preparation.prepare import prepare
from repro.data.preparation.subset import make_subset
from repro.data.registration import load_manifest, open_data, track, use_data, write_manifest_here
from repro.errors import UserError
from repro.study.settings import DataSettings
from tests.data import miniatures
from tests.data.miniatures import put

Snapshot = dict[str, tuple[object, ...]]


def snapshot(folder: Path) -> Snapshot:
    """Everything of the user's that a program could spoil."""
    found: Snapshot = {}
    for path in [folder, *sorted(folder.rglob("*"))]:
        status = path.lstat()
        content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        found[str(path)] = (
            status.st_mode,
            status.st_ino,
            status.st_nlink,
            status.st_mtime_ns,
            status.st_ctime_ns,
            status.st_size,
            status.st_uid,
            content,
        )
    return found


@pytest.fixture
def dvc(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with git and DVC, as a user has it."""
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path / "site"))
    monkeypatch.setenv("DVC_NO_ANALYTICS", "1")
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    subprocess.run([sys.executable, "-m", "dvc", "init", "-q"], cwd=root, check=True)
    return root


@pytest.mark.parametrize("build", [miniatures.image_folder, miniatures.ilsvrc_archives])
def test_nothing_of_the_users_changes_through_all_of_it(build, dvc: Path, tmp_path: Path) -> None:
    mine = build(tmp_path / "mine")
    one = next(path for path in sorted(mine.rglob("*")) if path.is_file())
    os.link(one, tmp_path / "second name")  # hard links are what DVC's caches spoil
    for path in mine.rglob("*"):
        path.chmod(0o750 if path.is_dir() else 0o640)
    before = snapshot(mine)
    use_data(mine, "mine", dvc)
    track(dvc)
    prepare(DataSettings(size=16), "mine", dvc, tmp_path / "store", progress=False)
    make_subset(recognise(mine), tmp_path / "subset", 2, 2, 16, 0, 1)
    subprocess.run([sys.executable, "-m", "dvc", "checkout", "-q", "--force"], cwd=dvc, check=True)
    assert snapshot(mine) == before
    listed = (dvc / "data.dvc").read_text()
    assert "nfiles: 1" in listed  # the manifest and nothing else
    assert str(tmp_path) not in listed


def test_tracking_again_adds_and_nothing_is_lost(dvc: Path, pictures: Path, tmp_path: Path) -> None:
    use_data(pictures, "first", dvc)
    track(dvc)
    use_data(miniatures.tiny_imagenet(tmp_path / "tiny"), "second", dvc)
    track(dvc)
    assert "nfiles: 2" in (dvc / "data.dvc").read_text()
    (dvc / "data" / "first" / "manifest.json").unlink()
    with pytest.raises(UserError, match=r"first/manifest\.json is listed in data\.dvc.*dvc pull data\.dvc"):
        track(dvc)


def test_missing_outs_of_stages_are_no_obstacle(dvc: Path, pictures: Path) -> None:
    """A clone whose dvc.lock names results that were never fetched can still register pictures."""
    (dvc / "dvc.yaml").write_text("stages: {evaluate: {cmd: mkdir -p results, outs: [results]}}")
    lock = {"cmd": "mkdir -p results", "outs": [{"path": "results", "hash": "md5", "md5": f"{0:032x}.dir"}]}
    (dvc / "dvc.lock").write_text(json.dumps({"schema": "2.0", "stages": {"evaluate": lock}}))
    use_data(pictures, "mine", dvc)
    track(dvc)
    use_data(pictures, "again", dvc)
    track(dvc)
    assert "nfiles: 2" in (dvc / "data.dvc").read_text()


def test_dvc_that_fails_is_one_clear_error(root: Path, pictures: Path) -> None:
    use_data(pictures, "mine", root)
    with pytest.raises(UserError, match=r"`dvc add --quiet data` failed in .*repository") as caught:
        track(root)  # neither git nor DVC there
    assert "\n" not in str(caught.value)


def test_manifest_names_layout_and_counts_and_no_path(root: Path, pictures: Path, tmp_path: Path) -> None:
    manifest = use_data(pictures, "mine", root)
    assert manifest == load_manifest(root, "mine")
    assert manifest["layout"] == "image-folder"
    assert manifest["location"] == "elsewhere"
    assert manifest["counts"] == {"train": 20, "validation": 10}
    assert manifest["counts_per_class"] == {"train": [4] * 5, "validation": [2] * 5}
    assert manifest["classes"] == list(miniatures.SORTED)
    assert str(tmp_path) not in json.dumps(manifest)
    assert str(pictures) in (root / ".data-paths.json").read_text()
    assert "/.data-paths.json" in (root / ".gitignore").read_text().splitlines()


def test_gitignore_keeps_its_lines(root: Path, pictures: Path) -> None:
    put(root / ".gitignore", "/data\n*.pyc")
    use_data(pictures, "mine", root)
    use_data(pictures, "again", root)
    assert (root / ".gitignore").read_text() == "/data\n*.pyc\n/.data-paths.json\n"


def test_the_same_pictures_may_be_registered_again_from_elsewhere(root: Path, pictures: Path) -> None:
    first = use_data(pictures, "mine", root)
    moved = pictures.rename(pictures.with_name("moved"))
    assert use_data(moved, "mine", root) == first
    assert len(open_data(root, "mine").train) == 20


def test_official_archives_are_known_by_size_and_md5(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = miniatures.ilsvrc_archives(tmp_path / "tars")
    manifest = use_data(folder, "mine", root)
    train = manifest["archives"]["ILSVRC2012_img_train.tar"]
    assert train["official_size"] is False
    assert manifest["archives"]["ILSVRC2012_devkit_t12.tar.gz"]["bytes"] > 0
    with pytest.raises(UserError, match="1d675b47d978889d74fa0da5fadfb00e"):
        use_data(folder, "mine", root, verify=True)


def test_table_of_official_archives_matches_torchvisions() -> None:
    from torchvision.datasets import CIFAR10
    from torchvision.datasets.imagenet import ARCHIVE_META

    path = Path(registration.__file__).with_name("official_archives.json")
    table = json.loads(path.read_text())["archives"]
    for name, md5 in [*ARCHIVE_META.values(), (CIFAR10.filename, CIFAR10.tgz_md5)]:
        assert table[name]["md5"] == md5


def test_environment_variable_overrides_the_pointer(
    root: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_data(pictures, "my-set", root)
    moved = pictures.rename(pictures.with_name("moved"))
    with pytest.raises(UserError, match="does not exist"):
        open_data(root, "my-set")
    monkeypatch.setenv("REPRO_DATA_MY_SET", str(moved))
    assert open_data(root, "my-set").root == moved


def test_pictures_beside_their_manifest_need_no_pointer(root: Path) -> None:
    folder = miniatures.ilsvrc_archives(root / "data" / "made")
    manifest = write_manifest_here(folder, "made")
    assert manifest["location"] == "here"
    assert len(open_data(root, "made").train) == 20
    assert not (root / ".data-paths.json").exists()


@pytest.mark.parametrize("name", ["", "Mine", "a b", "../x", "a_b", "-a", "a--b", "ä", "a/b", "a."])
def test_bad_names(name: str, root: Path, pictures: Path) -> None:
    with pytest.raises(UserError, match="lower-case"):
        use_data(pictures, name, root)


def test_a_name_that_stands_for_other_pictures(root: Path, pictures: Path, tmp_path: Path) -> None:
    use_data(pictures, "mine", root)
    with pytest.raises(UserError, match="mine already stands for other pictures"):
        use_data(miniatures.tiny_imagenet(tmp_path / "tiny"), "mine", root)
    assert load_manifest(root, "mine")["layout"] == "image-folder"


def test_pictures_inside_data_are_refused(root: Path) -> None:
    with pytest.raises(UserError, match="DVC tracks and copies"):
        use_data(miniatures.image_folder(root / "data" / "mine"), "mine", root)


def test_data_that_is_not_pulled_yet_is_not_overwritten(root: Path, pictures: Path) -> None:
    put(root / "data.dvc", "outs: []")
    with pytest.raises(UserError, match=r"dvc pull data\.dvc"):
        use_data(pictures, "mine", root)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


CHANGES = {
    "a picture is gone": lambda folder: next(folder.glob("train/*/a*")).unlink(),
    "a picture is shorter": lambda folder: _cut(next(folder.glob("train/*/a*"))),
    "a picture came": lambda folder: put(folder / "train" / miniatures.SORTED[0] / "new.png", b"x"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_changed_pictures_are_noticed(change: str, root: Path, pictures: Path) -> None:
    use_data(pictures, "mine", root)
    CHANGES[change](pictures)
    with pytest.raises(UserError, match=r"does not hold the pictures registered as mine: found \d+ train"):
        open_data(root, "mine")


def _edit(path: Path, **changes: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


MANIFESTS = {
    "later schema": (lambda path: _edit(path, schema=9), "schema 9.*update the program"),
    "not json": (lambda path: path.write_text("{"), "not valid JSON"),
    "a list": (lambda path: path.write_text("[]"), "no schema number"),
    "no digest": (lambda path: _edit(path, digest=None), "digest: None is not allowed"),
    "another location": (lambda path: _edit(path, location="moon"), "'moon'"),
}


@pytest.mark.parametrize("fault", MANIFESTS)
def test_damaged_manifests(fault: str, root: Path, pictures: Path) -> None:
    use_data(pictures, "mine", root)
    path = root / "data" / "mine" / "manifest.json"
    spoil, message = MANIFESTS[fault]
    spoil(path)
    with pytest.raises(UserError, match=message) as caught:
        open_data(root, "mine")
    assert "manifest.json" in str(caught.value)


def test_unknown_name_says_what_is_registered(root: Path, pictures: Path) -> None:
    with pytest.raises(UserError, match=r"registered: nothing.*dvc pull data\.dvc.*repro use-data PATH --as tiny"):
        open_data(root, "tiny")
    use_data(pictures, "mine", root)
    with pytest.raises(UserError, match="registered: mine"):
        open_data(root, "tiny")


def test_a_clone_without_the_pointer_says_what_to_do(root: Path, pictures: Path) -> None:
    use_data(pictures, "mine", root)
    (root / ".data-paths.json").unlink()
    with pytest.raises(UserError, match="set REPRO_DATA_MINE"):
        open_data(root, "mine")


@pytest.mark.parametrize("content", ["[]", '{"mine": 3}', "{"])
def test_damaged_pointers(content: str, root: Path, pictures: Path) -> None:
    use_data(pictures, "mine", root)
    put(root / ".data-paths.json", content)
    with pytest.raises(UserError, match=r"\.data-paths\.json"):
        open_data(root, "mine")


def test_a_failed_registration_leaves_nothing_behind(root: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError):
        use_data(tmp_path / "nowhere", "mine", root)
    assert list(root.iterdir()) == []

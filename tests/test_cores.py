"""A container's quota and a process's affinity are respected, as the kernel's two interfaces tell them."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from repro import cores
from repro.cores import usable_cores
from repro.scheduling.local_pool import local_devices
from tests.project_copy import ROOT, edit_yaml
from tests.small_project import Place, did

MACHINE = 64


@pytest.fixture
def proc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A process on a large host, in no control group yet."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(MACHINE)), raising=False)
    folder = tmp_path / "proc"
    folder.mkdir()
    return folder


def group(proc: Path, version: int, path: str, *, root: str = "/", **quotas: str) -> None:
    """The process is in the group `path`, of which the mounted folder shows what lies in `root`."""
    mounted = proc.parent / f"mounted {version}".replace(" ", "_")
    kind = "cgroup2 cgroup rw,nsdelegate" if version == 2 else "cgroup cgroup rw,cpu,cpuacct"
    lines = {2: f"0::{path}\n", 1: f"7:memory:{path}\n4:cpu,cpuacct:{path}\n"}
    with (proc / "cgroup").open("a") as file:
        file.write(lines[version])
    with (proc / "mountinfo").open("a") as file:
        file.write("22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n")
        file.write(f"30 22 0:26 {root} {mounted} rw,nosuid - {kind}\n")
    mounted.mkdir(exist_ok=True)
    for name, said in quotas.items():
        folder = mounted / name.replace("top", ".").replace("__", "/")
        folder.mkdir(parents=True, exist_ok=True)
        if version == 2:
            (folder / "cpu.max").write_text(said + "\n")
        else:
            quota, period = said.split()
            (folder / "cpu.cfs_quota_us").write_text(quota + "\n")
            (folder / "cpu.cfs_period_us").write_text(period + "\n")


def test_without_a_quota_it_is_the_affinity(proc: Path) -> None:
    assert usable_cores(proc) == MACHINE  # no /proc, as on macOS
    group(proc, 2, "/")
    assert usable_cores(proc) == MACHINE


@pytest.mark.parametrize(("said", "number"), [("100000 100000", 1), ("150000 100000", 2), ("5000 100000", 1)])
def test_a_containers_quota(said: str, number: int, proc: Path) -> None:
    group(proc, 2, "/", top=said)
    assert usable_cores(proc) == number


@pytest.mark.parametrize("said", ["max 100000", "9900000 100000", "", "nonsense", "100000 0"])
def test_what_is_no_quota_or_more_than_the_machine_has(said: str, proc: Path) -> None:
    group(proc, 2, "/", top=said)
    assert usable_cores(proc) == MACHINE


def test_the_smallest_quota_of_all_groups_above_counts(proc: Path) -> None:
    """A SLURM job's step, or a systemd slice."""
    group(proc, 2, "/job/step", job="400000 100000", job__step="max 100000")
    assert usable_cores(proc) == 4


def test_the_older_interface_whose_container_sees_the_hosts_path(proc: Path) -> None:
    group(proc, 1, "/docker/abc", root="/docker/abc", top="200000 100000")
    assert usable_cores(proc) == 2


def test_the_older_interface_without_a_quota(proc: Path) -> None:
    group(proc, 1, "/", top="-1 100000")
    assert usable_cores(proc) == MACHINE


@pytest.mark.parametrize(("path", "root"), [("/kubepods/pod1/abc", "/elsewhere"), ("/../../abc", "/")])
def test_a_path_outside_what_is_mounted_is_the_mounted_group(path: str, root: str, proc: Path) -> None:
    group(proc, 1, path, root=root, top="300000 100000")
    assert usable_cores(proc) == 3


def test_the_affinity_is_respected(proc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 5}, raising=False)
    group(proc, 2, "/", top="800000 100000")
    assert usable_cores(proc) == 2


def test_training_measuring_and_plans_ask_the_same(proc: Path, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    group(proc, 2, "/", top="300000 100000")
    monkeypatch.setattr(cores, "PROC", proc)
    assert local_devices(None, "cpu") == ["cpu"] * 3  # a run's process each, and a measurement's
    edit_yaml(place.root / "studies" / "small.yaml", seeds=[1, 2])
    assert "on 3 cores" in did(place.root, "plan", "small").out
    assert "with 3 side by side" in did(place.root, "plan", "small").out


def test_nothing_else_counts_cores() -> None:
    """What a machine has is recorded with a run; what is used of it is asked in one place."""
    counting = {
        path.relative_to(ROOT).as_posix()
        for folder in ("repro", "benchmarks", "simulations")
        for path in (ROOT / folder).rglob("*.py")
        if re.search(r"cpu_count\(|sched_getaffinity", path.read_text(encoding="utf-8"))
    }
    assert counting == {"repro/cores.py", "repro/training/records/provenance.py"}

"""`torchrun ... repro train --placement ranks` on a small project: kills, restarts, mistakes."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from repro.errors import UserError
from repro.project import Project
from repro.runs import lease
from repro.runs.store import Run, runs_in
from repro.scheduling import worker
from repro.scheduling.local_pool import local_devices
from repro.stages.prepare import prepare_stage
from repro.training.devices.ranks import EXCHANGING, STARTING, check_device
from repro.training.devices.run_placement import devices_named, prepare_devices
from tests.data import miniatures
from tests.packed_pictures import make_packed
from tests.placement.conftest import torchrun
from tests.project_copy import ROOT, copy_project, edit_yaml, write_yaml
from tests.small_project import STUDY, Place, repro
from tests.small_runs import small_run, small_settings
from tests.workers_here import use_workers_here

NAMED = ("--variant", "base", "--seed", "1", "--placement", "ranks")
COMMAND = ("-m", "repro", "train", "--study", "small", *NAMED, "--checkpoint-seconds", "0")
TWO = {"RANK": "0", "WORLD_SIZE": "2"}
LOST = "error: rank 0 has lost rank 1, which holds the other tower"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The small project with its pictures prepared and a run of 180 steps that has not begun."""
    monkeypatch.delenv("REPRO_STORE", raising=False)
    place = Place(tmp_path)
    copy_project(place.root, {"small": "colours"})
    write_yaml(place.root / "studies" / "small.yaml", STUDY)
    edit_yaml(place.root / "studies" / "small.yaml", training={"epochs": 60})
    miniatures.image_folder(tmp_path / "colours")
    place.use(tmp_path / "colours", "colours")
    prepare_stage(Project(place.root), "small", workers=1)
    return place.root


def the_run(root: Path) -> Run:
    (run,) = runs_in(root / ".store")
    return run


def steps_done(root: Path) -> int:
    """The step of the last checkpoint; 0 without one."""
    try:
        state = torch.load(the_run(root).folder / "checkpoint.pt", weights_only=True)
    except (FileNotFoundError, ValueError):
        return 0
    step = state["step"]
    assert isinstance(step, int)
    return step


def wait_for_step(root: Path, step: int, launcher: subprocess.Popen[str]) -> None:
    """Until a checkpoint of that step or a later one is there."""
    while steps_done(root) < step:
        try:
            launcher.wait(0.1)
        except subprocess.TimeoutExpired:
            continue
        raise AssertionError(launcher.communicate()[1])


def ranks_of(launcher: subprocess.Popen[str], root: Path) -> tuple[int, int]:
    """Process ids of rank 0, which holds the lease, and of rank 1."""
    first = int(json.loads(the_run(root).lease_path.read_text())["pid"])
    (second,) = {int(pid) for pid in _children(launcher.pid)} - {first}
    return first, second


def _children(pid: int) -> Iterator[str]:
    for task in Path(f"/proc/{pid}/task").iterdir():
        yield from (task / "children").read_text().split()


def wait_until_gone(pid: int) -> None:
    while lease._start_of(pid) is not None:
        os.sched_yield()


@pytest.mark.slow
def test_a_run_that_loses_its_launcher_and_a_rank_ends_with_the_bits_of_one_that_does_not(root, monkeypatch):
    # A killed launcher takes its ranks along.
    launcher = torchrun(*COMMAND, cwd=root)
    wait_for_step(root, 3, launcher)
    ranks = ranks_of(launcher, root)
    launcher.kill()
    launcher.communicate()
    for pid in ranks:
        wait_until_gone(pid)
    assert not the_run(root).leased
    assert not the_run(root).finished
    reached = steps_done(root)

    # A killed rank ends the other, which says so once, and torchrun, within the minute that docs/distributed.md allows.
    launcher = torchrun(*COMMAND, cwd=root)
    wait_for_step(root, reached + 3, launcher)
    first, second = ranks_of(launcher, root)
    os.kill(second, signal.SIGKILL)
    _, errors = launcher.communicate(timeout=60)
    wait_until_gone(first)
    assert launcher.returncode == 1
    (told,) = [line for line in errors.splitlines() if line.startswith("error: ")]
    assert told.startswith(LOST)
    reached = steps_done(root)

    # If it may, torchrun starts both again.
    launcher = torchrun("--max-restarts=1", *COMMAND, cwd=root)
    wait_for_step(root, reached + 3, launcher)
    os.kill(ranks_of(launcher, root)[1], signal.SIGKILL)
    _, errors = launcher.communicate()
    assert launcher.returncode == 0, errors
    (told,) = [line for line in errors.splitlines() if line.startswith("error: ")]
    assert told.startswith(LOST)
    result = the_run(root).result()
    assert result["sittings"] == 4
    assert result["provenance"]["placement"] == "ranks"

    # The same study by one process, a tower on each of two devices: the same bits, and nothing left to do.
    the_run(root).set_aside()
    use_workers_here(monkeypatch)
    assert repro(root, "train", "small", "--placement", "split", "--workers", "1").code == 0
    undisturbed = the_run(root).result()
    assert undisturbed["sittings"] == 1
    assert undisturbed["provenance"] | {"placement": "split", "devices": ["cpu", "cpu"]} == undisturbed["provenance"]
    assert undisturbed["weights_digest"] == result["weights_digest"]


def test_a_hanging_rank_is_given_up_within_150_seconds(two_ranks):
    torchrun_waits = 30.0  # for a process that does not obey SIGTERM
    assert two_ranks.both("limit") == [EXCHANGING.total_seconds()] * 2
    assert EXCHANGING.total_seconds() + torchrun_waits <= 150


def test_the_docs_say_how_long_a_start_waits_for_the_other_rank():
    text = (ROOT / "docs" / "distributed.md").read_text()
    assert f"gives up by itself: {STARTING.total_seconds() / 60:g} minutes for the process to appear" in text


@pytest.mark.parametrize("there", [0, 1, 2, 8])
def test_ranks_take_a_gpu_each(monkeypatch, there):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: there)
    check_device("cpu")
    given = "CUDA".lower()  # a text of its own, as one that was read from a command line
    if there >= 2:
        check_device(given)
        return
    with pytest.raises(UserError, match=f"takes two CUDA devices and there are {there} here"):
        check_device(given)


def test_a_hanging_rank_ends_the_other_with_one_sentence(two_ranks):
    told = two_ranks.found[0]["lost"]
    assert told.startswith(LOST.removeprefix("error: "))
    assert "Timed out waiting 3000ms" in told
    assert told.endswith("the same command again resumes from the last checkpoint")


@pytest.mark.parametrize(
    ("arguments", "environment", "message"),
    [
        (("small", *NAMED), {}, "--placement ranks takes two processes and this process was started alone: torchrun"),
        (("small", *NAMED), {"RANK": "0", "WORLD_SIZE": "4"}, "takes two processes and torchrun started 4 processes"),
        (("small", *NAMED, "--seed", "2"), TWO, "trains one run: name it by one --variant and one --seed"),
        (("small", "--variant", "base", "--placement", "ranks"), TWO, "trains one run: name it by one --variant"),
        (("small", *NAMED, "--retrain"), TWO, "--retrain does not go with --placement ranks"),
        (("small", *NAMED, "--device", "cuda:0"), TWO, "--device cuda:0: with --placement ranks it is cpu or cuda"),
        (("small", *NAMED, "--device", "cuda"), TWO, "--placement ranks takes two CUDA devices and there are 0 here"),
        (("small",), {"WORLD_SIZE": "x"}, "WORLD_SIZE=x is no number; torchrun sets this variable: unset it"),
        (("small",), {**TWO, "RANK": ""}, "RANK= is no number; torchrun sets this variable: unset it"),
        (("small",), TWO, "torchrun started 2 processes, which --placement single does"),
        (("small", "--placement", "both"), {}, "--placement both: allowed are single, split, ranks"),
        (("small", "--study", "other"), {}, "--study other: the study was given as small already; name one"),
        ((), {}, "no study was named; give one of the files in studies/"),
        (("small", "--placement", "split", "--device", "cuda:0"), {}, "takes 2 devices, and these are 1; name them"),
    ],
)
def test_mistakes_are_told_in_a_sentence(root, monkeypatch, arguments, environment, message):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    answer = repro(root, "train", *arguments)
    assert answer.code == 2
    assert answer.err.splitlines()[-1].startswith("error: ")
    assert message in answer.err.splitlines()[-1]


def test_only_the_first_of_torchruns_processes_tells_a_mistake(root, monkeypatch):
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "3")
    answer = repro(root, "train", "small", *NAMED)
    assert (answer.code, answer.err) == (2, "")


@pytest.mark.parametrize(
    ("device", "placement", "workers", "expected"),
    [
        ("cpu", "single", 2, ["cpu", "cpu"]),
        ("cpu", "split", 2, ["cpu,cpu", "cpu,cpu"]),
        ("cuda:1", "single", None, ["cuda:1"]),
        ("cuda:1", "single", 2, ["cuda:1", "cuda:1"]),
        ("cuda:0,cuda:1", "single", None, ["cuda:0", "cuda:1"]),
        ("cuda:0,cuda:1", "split", None, ["cuda:0,cuda:1"]),
        ("cuda:0,cuda:1,cuda:2,cuda:3", "split", None, ["cuda:0,cuda:1", "cuda:2,cuda:3"]),
    ],
)
def test_a_process_gets_as_many_devices_as_its_placement_takes(monkeypatch, device, placement, workers, expected):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    assert local_devices(workers, device, placement) == expected


@pytest.mark.parametrize(
    ("placement", "expected"), [("split", ["cuda:0,cuda:1"]), ("single", ["cuda:0", "cuda:1", "cuda:2"])]
)
def test_every_accelerator_is_used_if_it_has_a_partner(monkeypatch, placement, expected):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    assert local_devices(None, "cuda", placement) == expected


FORMS = (
    "tpu",
    "gpu",
    "CUDA",
    "mps",
    "meta",
    "0",
    "-1",
    "",
    " ",
    "cuda:",
    "cuda:x",
    "cuda:-1",
    "cuda:0:1",
    "cuda:0,",
    "cpu cpu",
)


@pytest.mark.parametrize("verb", ["train", "evaluate"])
@pytest.mark.parametrize("device", [*FORMS, "cuda:7", "cuda:0,cuda:7"])
def test_a_device_of_another_form_or_number_is_refused_before_anything_starts(root, monkeypatch, verb, device):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    before = set(root.rglob("*"))
    answer = repro(root, verb, "small", "--device", device)
    assert answer.code == 2
    (line,) = answer.err.splitlines()
    assert line.startswith("error: --device ")
    assert "use cpu" in line or "measured on one device" in line
    assert set(root.rglob("*")) == before


@pytest.mark.parametrize("precision", ["bf16", "tf32"])
def test_an_old_gpu_is_not_asked_for_what_it_cannot_do(monkeypatch, precision):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (7, 5))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "a card")
    message = f"training.precision: {precision} needs compute capability 8.0; a card has less"
    with pytest.raises(UserError, match=re.escape(message)):
        prepare_devices(devices_named("cuda:0"), precision)


@pytest.mark.parametrize("named", ["cuda,cuda:1", "cuda:0,cuda:1"])
def test_two_gpus_are_not_one_that_is_named_twice(monkeypatch, named):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    prepare_devices(devices_named(named), "float32")


def test_a_net_of_one_tower_takes_the_first_of_two_devices(tmp_path):
    run = small_run(tmp_path, make_packed(tmp_path), small_settings(net={"towers": 1}, epochs=1))
    assert worker.train_run(run, "cpu,cpu", 30.0, lambda: False) == worker.FINISHED
    assert run.result()["provenance"] | {"placement": "single", "devices": ["cpu"]} == run.result()["provenance"]


@pytest.mark.parametrize(
    ("devices", "precision", "message"),
    [
        ("gpu,gpu", "float32", "--device gpu,gpu: use cpu, cuda, cuda:0 and so on, or two as in cuda:0,cuda:1"),
        ("meta", "float32", "--device meta: use cpu, cuda, cuda:0 and so on"),
        ("cuda:7", "float32", "--device cuda:7: there are "),
        ("cuda:0,cuda:0", "float32", "--device cuda:0,cuda:0: one GPU is named twice"),
        ("cuda,cuda:0", "float32", "--device cuda,cuda:0: one GPU is named twice"),
        ("cuda:0,cpu", "float32", "--device cuda:0,cpu: the towers of a run are on two GPUs, or both on the CPU"),
        ("cpu", "bf16", "training.precision: bf16 needs a GPU"),
        ("cpu,cpu", "tf32", "training.precision: tf32 needs a GPU"),
    ],
)
def test_devices_that_cannot_compute_a_run_are_named(devices, precision, message):
    with pytest.raises(UserError, match=re.escape(message)):
        prepare_devices(devices_named(devices), precision)

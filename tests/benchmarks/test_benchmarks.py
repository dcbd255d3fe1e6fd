"""Every benchmark gives valid records, in small, with nobody's seconds looked at; what went wrong is shown as such."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks import __main__ as command
from benchmarks import catalogue, feeding, preparing, starting, training_runs, training_step
from benchmarks.alternation import Ratio, in_turns
from benchmarks.catalogue import BENCHMARKS, NAMES, Benchmark
from benchmarks.plain_net import plain_net
from benchmarks.projects import resolved
from benchmarks.results import PAGE, RESULTS, Record, compared, failed, measured, merged, page_of, read_records
from benchmarks.step_helper import fixed_batch, plain_step, step_of
from repro.net.alexnet import AlexNet
from repro.net.table.settings import NetSettings
from tests.small_runs import small_settings


class Here:
    """In place of a process of its own: answers at once, in this one."""

    def __init__(self, module: str, arguments: list[str], *, keep_memory: bool) -> None:
        self.step = step_of(json.loads(arguments[0])) if module.endswith("step_helper") else None

    def __enter__(self) -> Here:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def ask(self, request: str) -> Any:
        if self.step is None:
            return 1.0
        self.step()
        return {"processor": 0.5, "clock": 0.5}


@pytest.fixture
def no_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """What benchmarks start takes a second; what they make themselves is made."""

    def seconds(root: Path, *command: str, **_: str) -> float:
        assert root.is_dir()
        return 1.0

    @contextmanager
    def memory(name: str, every: float) -> Iterator[dict[str, float]]:
        yield {"anonymous": 250.0, "private": 300.0, "resident": 600.0}

    for module in (training_step, feeding, preparing):
        monkeypatch.setattr(module, "Helper", Here)
    for module in (training_runs, starting):
        monkeypatch.setattr(module, "command_seconds", seconds)
    monkeypatch.setattr(training_runs, "watched_memory", memory)
    monkeypatch.setattr(starting, "finished_project", lambda place, made: place)
    monkeypatch.setattr(starting, "done_again", lambda root: 1.0)
    monkeypatch.setattr(starting, "seconds_of", lambda command, folder: 1.0)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "full-step"])
def test_a_benchmark_gives_records(name: str, no_processes: None) -> None:
    (benchmark,) = (item for item in BENCHMARKS if item.name == name)
    records = benchmark.records(tiny=True)
    assert [record.error for record in records] == [None] * len(records)
    assert records
    for record in records:
        assert record.benchmark == name
        assert re.search(r"cores.*torch.*load", record.machine)
    assert len({record.name for record in records}) == len(records)


def test_every_benchmark_is_a_function_that_is_there() -> None:
    for benchmark in BENCHMARKS:
        assert callable(
            getattr(__import__(f"benchmarks.{benchmark.module}").__dict__[benchmark.module], benchmark.function)
        )
    assert len(set(NAMES)) == len(NAMES)


def test_those_of_make_bench_take_less_than_ten_minutes() -> None:
    assert sum(benchmark.seconds for benchmark in BENCHMARKS if benchmark.by_default) <= 600


# ---- records and the page ------------------------------------------------------------------------


def record(**changes: Any) -> Record:
    made = compared("feeding", "ours", "the peer", [1.0, 2.0, 4.0], [8.0, 8.0, 8.0], "s", target=3.0)
    return made.model_copy(update={"benchmark": "feeding", "machine": "a machine", **changes})


def test_ratios_are_taken_round_by_round() -> None:
    found = record()
    assert (found.ours, found.peer, found.ratio, found.spread) == (2.0, 8.0, 4.0, (2.0, 8.0))
    speed = compared("x", "ours", "peer", [4.0], [2.0], "pictures/s", ratio_of="ours / peer")
    assert speed.ratio == 2.0
    assert Ratio.of([1.0, 9.0, 3.0], [1.0, 3.0, 3.0]) == Ratio(1.0, (1.0, 3.0))


def test_ways_are_measured_in_turns_and_the_first_round_does_not_count() -> None:
    order: list[str] = []
    ways: Mapping[str, Any] = {name: lambda name=name: float(order.append(name) or len(order)) for name in "AB"}
    assert in_turns(ways, rounds=2) == {"A": [3.0, 5.0], "B": [4.0, 6.0]}
    assert "".join(order) == "ABABAB"


@pytest.mark.parametrize(
    ("made", "met"),
    [
        (record(), True),
        (record(target=5.0), False),
        (record(goal="at most"), False),
        (record(goal="at most", target=4.0), True),
        (record(target=None), None),
        (measured("x", "ours", [2.0], "MB", target=1.0), False),
        (measured("x", "ours", [2.0], "MB", target=2.0), True),
    ],
)
def test_targets(made: Record, met: bool | None) -> None:
    assert made.met is met


def test_a_missed_target_is_shown_as_missed() -> None:
    page = page_of([record(name="good"), record(name="bad", target=40.0)])
    rows = {line.split("|")[1].strip(): line for line in page.splitlines() if line.startswith("| ")}
    assert "2 targets, 1 met, 1 missed; 0 benchmarks failed." in page
    assert "**missed**" in next(line for line in page.splitlines() if line.startswith("| bad | 2 s"))
    assert "missed" not in next(line for line in page.splitlines() if line.startswith("| good | 2 s"))
    assert rows


def test_a_benchmark_that_breaks_is_reported_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(tiny: bool) -> Iterator[Record]:
        yield record(name="before it broke")
        raise RuntimeError("no such wheel")

    monkeypatch.setattr(starting, "clone", broken)
    monkeypatch.setattr(starting, "start", lambda tiny: [record(name="as usual")])
    assert command.run(["clone", "start"], False, False, tmp_path) == 1
    found = {made.name: made for made in read_records(tmp_path / RESULTS.name)}
    assert set(found) == {"before it broke", "clone", "as usual"}
    assert found["clone"].error == "RuntimeError: no such wheel"
    page = (tmp_path / PAGE.name).read_text()
    assert "1 benchmarks failed" in page
    assert "| clone | **failed** |" in page
    assert "FAILED: RuntimeError: no such wheel" in capsys.readouterr().out


def test_a_benchmark_that_is_run_again_replaces_its_own_records_and_no_others() -> None:
    old = [record(benchmark="step", name="a"), record(benchmark="start", name="b"), record(benchmark="gone", name="c")]
    again = [record(benchmark="start", name="d"), failed("grid", "x", "y")]
    assert [made.name for made in merged(old, again, NAMES)] == ["a", "grid", "d"]


def test_the_page_is_made_from_the_results() -> None:
    """The recorded ones, once there are some."""
    records = read_records(RESULTS)
    assert PAGE.exists() == RESULTS.exists()
    if records:
        assert PAGE.read_text() == page_of(records)
        assert {made.benchmark for made in records} <= set(NAMES)


def test_results_that_are_none_are_told_before_anything_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / RESULTS.name).write_text('[{"name": "x"}]')
    monkeypatch.setattr(Benchmark, "records", lambda *_: pytest.fail("measured"))
    assert command.main(["start", "--into", str(tmp_path)]) == 2
    assert "results.json is not what the benchmarks write" in capsys.readouterr().err


def test_an_unknown_name_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["stat"]) == 2
    assert capsys.readouterr().err == f"error: there is no benchmark 'stat'; there are {', '.join(NAMES)}\n"


def test_without_names_they_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main([]) == 0
    out = capsys.readouterr().out
    assert all(re.search(rf"^{name} ", out, re.MULTILINE) for name in NAMES)


@pytest.mark.parametrize(
    "wrong",
    [
        {"ours": -1.0},
        {"spread": None},
        {"peer": None},
        {"against": None},
        {"unit": ""},
    ],
)
def test_half_a_record_is_none(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        Record.model_validate({**record().model_dump(), **wrong})


# ---- what is compared is the same ----------------------------------------------------------------


@pytest.mark.parametrize("study", ["small", "decay"])
def test_the_plain_net_is_the_same_function_with_the_same_gradients(study: str) -> None:
    settings = small_settings().net if study == "small" else resolved("decay").settings["base"].net
    settings = NetSettings.model_validate({**settings.model_dump(), "dropout": {"probability": 0.0}})
    ours = AlexNet(settings, 5, 3, torch.float64)
    plain = plain_net(ours).double()
    plain.load_state_dict(dict(zip(plain.state_dict(), ours.state_dict().values(), strict=True)))
    pixels, labels = fixed_batch(settings, 5, 4)
    for net, batch in ((ours, pixels.double()), (plain, pixels.double().contiguous())):
        torch.nn.functional.cross_entropy(net(batch), labels).backward()
    torch.testing.assert_close(plain(pixels.double()), ours(pixels.double()), rtol=1e-9, atol=1e-9)
    for mine, other in zip(ours.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(other.grad, mine.grad, rtol=1e-7, atol=1e-9)


def test_the_plain_step_learns() -> None:
    settings = small_settings()
    net = plain_net(AlexNet(settings.net, 5, 3)).train()
    pixels, labels = fixed_batch(settings.net, 5, 8)
    step = plain_step(net, pixels, labels, settings.training)
    before = torch.nn.functional.cross_entropy(net.eval()(pixels), labels).item()
    for _ in range(20):
        step()
    assert torch.nn.functional.cross_entropy(net.eval()(pixels), labels).item() < before


def test_runs_one_after_another_are_the_same_runs(tmp_path: Path) -> None:
    from benchmarks.projects import STUDY, project_with_pictures, scaled_study
    from repro.project import Project
    from repro.stages.prepare import prepare_stage

    root = project_with_pictures(tmp_path / "project", scaled_study([1, 2], tiny=True))
    prepare_stage(Project(root), STUDY, workers=1)
    training_runs.one_after_another(root, threads=1)
    assert all(cell.run.finished for cell in training_runs.cells_of(root))
    assert len({cell.run.result()["weights_digest"] for cell in training_runs.cells_of(root)}) == 2


@pytest.mark.parametrize(("epochs", "every", "points"), [(4, 1, 4), (5, 2, 3), (4, 2, 2)])
def test_the_pictures_of_a_learning_curve_are_counted(tmp_path: Path, epochs: int, every: int, points: int) -> None:
    from repro.data.packed import open_packed
    from repro.training.loop import Training
    from tests.packed_pictures import make_packed
    from tests.small_runs import small_run

    settings = small_settings(epochs=epochs, curve_every=every, curve_pictures=10)
    run = small_run(tmp_path, make_packed(tmp_path, classes=4, train=32, held_out=8), settings)
    Training(run, open_packed(run.store / run.spec().pictures), torch.device("cpu")).train()
    assert sum("train_error" in row for row in run.log()) == points
    counted = training_runs.curve_batches({"train": 32, "held_out": 8}, settings)
    assert counted == points * (10 + 8) / settings.training.batch_size


def test_a_batch_for_a_device_is_what_the_loop_draws(tmp_path: Path) -> None:
    """`raw_batch` stands for the host's half of `Batches.at` on a device: the device's half completes it."""
    from repro.data.packed import open_packed
    from repro.training.devices.device_pictures import DevicePictures
    from tests.packed_pictures import make_packed

    packed = open_packed(tmp_path / make_packed(tmp_path, train=256, size=64))
    raw, labels, draws = feeding.of_epochs(packed, 56, feeding.raw_batch)()  # type: ignore[misc]
    pixels, own_labels, _ = feeding.of_epochs(packed, 56, feeding.float_batch)()  # type: ignore[misc]
    made = DevicePictures(torch.device("cpu"), packed.mean_picture, 56).training(raw, draws, 1.0)
    assert torch.equal(made, pixels)
    assert torch.equal(torch.from_numpy(labels), own_labels)


def test_what_a_benchmark_needs_from_its_module_is_imported_when_it_runs() -> None:
    """Listing them needs no torch."""
    assert not {"torch", "feeding", "preparing"} & set(vars(catalogue))

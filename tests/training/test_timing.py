"""What is recorded of a run's time, and that taking it changes nothing of the run."""

from __future__ import annotations

from itertools import cycle, islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from repro.data.packed import open_packed
from repro.measurement.run_record import recorded_scalars
from repro.runs.store import Run
from repro.training import loop, timing
from repro.training.devices.run_placement import RunPlacement
from repro.training.loop import Interrupted, Training
from repro.training.timing import LONG, ROUNDS, SHORT, Stopwatch, in_turns, seconds_of_augmentation
from tests.packed_pictures import make_packed
from tests.small_runs import small_run, small_settings

CPU = torch.device("cpu")
TIMES = ("clock_seconds", "augmented_step_seconds", "plain_step_seconds")


class OnCards(RunPlacement):
    """The CPU under the name of accelerators, for what is only done on them."""

    def __init__(self, *names: str) -> None:
        super().__init__(CPU)
        self.names = list(names)

    @property
    def accelerators(self) -> list[str]:
        return self.names


@pytest.fixture
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bursts of a step or two at a run's end: how long they take is not of interest."""
    monkeypatch.setattr(timing, "ROUNDS", 1)
    monkeypatch.setattr(timing, "SHORT", 1)
    monkeypatch.setattr(timing, "LONG", 2)


def begun(store: Path, placement: RunPlacement) -> Training:
    pictures = "pictures/pictures-key" if (store / "pictures").exists() else make_packed(store)
    return Training(small_run(store, pictures), open_packed(store / pictures), placement)


def interrupted(store: Path, placement: RunPlacement) -> None:
    run = begun(store, placement)
    with pytest.raises(Interrupted):
        run.train(should_stop=lambda: run.step >= 5)


def trained(store: Path, placement: RunPlacement) -> Run:
    run = begun(store, placement)
    run.train()
    return run.run


def test_a_run_on_cpu_says_so_and_has_its_clock_seconds(tmp_path):
    result = trained(tmp_path, RunPlacement(CPU)).result()
    assert result["provenance"]["accelerators"] == []
    assert result["clock_seconds"] > 0
    assert result["augmented_step_seconds"] is result["plain_step_seconds"] is None
    assert result["pictures_per_second"] > 0


def test_augmentation_is_timed_on_accelerators_and_no_bit_of_the_run_changes(tmp_path, brief):
    plain, timed = trained(tmp_path / "plain", RunPlacement(CPU)), trained(tmp_path / "timed", OnCards("a card"))
    result = timed.result()
    assert result["provenance"]["accelerators"] == ["a card"]
    assert isinstance(result["augmented_step_seconds"], float)
    assert isinstance(result["plain_step_seconds"], float)
    assert result["weights_digest"] == plain.result()["weights_digest"]
    assert timed.log() == plain.log()


def test_timing_augmentation_leaves_the_net_as_it_is(tmp_path, brief):
    ended = begun(tmp_path, RunPlacement(CPU))
    before = {name: value.detach().clone() for name, value in ended.net.named_parameters()}
    velocities = {name: value.clone() for name, value in ended.rule.velocities.items()}
    seconds_of_augmentation(ended.batches, ended.inputs, ended.gradients, ended.placement.wait)
    assert all(torch.equal(value, before[name]) for name, value in ended.net.named_parameters())
    assert all(torch.equal(value, velocities[name]) for name, value in ended.rule.velocities.items())


class Reads:
    """Batches of so many pictures that note which ones they were asked for."""

    def __init__(self, pictures: int, size: int) -> None:
        self.pictures, self.size = pictures, size
        self.drawn: list[list[int]] = []
        self.central: list[list[int]] = []

    def order(self, epoch: int) -> np.ndarray:
        return np.arange(self.pictures)

    def at(self, epoch: int, order: np.ndarray, place: int, inputs: Any) -> None:
        self.drawn.append(order[place : place + self.size].tolist())

    def plain(self, order: np.ndarray, place: int, inputs: Any) -> None:
        self.central.append(order[place : place + self.size].tolist())


@pytest.mark.parametrize(
    ("pictures", "size", "begin_at"),
    [
        (48, 7, [0, 7, 14, 21]),
        (21, 7, [0, 7, 14]),
        (20, 7, [0, 7]),
        (7, 7, [0]),
        (5, 7, [0]),
        (3, 1, [0, 1, 2]),
        (1, 1, [0]),
    ],
)
def test_both_ways_read_the_same_few_whole_batches_as_often(pictures, size, begin_at):
    """The first four; a last one that is not whole is left out, unless there is no other."""
    reads = Reads(pictures, size)
    seconds_of_augmentation(reads, None, lambda batch: None, lambda: None)  # type: ignore[arg-type]
    batches = [list(range(begin, min(begin + size, pictures))) for begin in begin_at]
    calls = SHORT + ROUNDS * (SHORT + LONG)
    assert reads.drawn == reads.central == list(islice(cycle(batches), calls))


class Clock:
    """In place of the module `time`: two seconds pass with every step of a run."""

    def __init__(self, run: Training) -> None:
        self.run = run

    def monotonic(self) -> float:
        return 2.0 * self.run.step


def test_what_is_told_of_a_resumed_run_counts_its_own_steps_and_seconds(tmp_path, monkeypatch):
    """Six steps of eight pictures an epoch, stopped after five: in two seconds a step half a step is done a second."""
    pictures = make_packed(tmp_path)
    run, packed = small_run(tmp_path, pictures, small_settings(batch_size=8)), open_packed(tmp_path / pictures)
    first = Training(run, packed, CPU)
    with pytest.raises(Interrupted):
        first.train(should_stop=lambda: first.step >= 5)
    second, told = Training(run, packed, CPU), list[dict[str, Any]]()
    clock = Clock(second)
    monkeypatch.setattr(loop, "time", clock)
    monkeypatch.setattr(Stopwatch, "clock_here", property(lambda watch: 2.0 * (second.step - 5)))
    second.train(report=told.append, checkpoint_seconds=1000)
    assert [row["step"] for row in told] == list(range(6, 19))
    assert [row["epoch"] for row in told] == [1] + [2] * 6 + [3] * 6
    assert {(row["steps"], row["epochs"]) for row in told} == {(18, 3)}
    assert {row["steps_per_second"] for row in told} == {0.5}
    assert {row["pictures_per_second"] for row in told} == {4.0}
    assert run.result()["pictures_per_second"] == 4.0
    curve = [row["held_out_error"] for row in run.log()]
    assert [row["error"] for row in told] == [None] + [curve[0]] * 6 + [curve[1]] * 6


def test_a_checkpoint_is_written_when_its_seconds_have_passed_and_not_at_an_epochs_end(tmp_path, monkeypatch):
    """Seven steps an epoch, two seconds a step, a checkpoint after more than five: every third step.

    After step 12 the next is due at 15, an epoch later; 21 is the end. What falls on an epoch's end is written one
    step later.
    """
    training, written = begun(tmp_path, RunPlacement(CPU)), list[int]()
    monkeypatch.setattr(loop, "time", Clock(training))
    monkeypatch.setattr(Training, "checkpoint", lambda self: written.append(self.step))
    training.train(checkpoint_seconds=5.0)
    assert written == [3, 6, 9, 12, 15, 18]
    again, written = begun(tmp_path / "rare", RunPlacement(CPU)), list[int]()
    monkeypatch.setattr(loop, "time", Clock(again))
    again.train(checkpoint_seconds=12.0)  # due after the seventh step: on an epoch's end
    assert written == [8, 15]


def test_seconds_go_on_over_sittings_in_the_same_place(tmp_path, brief):
    interrupted(tmp_path, OnCards("a card"))
    state = torch.load(next(tmp_path.glob("runs/*/checkpoint.pt")), weights_only=True)
    assert state["clock_seconds"] > 0
    result = trained(tmp_path, OnCards("a card")).result()
    assert result["sittings"] == 2
    assert result["clock_seconds"] > state["clock_seconds"]
    assert result["cpu_seconds"] > state["seconds"]


@pytest.mark.parametrize("then", [OnCards("another card"), OnCards("a card", "a card"), RunPlacement(CPU)])
def test_seconds_of_different_places_are_not_added_up(tmp_path, then, brief):
    interrupted(tmp_path, OnCards("a card"))
    result = trained(tmp_path, then).result()
    assert result["clock_seconds"] is None
    assert result["pictures_per_second"] > 0


def test_a_checkpoint_without_clock_seconds_goes_on(tmp_path):
    """As written before they were kept."""
    interrupted(tmp_path, RunPlacement(CPU))
    path = next(tmp_path.glob("runs/*/checkpoint.pt"))
    state = torch.load(path, weights_only=True)
    del state["clock_seconds"], state["place"]
    torch.save(state, path)
    result = trained(tmp_path, RunPlacement(CPU)).result()
    assert (result["status"], result["clock_seconds"]) == ("finished", None)


def test_times_reach_the_measurements_also_of_runs_that_have_none(tmp_path, brief):
    run = trained(tmp_path, OnCards("a card"))
    record = run.result()
    assert {name: recorded_scalars(run, record, 4, 48)[name] for name in TIMES} == {
        name: record[name] for name in TIMES
    }
    older = {name: value for name, value in record.items() if name not in TIMES}
    assert {recorded_scalars(run, older, 4, 48)[name] for name in TIMES} == {None}


def test_a_stopwatch_adds_earlier_sittings():
    watch = Stopwatch()
    watch.add_earlier(100.0, 200.0)
    assert watch.processor_before == 100
    assert watch.clock is not None
    assert watch.clock >= 200
    watch.add_earlier(100.0, None)
    assert watch.clock is None


class Device:
    """A clock, and a device that works while the host goes on with what it does."""

    def __init__(self) -> None:
        self.now = self.free_at = 0.0

    def call(self, host: float, device: float) -> None:
        self.now += host
        self.free_at = max(self.free_at, self.now) + device

    def wait(self) -> None:
        self.now = max(self.now, self.free_at)

    def clock(self) -> float:
        return self.now


@given(host=st.floats(0.0, 0.95), seconds=st.floats(0.01, 10))
def test_what_the_host_does_while_the_device_works_costs_nothing(host, seconds):
    device = Device()
    first, second = in_turns(
        lambda: device.call(host * seconds, seconds), lambda: device.call(0, seconds), device.wait, device.clock
    )
    assert first == pytest.approx(second)
    assert second == pytest.approx(seconds)


@given(device_seconds=st.floats(1, 2), host=st.floats(2, 4))
def test_what_takes_longer_than_the_device_is_seen(device_seconds, host):
    device = Device()
    first, second = in_turns(
        lambda: device.call(host, device_seconds), lambda: device.call(0, 1), device.wait, device.clock
    )
    assert first == pytest.approx(host)
    assert second == pytest.approx(1)


def test_one_slow_round_is_ignored_and_the_two_alternate():
    device, calls = Device(), []

    def call(name: str, seconds: float) -> None:
        slow = 100 if calls.count(name) == 2 * (SHORT + LONG) else 0
        calls.append(name)
        device.call(0, seconds + slow)

    found = in_turns(lambda: call("first", 2.0), lambda: call("second", 3.0), device.wait, device.clock)
    assert found == (2.0, 3.0)
    changes = sum(one != other for one, other in pairwise(calls))
    assert changes == 2 * (ROUNDS + 1) - 1

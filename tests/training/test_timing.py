"""What is recorded of a run's time, and that taking it changes nothing of the run."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from repro.data.packed import open_packed
from repro.measurement.run_record import recorded_scalars
from repro.training.loop import Interrupted, Training
from repro.training.placing import Placing
from repro.training.run_store import Run
from repro.training.timing import CALLS, ROUNDS, Stopwatch, in_turns
from tests.packed_pictures import make_packed
from tests.small_runs import small_run

CPU = torch.device("cpu")
TIMES = ("clock_seconds", "new_batch_seconds", "same_batch_seconds")


class OnCards(Placing):
    """The CPU under the name of accelerators, for what is only done on them."""

    def __init__(self, *names: str) -> None:
        super().__init__(CPU)
        self.names = list(names)

    @property
    def accelerators(self) -> list[str]:
        return self.names


def begun(store: Path, place: Placing) -> Training:
    pictures = "pictures/pictures-key" if (store / "pictures").exists() else make_packed(store)
    return Training(small_run(store, pictures), open_packed(store / pictures), place)


def interrupted(store: Path, place: Placing) -> None:
    run = begun(store, place)
    with pytest.raises(Interrupted):
        run.train(should_stop=lambda: run.step >= 5)


def trained(store: Path, place: Placing) -> Run:
    run = begun(store, place)
    run.train()
    return run.run


def test_a_run_on_cpu_says_so_and_has_its_clock_seconds(tmp_path):
    result = trained(tmp_path, Placing(CPU)).result()
    assert result["provenance"]["accelerators"] == []
    assert result["clock_seconds"] > 0
    assert result["new_batch_seconds"] is result["same_batch_seconds"] is None
    assert result["pictures_per_second"] > 0


def test_batches_are_timed_on_accelerators_and_no_bit_of_the_run_changes(tmp_path):
    plain, timed = trained(tmp_path / "plain", Placing(CPU)), trained(tmp_path / "timed", OnCards("a card"))
    result = timed.result()
    assert result["provenance"]["accelerators"] == ["a card"]
    assert result["new_batch_seconds"] > 0
    assert result["same_batch_seconds"] > 0
    assert result["weights_digest"] == plain.result()["weights_digest"]
    assert timed.log() == plain.log()


def test_timing_batches_leaves_the_net_as_it_is(tmp_path):
    run = trained(tmp_path, Placing(CPU))
    ended = begun(tmp_path, Placing(CPU))
    before = {name: value.detach().clone() for name, value in ended.net.named_parameters()}
    velocities = {name: value.clone() for name, value in ended.rule.velocities.items()}
    ended.seconds_of_batches()
    assert all(torch.equal(value, before[name]) for name, value in ended.net.named_parameters())
    assert all(torch.equal(value, velocities[name]) for name, value in ended.rule.velocities.items())
    assert load_file(run.checked_weights())


def test_seconds_go_on_over_sittings_in_the_same_place(tmp_path):
    interrupted(tmp_path, OnCards("a card"))
    state = torch.load(next(tmp_path.glob("runs/*/checkpoint.pt")), weights_only=True)
    assert state["clock_seconds"] > 0
    result = trained(tmp_path, OnCards("a card")).result()
    assert result["sittings"] == 2
    assert result["clock_seconds"] > state["clock_seconds"]
    assert result["cpu_seconds"] > state["seconds"]


@pytest.mark.parametrize("then", [OnCards("another card"), OnCards("a card", "a card"), Placing(CPU)])
def test_seconds_of_different_places_are_not_added_up(tmp_path, then):
    interrupted(tmp_path, OnCards("a card"))
    result = trained(tmp_path, then).result()
    assert result["clock_seconds"] is None
    assert result["pictures_per_second"] > 0


def test_a_checkpoint_without_clock_seconds_goes_on(tmp_path):
    """As written before they were kept."""
    interrupted(tmp_path, Placing(CPU))
    path = next(tmp_path.glob("runs/*/checkpoint.pt"))
    state = torch.load(path, weights_only=True)
    del state["clock_seconds"], state["place"]
    torch.save(state, path)
    result = trained(tmp_path, Placing(CPU)).result()
    assert (result["status"], result["clock_seconds"]) == ("finished", None)


def test_times_reach_the_measurements_also_of_runs_that_have_none(tmp_path):
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


def test_turns_alternate_wait_for_the_devices_and_ignore_one_slow_round():
    now, pending, calls = 0.0, 0.0, []

    def call(name: str, seconds: float) -> None:
        nonlocal pending
        slow = 100 if calls.count(name) == 2 * CALLS else 0  # within one round
        calls.append(name)
        pending += seconds + slow

    def wait() -> None:
        nonlocal now, pending
        now, pending = now + pending, 0.0

    found = in_turns(lambda: call("first", 2.0), lambda: call("second", 3.0), wait, lambda: now)
    assert found == (2.0, 3.0)
    one_each, rounds = ["first", "second"], (["first"] * CALLS + ["second"] * CALLS) * ROUNDS
    assert calls == one_each + rounds

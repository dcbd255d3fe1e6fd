"""An update that is recorded once and repeated computes what the plain one does, bit by bit.

Where there is no CUDA device, a graph of torch's operations stands in for CUDA's: it too repeats the same operations
on the same tensors, with every number of Python's as it was when they were recorded.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.fx.experimental.proxy_tensor import make_fx

from repro.errors import UserError
from repro.net.dropout import HeldKeys
from repro.scheduling import worker
from repro.scheduling.local_pool import local_devices
from repro.training.devices import graphed_update
from repro.training.devices.graphed_update import GraphedUpdate, Record, Work, cuda_graph
from repro.training.devices.run_placement import RunPlacement, devices_named, training_devices
from repro.training.loop import Training
from repro.training.update_rule import Rates
from tests.packed_pictures import make_packed
from tests.placement.traces import NETS, settings_of, training
from tests.small_runs import small_run, small_settings

HERE: dict[str, Record] = {}


def recorded_operations(work: Work, changed: Sequence[Tensor]) -> Work:
    """The operations that `work` starts. They are done while they are recorded, so what changed is put back."""
    before = [value.detach().clone() for value in changed]

    def traced() -> list[Tensor]:
        work()
        return []

    graph = make_fx(traced)()
    with torch.no_grad():
        for value, old in zip(changed, before, strict=True):
            value.copy_(old)

    def replay() -> None:
        with torch.no_grad():
            graph()

    return replay


HERE["cpu"] = recorded_operations
if torch.cuda.is_available():
    HERE["cuda"] = cuda_graph


def graphed(run: Training, record: Record) -> list[int]:
    """Let the run record its updates; the list grows with each recording."""
    made: list[int] = []

    def counted(work: Work, changed: Sequence[Tensor]) -> Work:
        made.append(run.step)
        return record(work, changed)

    run.update = GraphedUpdate(run.plain_update, run.settings.batch_size, counted)
    return made


def whole_state(run: Training) -> dict[str, Any]:
    weights = {name: value.detach().clone() for name, value in run.net.named_parameters()}
    velocities = {f"velocity of {name}": value.clone() for name, value in run.rule.velocities.items()}
    return {**weights, **velocities, "sums": run.sums.state()}


def differing(one: dict[str, Any], two: dict[str, Any]) -> list[str]:
    same = {
        name: torch.equal(value, two[name]) if isinstance(value, Tensor) else value == two[name]
        for name, value in one.items()
    }
    return [name for name, equal in same.items() if not equal]


def steps(run: Training, count: int) -> None:
    for _ in range(count):
        epoch = run.step // run.steps_per_epoch
        run.one_step(epoch, run.batches.order(epoch))


@pytest.mark.parametrize("device", HERE)
@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("net", NETS)
def test_recorded_updates_are_the_same_bits(tmp_path: Path, device: str, precision: str, net: str) -> None:
    place = RunPlacement(torch.device(device))
    plain, repeated = (training(tmp_path, settings_of(net, precision), place) for _ in range(2))
    made = graphed(repeated, HERE[device])
    steps(plain, 12)
    steps(repeated, 12)
    assert differing(whole_state(plain), whole_state(repeated)) == []
    rates = [plain.schedule.rates(step) for step in range(12)]
    assert made == [step for step in range(12) if step == 0 or rates[step] != rates[step - 1]]


def run_of_short_batches(tmp_path: Path, **recipe: Any) -> Training:
    """48 pictures in batches of 20: the third of each epoch has 8."""
    return training(tmp_path, small_settings(batch_size=20, epochs=6, **recipe), RunPlacement(torch.device("cpu")))


def test_a_new_rate_is_recorded_and_a_short_batch_is_not(tmp_path: Path) -> None:
    recipe = {"schedule": {"kind": "steps", "at": [0.5]}}
    plain, repeated = (run_of_short_batches(tmp_path, **recipe) for _ in range(2))
    made = graphed(repeated, recorded_operations)
    steps(plain, 18)
    steps(repeated, 18)
    assert made == [0, 9]
    assert differing(whole_state(plain), whole_state(repeated)) == []


def test_a_run_that_goes_on_from_a_checkpoint_is_recorded_anew(tmp_path: Path) -> None:
    plain = run_of_short_batches(tmp_path)
    steps(plain, 8)
    first = run_of_short_batches(tmp_path)
    graphed(first, recorded_operations)
    steps(first, 4)
    first.checkpoint()
    second = run_of_short_batches(tmp_path)
    second.resume()
    made = graphed(second, recorded_operations)
    steps(second, 4)
    assert made == [4]
    assert differing(whole_state(plain), whole_state(second)) == []


@pytest.mark.parametrize("fault", ["masks", "pixels", "rates", "state"])
def test_what_is_not_read_anew_would_be_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    """Each way in which a recording can be wrong gives other bits in the test above."""
    recipe = {"schedule": {"kind": "steps", "at": [0.5]}}
    plain, repeated = (run_of_short_batches(tmp_path, **recipe) for _ in range(2))
    graphed(repeated, recorded_operations)
    again = graphed_update._Recorded.repeat
    if fault == "masks":

        def same_masks(self: Any, pixels: Tensor, labels: Tensor, keys: HeldKeys | None) -> None:
            again(self, pixels, labels, None)

        monkeypatch.setattr(graphed_update._Recorded, "repeat", same_masks)
    elif fault == "pixels":

        def same_pixels(self: Any, pixels: Tensor, labels: Tensor, keys: HeldKeys | None) -> None:
            again(self, self._pixels, labels, keys)

        monkeypatch.setattr(graphed_update._Recorded, "repeat", same_pixels)
    elif fault == "rates":
        monkeypatch.setattr(Rates, "__ne__", lambda self, other: False)
    else:
        monkeypatch.setattr(type(repeated.plain_update), "state", property(lambda self: [self.sums.loss]))
    steps(plain, 12)
    steps(repeated, 12)
    assert differing(whole_state(plain), whole_state(repeated))


def test_a_run_on_a_graphed_device_records_its_updates_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []

    def record(work: Work, changed: Sequence[Tensor]) -> Work:
        made.append(len(changed))
        return recorded_operations(work, changed)

    monkeypatch.setattr("repro.training.loop.cuda_graph", record)
    settings = small_settings(epochs=1)
    pictures = make_packed(tmp_path)
    assert make_packed(tmp_path / "other") == pictures
    plain, other = small_run(tmp_path, pictures, settings), small_run(tmp_path / "other", pictures, settings)
    assert worker.train_run(plain, "cpu", 30.0, lambda: False) == worker.FINISHED
    assert worker.compute(other, RunPlacement(torch.device("cpu"), graphed=True), 30.0, lambda: False) == 0
    assert made
    assert other.result()["provenance"]["graphed"] is True
    assert "graphed" not in plain.result()["provenance"]
    for name, value in load_file(plain.checked_weights()).items():
        assert torch.equal(value, load_file(other.checked_weights())[name])


def test_the_device_says_whether_updates_are_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    assert training_devices("cuda:1+graph") == ((torch.device("cuda:1"),), True)
    assert training_devices("cuda:1") == ((torch.device("cuda:1"),), False)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert local_devices(None, "cuda+graph") == ["cuda:0+graph", "cuda:1+graph"]
    assert local_devices(3, "cuda:1+graph") == ["cuda:1+graph"] * 3
    for refused, placement, message in (
        ("cpu+graph", "single", r"--device cpu\+graph: use cpu, cuda"),
        ("cuda:0+graphs", "single", r"--device cuda:0\+graphs: use cpu, cuda"),
        ("cuda:2+graph", "single", "there are 2 CUDA devices here"),
        ("cuda+graph", "split", r"\+graph records a run on one device"),
    ):
        with pytest.raises(UserError, match=message):
            local_devices(None, refused, placement)  # type: ignore[arg-type]
    with pytest.raises(UserError, match=r"\+graph records a run on one device"):
        training_devices("cuda:0,cuda:1+graph")
    with pytest.raises(UserError, match=r"\+graph is a way of training"):
        devices_named("cuda:0+graph")

"""An update that is captured and replayed computes what the plain one does, bit by bit.

Where there is no CUDA device, a graph of torch's operations stands in for CUDA's: it too does the same operations
on the same tensors, with every number of Python's as it was when they were captured.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
from repro.training.devices.graphed_update import GraphedUpdate, MakeGraph, Work, cuda_graph
from repro.training.devices.run_placement import RunPlacement, devices_named, prepare_devices, training_devices
from repro.training.loop import Training
from repro.training.update_rule import Rates
from tests.packed_pictures import make_packed
from tests.placement.traces import NETS, settings_of, training
from tests.small_runs import small_run, small_settings


def torchs_graph(work: Work, changed: Sequence[Tensor]) -> Work:
    """The operations that `work` starts. They are done while they are captured, so what changed is put back."""
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


HERE: dict[str, MakeGraph] = {"cpu": torchs_graph}
if torch.cuda.is_available():
    HERE["cuda"] = cuda_graph


def graphed(run: Training, make_graph: MakeGraph) -> list[int]:
    """Let the run replay its updates; the list has the step of each capture."""
    made: list[int] = []

    def counted(work: Work, changed: Sequence[Tensor]) -> Work:
        made.append(run.step)
        return make_graph(work, changed)

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


@pytest.fixture(params=HERE)
def device(request: pytest.FixtureRequest) -> Iterator[torch.device]:
    """Each kind that is here, set up as a run's process sets it up."""
    place = torch.device(request.param)
    deterministic = torch.are_deterministic_algorithms_enabled()
    prepare_devices([place], "float32")
    yield place
    torch.use_deterministic_algorithms(deterministic, warn_only=True)


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("net", NETS)
def test_replayed_updates_are_the_same_bits(tmp_path: Path, device: torch.device, precision: str, net: str) -> None:
    place = RunPlacement(device)
    plain, again, replayed = (training(tmp_path, settings_of(net, precision), place) for _ in range(3))
    made = graphed(replayed, HERE[device.type])
    for run in (plain, again, replayed):
        steps(run, 12)
    assert differing(whole_state(plain), whole_state(again)) == []  # else the device does not repeat its own bits
    assert differing(whole_state(plain), whole_state(replayed)) == []
    rates = [plain.schedule.rates(step) for step in range(12)]
    assert made == [step for step in range(12) if step == 0 or rates[step] != rates[step - 1]]


def run_of_short_batches(tmp_path: Path, **recipe: Any) -> Training:
    """48 pictures in batches of 20: the third of each epoch has 8."""
    return training(tmp_path, small_settings(batch_size=20, epochs=6, **recipe), RunPlacement(torch.device("cpu")))


def test_a_new_rate_is_captured_and_a_short_batch_is_not(tmp_path: Path) -> None:
    recipe = {"schedule": {"kind": "steps", "at": [0.5]}}
    plain, replayed = (run_of_short_batches(tmp_path, **recipe) for _ in range(2))
    made = graphed(replayed, torchs_graph)
    steps(plain, 18)
    steps(replayed, 18)
    assert made == [0, 9]
    assert differing(whole_state(plain), whole_state(replayed)) == []


def test_a_run_that_goes_on_from_a_checkpoint_is_captured_anew(tmp_path: Path) -> None:
    plain = run_of_short_batches(tmp_path)
    steps(plain, 8)
    first = run_of_short_batches(tmp_path)
    graphed(first, torchs_graph)
    steps(first, 4)
    first.checkpoint()
    second = run_of_short_batches(tmp_path)
    second.resume()
    made = graphed(second, torchs_graph)
    steps(second, 4)
    assert made == [4]
    assert differing(whole_state(plain), whole_state(second)) == []


@pytest.mark.parametrize("fault", ["masks", "pixels", "rates", "state"])
def test_what_is_not_read_anew_would_be_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    """Each way in which a graph can be wrong gives other bits in the tests above."""
    recipe = {"schedule": {"kind": "steps", "at": [0.5]}}
    plain, replayed = (run_of_short_batches(tmp_path, **recipe) for _ in range(2))
    graphed(replayed, torchs_graph)
    again = graphed_update._Graph.replay
    if fault == "masks":

        def same_masks(self: Any, pixels: Tensor, labels: Tensor, keys: HeldKeys | None) -> None:
            again(self, pixels, labels, None)

        monkeypatch.setattr(graphed_update._Graph, "replay", same_masks)
    elif fault == "pixels":

        def same_pixels(self: Any, pixels: Tensor, labels: Tensor, keys: HeldKeys | None) -> None:
            again(self, self._pixels, labels, keys)

        monkeypatch.setattr(graphed_update._Graph, "replay", same_pixels)
    elif fault == "rates":
        monkeypatch.setattr(Rates, "__ne__", lambda self, other: False)
    else:
        monkeypatch.setattr(type(replayed.plain_update), "state", property(lambda self: [self.sums.loss]))
    steps(plain, 12)
    steps(replayed, 12)
    assert differing(whole_state(plain), whole_state(replayed))


def test_a_run_on_a_graphed_device_replays_its_updates_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []

    def make_graph(work: Work, changed: Sequence[Tensor]) -> Work:
        made.append(len(changed))
        return torchs_graph(work, changed)

    monkeypatch.setattr("repro.training.loop.cuda_graph", make_graph)
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


def test_the_device_says_whether_the_update_is_a_graph(monkeypatch: pytest.MonkeyPatch) -> None:
    assert training_devices("cuda:1+graph") == ((torch.device("cuda:1"),), True)
    assert training_devices("cuda:1") == ((torch.device("cuda:1"),), False)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert local_devices(None, "cuda+graph") == ["cuda:0+graph", "cuda:1+graph"]
    assert local_devices(3, "cuda:1+graph") == ["cuda:1+graph"] * 3
    for refused, placement, message in (
        ("cpu+graph", "single", r"--device cpu\+graph: use cpu, cuda"),
        ("cuda:0+graphs", "single", r"--device cuda:0\+graphs: use cpu, cuda"),
        ("cuda:2+graph", "single", "there are 2 CUDA devices here"),
        ("cuda+graph", "split", r"\+graph is for a run on one device"),
        ("cuda:0+graph", "split", r"\+graph is for a run on one device"),
    ):
        with pytest.raises(UserError, match=message):
            local_devices(None, refused, placement)  # type: ignore[arg-type]
    for two in ("cuda:0,cuda:1+graph", "cuda:0+graph,cuda:1"):
        with pytest.raises(UserError, match=r"\+graph is for a run on one device"):
            training_devices(two)
    with pytest.raises(UserError, match=r"\+graph is a way of training"):
        devices_named("cuda:0+graph")

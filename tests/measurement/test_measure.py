"""What is measured of runs: kept by measurement, whatever the net, in one process or in several."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from repro.data.packed import Packed, open_packed
from repro.errors import UserError
from repro.measurement import cache, measure
from repro.measurement import measure_all as side_by_side
from repro.measurement.measure import MEASUREMENTS, OF_AVERAGED, Measurement, missing, module_of, take
from repro.measurement.measure_all import Task, measure_all
from repro.measurement.subject import Measured
from repro.runs.store import Run
from repro.study.settings import EvaluationSettings
from repro.training.loop import Training
from tests.measurement.subjects import FEW
from tests.packed_pictures import make_packed
from tests.small_runs import small_run, small_settings

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("store")
    make_packed(folder, classes=8)
    return folder


def _trained(store: Path, seed: int = 1) -> tuple[Run, Packed]:
    packed = open_packed(store / "pictures" / "pictures-key")
    run = small_run(store, "pictures/pictures-key", small_settings(epochs=1), seed)
    if not run.finished:
        Training(run, packed, CPU).train()
    return run, packed


def _counting(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the measurements that are taken from now on."""
    taken: list[str] = []

    def counted(measurement: Measurement) -> Measurement:
        def count(*words: Any, **settings: Any) -> Measured:
            taken.append(measurement.name)
            return measurement.take(*words, **settings)

        return replace(measurement, take=count)

    monkeypatch.setattr(measure, "MEASUREMENTS", tuple(counted(one) for one in MEASUREMENTS))
    return taken


def _measured(run: Run, packed: Packed, evaluation: EvaluationSettings = FEW) -> measure.Measurements:
    take(run, packed, evaluation, CPU, measure.MEASUREMENTS)
    return measure.measure(run, packed, evaluation, CPU)


def test_each_measurement_is_kept_by_itself(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, packed = _trained(store)
    taken = _counting(monkeypatch)
    first = _measured(run, packed)
    assert sorted(taken) == sorted(one.name for one in MEASUREMENTS)
    taken.clear()
    second = _measured(run, packed)
    assert taken == []
    assert second.scalars == first.scalars
    assert set(second.arrays) == set(first.arrays)
    for name, array in first.arrays.items():
        np.testing.assert_array_equal(array, second.arrays[name])
    _measured(run, packed, FEW.model_copy(update={"dropout_masks": 10}))
    assert taken == ["dropout_average"]
    taken.clear()
    _measured(run, packed, FEW.model_copy(update={"batch": 5}))
    assert taken == []
    raised = tuple(replace(one, version=2) if one.name == "views" else one for one in measure.MEASUREMENTS)
    monkeypatch.setattr(measure, "MEASUREMENTS", raised)
    _measured(run, packed)
    assert taken == ["views"]


def test_every_setting_is_a_field_and_every_name_is_given_once() -> None:
    names = [one.name for one in (*MEASUREMENTS, *OF_AVERAGED)]
    assert len(set(names)) == len(names)
    used = {name for one in MEASUREMENTS for name in one.settings} | {"batch"}
    assert used == set(EvaluationSettings.model_fields)


def _file(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def test_a_module_is_found_in_whichever_folder_it_lies(tmp_path: Path) -> None:
    _file(tmp_path, "top.py", "weights/rank.py", "weights/of_rank.py", "metrics/rank.yaml", "weights/deeper/norm.py")
    found = [module_of(name, tmp_path) for name in ("top", "rank", "norm")]
    assert found == [f"repro.measurement.{name}" for name in ("top", "weights.rank", "weights.deeper.norm")]


def test_what_is_declared_without_a_module_is_named(tmp_path: Path) -> None:
    _file(tmp_path, "metrics/rank.yaml", "weights/ranks.py")
    with pytest.raises(UserError, match=r"metrics.rank\.yaml has no module: rank\.py is in no folder of"):
        module_of("rank", tmp_path)


def test_modules_with_the_name_of_one_measurement_are_named(tmp_path: Path) -> None:
    _file(tmp_path, "metrics/rank.yaml", "weights/rank.py", "outputs/rank.py")
    with pytest.raises(UserError, match=r"outputs.rank\.py and .*weights.rank\.py .*one name"):
        module_of("rank", tmp_path)


def test_all_names_are_described(store: Path) -> None:
    run, packed = _trained(store)
    found = measure.measure(run, packed, FEW, CPU)
    text = (Path(__file__).parents[2] / "docs" / "evidence.md").read_text()
    for name in (*found.scalars, *found.arrays, *found.curves, *EvaluationSettings.model_fields):
        assert f"`{name}`" in text, name
    for name, value in EvaluationSettings().model_dump().items():
        assert f"| `{name}` | {value} |" in text


def test_no_two_measurements_give_a_number_the_same_name(store: Path) -> None:
    run, packed = _trained(store)
    found = take(run, packed, FEW, CPU)
    names = [name for taken in found.values() for name in (*taken.scalars, *taken.arrays)]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("content", [b"", b"no archive", None])
def test_a_damaged_file_is_named(store: Path, content: bytes | None) -> None:
    run, packed = _trained(store)
    take(run, packed, FEW, CPU)
    path = next(one for one in MEASUREMENTS if one.name == "errors").path(run, FEW)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] if content is None else content)
    try:
        with pytest.raises(UserError, match=r"errors-2-.*damaged.*delete that file") as caught:
            measure.measure(run, packed, FEW, CPU)
        assert "\n" not in str(caught.value)
    finally:
        path.write_bytes(whole)


def test_numbers_that_are_none_are_refused_by_the_cache(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        cache.keep(tmp_path / "x.npz", Measured({"value": float("nan")}))
    assert not (tmp_path / "x.npz").exists()


def test_other_weights_under_the_same_name_are_measured_anew(store: Path) -> None:
    run, packed = _trained(store, seed=5)
    take(run, packed, FEW, CPU)
    assert not missing(run, FEW)
    record = run.result()
    (run.folder / "run.json").write_text(json.dumps({**record, "weights_digest": "0" * 64}))
    assert missing(run, FEW)


def test_several_processes_find_the_same(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = [_trained(store, seed)[0] for seed in (11, 12, 13)]
    packed = _trained(store)[1]
    heard: list[str] = []
    tasks = [Task(run, averaged=run is runs[0]) for run in runs]
    monkeypatch.setenv("MKL_NUM_THREADS", "3")
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    before = dict(os.environ)
    measure_all(tasks, packed.folder, FEW, "cpu", processes=2, say=heard.append)
    assert heard == ["measured 3 of 3 runs"]
    assert dict(os.environ) == before, "what its processes find there is not left behind"
    for one in OF_AVERAGED:
        assert one.path(runs[0], FEW).is_file()
        assert not one.path(runs[1], FEW).exists()
    elsewhere = {run.identity: measure.measure(run, packed, FEW, CPU) for run in runs}
    for run in runs:
        for one in MEASUREMENTS:
            one.path(run, FEW).unlink()
        here = measure.measure(run, packed, FEW, CPU)
        assert here.scalars == elsewhere[run.identity].scalars
    heard.clear()
    measure_all(tasks, packed.folder, FEW, "cpu", say=heard.append)
    assert heard == []


@pytest.mark.parametrize(
    ("runs", "told"), [(1, [1]), (9, [9]), (10, [10]), (23, [10, 20, 23]), (305, [*range(10, 301, 10), 305])]
)
def test_every_tenth_run_and_the_last_are_told(
    store: Path, monkeypatch: pytest.MonkeyPatch, runs: int, told: list[int]
) -> None:
    """Where each is measured in this process, as on a GPU."""
    monkeypatch.setattr(side_by_side, "_measure", lambda *words: None)
    monkeypatch.setattr(side_by_side, "missing", lambda *words: True)
    heard: list[str] = []
    side_by_side.measure_all([Task(Run(store, "any"), False)] * runs, store, FEW, "cuda:0", say=heard.append)
    assert heard == [f"measured {number} of {runs} runs" for number in told]


def test_a_mistake_found_in_another_process_is_told(store: Path) -> None:
    runs = [_trained(store, seed)[0] for seed in (21, 22)]
    (runs[1].folder / "weights.safetensors").write_bytes(b"other weights")
    with pytest.raises(UserError, match="not what training wrote"):
        measure_all([Task(run, False) for run in runs], store / "pictures" / "pictures-key", FEW, "cpu", processes=1)


class _Deadly(Task):
    """A task that ends the process which takes it up, as a kernel short of memory does."""

    def __reduce__(self) -> Any:
        return os._exit, (9,)


def test_a_process_that_is_killed_is_told(store: Path) -> None:
    tasks = [_Deadly(_trained(store, seed)[0], False) for seed in (31, 32)]
    with pytest.raises(RuntimeError, match="killed, perhaps for want of memory"):
        measure_all(tasks, store / "pictures" / "pictures-key", FEW, "cpu", processes=1)

"""Growth: points, their pictures and the page hold together; small measurements give valid points."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import training_step
from benchmarks.growth import measuring, pipeline, plots, training
from benchmarks.growth.points import POINTS, Point, read_points, write_points
from benchmarks.projects import resolved
from repro.errors import UserError
from tests.benchmarks.test_benchmarks import Here

SERIES = [
    Point(
        figure="batch",
        series="training step",
        x_name="pictures in a batch",
        x=2.0**n,
        y_name="pictures/s",
        y=100.0 + n,
        limit=500.0,
        limit_name="peak",
        machine="a machine",
    )
    for n in range(8)
]


def test_the_page_holds_what_was_measured_with_its_limits() -> None:
    page = plots.page_with(f"before\n{plots.BEGIN}\nold\n{plots.END}\nafter\n", SERIES)
    assert page.startswith(f"before\n{plots.BEGIN}\n![")
    assert page.endswith(f"{plots.END}\nafter\n")
    assert "| 128 | training step | 107 | 500 (peak) |" in page
    assert "old" not in page


def test_a_machine_is_named_once_with_the_range_of_its_load() -> None:
    points = [
        point.model_copy(update={"machine": f"a machine; load {load}"})
        for point, load in zip(SERIES[:3], (9.5, 10.0, 1.2), strict=True)
    ]
    assert plots.text_of(points).endswith("\nMeasured on: a machine; load 1.2 to 10.0.")


def test_pictures_are_small_and_the_same_each_time(tmp_path: Path) -> None:
    for name in ("one", "two"):
        plots.draw(SERIES, tmp_path / name)
    first, second = ((tmp_path / name / "batch.svg").read_bytes() for name in ("one", "two"))
    assert first == second
    assert len(first) < 100_000
    assert b"pictures in a batch" in first


def test_the_recorded_page_is_that_of_the_recorded_points() -> None:
    page = measuring.PAGE.read_text()
    points = read_points(POINTS)
    assert plots.page_with(page, points) == page
    for figure in plots.figures_of(points):
        assert (measuring.PICTURES / plots.file_of(figure)).is_file()


def test_points_survive_writing(tmp_path: Path) -> None:
    write_points(SERIES, tmp_path / "growth.json")
    assert read_points(tmp_path / "growth.json") == SERIES
    assert read_points(tmp_path / "none.json") == []
    (tmp_path / "bad.json").write_text("[1]")
    with pytest.raises(UserError, match="is not what the benchmarks write"):
        read_points(tmp_path / "bad.json")


def test_a_part_that_breaks_leaves_the_others(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    written: list[list[Point]] = []

    def broken(tiny: bool) -> list[Point]:
        raise RuntimeError("no disk")

    monkeypatch.setattr(measuring, "PARTS", (("bad", broken), ("good", lambda tiny: SERIES)))
    monkeypatch.setattr(measuring, "POINTS", tmp_path / "growth.json")
    monkeypatch.setattr(measuring, "write", lambda points, *_: written.append(points))
    assert measuring.measure_growth(tiny=False) == 1
    assert [len(points) for points in written] == [0, len(SERIES)]


def test_training_in_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_step, "Helper", Here)
    monkeypatch.setattr(training, "feeding", lambda tiny: [])
    found = list(training.training(tiny=True))
    assert {point.figure for point in found} == {"batch", "width", "side", "processes"}
    assert all(point.limit for point in found)


@pytest.mark.parametrize(("what", "value"), [("width", 0.5), ("width", 4), ("side", 30), ("side", 126)])
def test_the_ends_of_each_series_are_nets(what: str, value: float) -> None:
    base = resolved("decay").settings["base"]
    assert training.changed(base, what, value) != base
    assert training_step.multiply_adds(training.changed(base, what, value).net, 10) > 0


def test_preparing_in_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "peak_memory", lambda root, size: 100.0)
    time, memory = pipeline.preparing(tiny=True)
    assert (time.x, memory.x, memory.y) == (100, 100, 100.0)
    assert time.limit is not None


def test_runs_in_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "finished_project", lambda place, made: place)
    monkeypatch.setattr(pipeline, "command_seconds", lambda *_: 1.0)
    monkeypatch.setattr(pipeline, "done_again", lambda project: 2.0)
    assert [point.y for point in pipeline.evidence(tiny=True)] == [1.0, 2.0, 1.0]

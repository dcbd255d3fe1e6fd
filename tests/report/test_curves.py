"""Learning curves as table and pictures, and the headline metrics."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

from repro.errors import UserError
from repro.report.figures.curves import write_curves
from repro.report.figures.metrics import headline_metrics
from tests.report.made_up_study import ROOT, VARIANTS, collapsed_run, made_up_study, run_record

FILES = ("learning_curves.csv", "learning_curves.png", "kernels.png")


def test_table_is_sorted_and_unrounded(tmp_path: Path) -> None:
    run = run_record("base", 12, epochs=3)
    run.curves["held_out_error"][:] = [None, float("nan"), 1 / 3]
    others = [run_record(name, seed, epochs=2) for name in ("dense", "base") for seed in (11, 10)]
    write_curves(made_up_study([run, *others]), tmp_path)
    with (tmp_path / "learning_curves.csv").open() as handle:
        rows = list(csv.reader(handle))
    assert rows[0] == ["variant", "seed", "epoch", "train_loss", "train_error", "held_out_error"]
    keys = [(row[0], int(row[1]), int(row[2])) for row in rows[1:]]
    assert keys == sorted(keys)
    assert len(keys) == 2 * 2 + 2 * 2 + 3
    assert [row[5] for row in rows[1:] if row[:2] == ["base", "12"]] == ["", "", repr(1 / 3)]


@pytest.mark.parametrize(
    "settings",
    [
        {"MATPLOTLIBRC": "rc"},
        {"MATPLOTLIBRC": "no text"},
        {"MPLCONFIGDIR": "rc"},
        {"MPLBACKEND": "module://matplotlib_inline.backend_inline"},  # what a notebook hands down
        {"MPLBACKEND": "TkAgg"},
        {"MPLBACKEND": "nonsense"},
    ],
    ids=str,
)
def test_same_evidence_same_bytes_whatever_the_users_matplotlib(settings: dict[str, str], tmp_path: Path) -> None:
    write_curves(made_up_study(), tmp_path / "here")
    for folder, text in {
        "rc": b"font.size: 20\nlines.linewidth: 9\nfigure.facecolor: red\nbackend: TkAgg\n",
        "no text": b"\xff\xfe\x00",
    }.items():
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "matplotlibrc").write_bytes(text)
    code = (
        "import sys; from pathlib import Path; from tests.report.made_up_study import made_up_study\n"
        "from repro.report.figures.curves import write_curves; write_curves(made_up_study(), Path(sys.argv[1]))"
    )
    there = str(tmp_path / "there")
    folders = {name: str(tmp_path / value) for name, value in settings.items() if name != "MPLBACKEND"}
    environment = {**settings, **folders, "PYTHONHASHSEED": "7", "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", code, there], check=True, cwd=ROOT, env=environment)
    for name in FILES:
        assert (tmp_path / "here" / name).read_bytes() == (tmp_path / "there" / name).read_bytes(), name
    assert b"Software" not in (tmp_path / "here" / "kernels.png").read_bytes()


@pytest.mark.parametrize("runs", [[], [run_record("base", 10, curves={})], [collapsed_run("$x_base", 10)]])
def test_little_evidence_still_gives_all_files(runs: list, tmp_path: Path) -> None:
    write_curves(made_up_study(runs, variants=("base", "$x_base")), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(FILES)


def test_a_folder_that_cannot_be_written_is_a_users_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write"):
        write_curves(made_up_study(), tmp_path / "file")


def test_metrics_are_few_flat_and_json() -> None:
    metrics = headline_metrics(made_up_study())
    assert len(metrics) == 10
    assert "error" not in metrics
    assert all(type(value) in (int, float) for value in metrics.values())
    assert json.loads(json.dumps(metrics, allow_nan=False)) == metrics
    assert metrics["runs"] == 24
    assert metrics["base_division"] > 0.95 > 0.4 > metrics["dense_division"]


def test_metrics_count_collapsed_runs_and_their_error() -> None:
    runs = [run_record("base", 10), run_record("base", 11), collapsed_run("base", 12)]
    metrics = headline_metrics(made_up_study(runs))
    assert metrics["collapsed_runs"] == 1
    assert metrics["base_train_error"] > 0.3


def test_metrics_leave_out_what_is_not_known() -> None:
    names = run_record("base", 10).scalars
    runs = [run_record(name, 10, scalars=dict.fromkeys(names, float("nan"))) for name in VARIANTS]
    known = headline_metrics(made_up_study(runs, arrays={}))
    assert sorted(known) == ["chance_error", "collapsed_runs", "runs"]
    assert headline_metrics(made_up_study([], arrays={}))["runs"] == 0


def test_the_report_needs_no_torch() -> None:
    modules = "repro.report.page.page, repro.report.figures.curves, repro.report.figures.metrics"
    code = f"import sys, {modules}; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "False"

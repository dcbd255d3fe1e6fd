"""What DVC shows of a study: learning curves as a table, kernels as a picture, and the headline metrics."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from dvc_render import VegaRenderer

from repro.errors import UserError
from repro.evidence.directory import Evidence
from repro.report.dvc_outputs.metrics import headline_metrics
from repro.report.dvc_outputs.plots import write_plots
from tests.report.made_up_study import ROOT, VARIANTS, collapsed_run, made_up_study, run_record

FILES = ("learning_curves.csv", "kernels.png")


def table(folder: Path) -> list[dict[str, str]]:
    with (folder / "learning_curves.csv").open() as handle:
        return list(csv.DictReader(handle))


def test_table_is_sorted_and_unrounded(tmp_path: Path) -> None:
    run = run_record("base", 12, epochs=3)
    run.curves["held_out_error"][:] = [None, float("nan"), 1 / 3]
    others = [run_record(name, seed, epochs=2) for name in ("dense", "base") for seed in (11, 10)]
    write_plots(made_up_study([run, *others]), tmp_path)
    rows = table(tmp_path)
    assert list(rows[0]) == ["variant", "seed", "epoch", "train_loss", "train_error", "held_out_error"]
    keys = [(row["variant"], int(row["seed"]), int(row["epoch"])) for row in rows]
    assert keys == sorted(keys)
    assert len(keys) == 2 * 2 + 2 * 2 + 3
    last = [row["held_out_error"] for row in rows if (row["variant"], row["seed"]) == ("base", "12")]
    assert last == ["", "", repr(1 / 3)]


def test_same_evidence_same_bytes_in_another_process(tmp_path: Path) -> None:
    write_plots(made_up_study(), tmp_path / "here")
    code = (
        "import sys; from pathlib import Path; from tests.report.made_up_study import made_up_study\n"
        "from repro.report.dvc_outputs.plots import write_plots; write_plots(made_up_study(), Path(sys.argv[1]))"
    )
    environment = {"PYTHONHASHSEED": "7", "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "there")], check=True, cwd=ROOT, env=environment)
    for name in FILES:
        assert (tmp_path / "here" / name).read_bytes() == (tmp_path / "there" / name).read_bytes(), name


def test_dvc_finds_the_template_of_the_curves_and_the_columns_that_it_draws(tmp_path: Path) -> None:
    write_plots(made_up_study(), tmp_path)
    rows = [{**row, "rev": "workspace"} for row in table(tmp_path)]
    plots = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]["evaluate"]["do"]["plots"]
    (options,) = (plot for entry in plots if isinstance(entry, dict) for plot in entry.values())
    drawn = VegaRenderer(rows, "curves", template_dir=str(ROOT / ".dvc" / "plots"), **options).get_filled_template()
    assert "<DVC_METRIC" not in json.dumps(drawn)
    fold, _ = drawn["transform"]
    encoding = drawn["spec"]["encoding"]
    fields = {*fold["fold"], drawn["facet"]["field"], *(encoding[name]["field"] for name in ("x", "detail"))}
    assert fields == {"train_error", "held_out_error", "variant", "epoch", "seed"}
    assert fields <= set(rows[0])


def test_kernels_of_a_base_without_towers_are_not_called_towers(tmp_path: Path) -> None:
    known = made_up_study()
    drawn = []
    for towers in (2, 1):
        study = replace(known.study, settings={**known.study.settings, "base": {"net": {"towers": towers}}})
        write_plots(Evidence(known.path, study, known.runs, known.facts, known.arrays), tmp_path)
        drawn.append((tmp_path / "kernels.png").read_bytes())
    assert drawn[0] != drawn[1]


@pytest.mark.parametrize("runs", [[], [run_record("base", 10, curves={})], [collapsed_run("$x_base", 10)]])
def test_little_evidence_still_gives_all_files(runs: list, tmp_path: Path) -> None:
    write_plots(made_up_study(runs, variants=("base", "$x_base")), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(FILES)


def test_a_folder_that_cannot_be_written_is_a_users_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write"):
        write_plots(made_up_study(), tmp_path / "file")


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
    modules = "repro.report.page.page, repro.report.dvc_outputs.plots, repro.report.dvc_outputs.metrics"
    code = f"import sys, {modules}; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "False"

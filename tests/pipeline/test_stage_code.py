"""An edit anywhere reruns exactly the stages whose outs it could change: dvc.yaml lists what each stage really runs."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.pipeline.stage_code import ROOT, code_of, deps_of, expanded, stages, written_into

FILE = ROOT / "dvc.yaml"


def listed(stage: str) -> list[str]:
    """A stage's dependencies that are code, as dvc.yaml has them."""
    entry: dict[str, Any] = yaml.safe_load(FILE.read_text())["stages"][stage]
    return [path for path in entry.get("do", entry)["deps"] if not path.startswith(("results/", "data/"))]


@pytest.mark.parametrize("stage", stages())
def test_a_stage_depends_on_the_code_that_it_runs_and_no_other(stage: str) -> None:
    runs, depends = code_of(stage), expanded(listed(stage))
    told = f"dvc.yaml: {stage}: run `make deps`"
    assert not runs - depends, f"{told}; an edit of these would leave stale outs: {sorted(runs - depends)}"
    assert not depends - runs, f"{told}; an edit of these would rerun it for nothing: {sorted(depends - runs)}"


def test_make_deps_leaves_dvc_yaml_as_it_is() -> None:
    assert written_into(FILE.read_text()) == FILE.read_text()


@pytest.mark.parametrize(
    ("edited", "rerun"),
    [
        ("repro/net/table/layers.py", {"prepare", "train", "facts", "evaluate", "verdicts", "report"}),
        ("repro/net/layer_module.py", {"train", "facts", "evaluate", "report"}),
        ("repro/net/table/activation.py", {"prepare", "train", "facts", "evaluate", "verdicts", "report"}),
        ("repro/facts/net_facts.py", {"facts"}),
        ("repro/measurement/first_layer/selectivity.py", {"evaluate"}),
        ("repro/training/loop.py", {"train"}),
        ("repro/scheduling/ray_pool.py", {"train"}),
        ("repro/scheduling/train_grid.py", {"train"}),
        ("repro/report/figures/kernels/tower_kernels.py", {"evaluate", "report"}),
        ("repro/report/dvc_outputs/plots.py", {"evaluate"}),
        ("repro/report/page/page.py", {"report"}),
        ("repro/report/page/templates/report.css", {"report"}),
        ("repro/verdicts/judging/gates.py", {"verdicts", "report"}),
        ("repro/verdicts/readings/readings.py", {"evaluate", "verdicts", "report"}),
        ("repro/verdicts/plugin.py", {"verdicts"}),
        ("repro/verdicts/telling/summary.py", {"verdicts"}),
        ("claims/statements.yaml", {"verdicts", "report"}),
        ("claims/test_6_results.py", {"verdicts", "report"}),
        ("repro/measurement/predictions/class_tree.json", {"evaluate", "report"}),
        ("repro/data/preparation/decoding.py", {"prepare", "train"}),
        ("repro/stages/evaluate.py", {"evaluate"}),
        ("repro/files.py", {"prepare", "train", "facts", "evaluate", "verdicts", "report"}),
        ("repro/stages/planning/plan.py", set()),
        ("repro/stages/finished/record.py", set()),
        ("repro/net/table/describe.py", set()),
        ("repro/data/preparation/subset.py", set()),
        ("repro/stages/ranks/train_ranks.py", set()),
    ],
)
def test_what_an_edit_reruns(edited: str, rerun: set[str]) -> None:
    """Spelled out for some, so that a mistake in reading the imports would show."""
    assert {stage for stage in stages() if edited in code_of(stage)} == rerun
    assert (ROOT / edited).is_file()


def test_folders_stand_for_files_where_a_stage_runs_all_of_them() -> None:
    assert "repro/study" in deps_of("train")
    assert "claims" in deps_of("verdicts")
    assert expanded(deps_of("train")) == code_of("train")

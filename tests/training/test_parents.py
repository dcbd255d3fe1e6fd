"""Runs that start from another run's final weights: trained after it, from exactly those, or not at all."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from repro.data.packed import open_packed
from repro.errors import UserError
from repro.net.alexnet import tower_state
from repro.project import Project
from repro.runs.grid import GridRun, PicturesInStore, grid_of, to_train
from repro.runs.store import Run, RunSpec
from repro.scheduling.train_grid import train_grid, write_run_list
from repro.stages.evaluate import evaluate_stage
from repro.stages.facts import facts_stage
from repro.stages.planning.plan import plan_study
from repro.stages.train import train_stage
from repro.study.load import load_study
from repro.training.loop import Interrupted, Training
from tests.packed_pictures import make_packed
from tests.small_project import Place
from tests.small_runs import small_settings
from tests.study.test_load import change, project, read_yaml, write
from tests.study.test_variants import add

__all__ = ["project"]

pytestmark = pytest.mark.usefixtures("workers_here")
CPU = torch.device("cpu")


def line_of(store: Path, pictures: str, *names: str, seed: int = 1) -> list[GridRun]:
    """Cells of which each starts from the weights of the one before."""
    digest = open_packed(store / pictures).digest
    cells: list[GridRun] = []
    for place, name in enumerate(names):
        parent = cells[-1] if cells else None
        settings = small_settings(epochs=2, weight_decay=0.001 * place)
        spec = RunSpec(settings, seed, digest, pictures, parent.run.identity if parent else None)
        cells.append(GridRun(name, seed, spec, Run(store, spec.identity), parent))
    return cells


def training(cell: GridRun) -> Training:
    cell.run.create(cell.spec, {})
    return Training(cell.run, open_packed(cell.run.store / cell.spec.pictures), CPU)


def silent(line: str) -> None:
    pass


# ---- one run ---------------------------------------------------------------------------------------------


def test_a_child_starts_from_its_parents_weights_with_velocities_of_0(tmp_path):
    parent, child = line_of(tmp_path, make_packed(tmp_path), "parent", "child")
    training(parent).train()
    runner = training(child)
    runner.resume()
    weights = load_file(parent.run.checked_weights())
    assert runner.step == 0
    for name, value in tower_state(runner.net).items():
        torch.testing.assert_close(value, weights[name], rtol=0, atol=0)
    assert all(not value.any() for value in runner.rule.velocities.values())


def test_a_child_that_was_interrupted_ends_with_the_same_weights(tmp_path):
    digests = []
    for name, stop_after in (("whole", None), ("in parts", 3)):
        parent, child = line_of(tmp_path / name, make_packed(tmp_path / name), "parent", "child")
        training(parent).train()
        if stop_after is not None:
            calls = itertools.count(1)
            with pytest.raises(Interrupted):
                training(child).train(should_stop=lambda calls=calls, last=stop_after: next(calls) > last)
        training(child).train()
        digests.append(child.run.result()["weights_digest"])
    assert digests[0] == digests[1]


def test_without_its_parents_weights_a_child_is_not_trained(tmp_path):
    parent, child = line_of(tmp_path, make_packed(tmp_path), "parent", "child")
    parent.run.create(parent.spec, {})
    with pytest.raises(UserError, match=f"run {parent.run.identity} is not finished"):
        training(child).train()
    training(parent).train()
    (parent.run.folder / "weights.safetensors").unlink()
    with pytest.raises(UserError, match=r"weights\.safetensors is missing; remove"):
        training(child).train()
    assert not child.run.finished


def test_what_a_run_is_says_whose_weights_it_starts_from(tmp_path):
    pictures = make_packed(tmp_path)
    parent, child = line_of(tmp_path, pictures, "parent", "child")
    child.run.create(child.spec, {})
    assert child.run.spec().parent == parent.run.identity
    alone = RunSpec(child.spec.settings, child.seed, child.spec.data_digest, pictures)
    assert alone.identity != child.run.identity


# ---- a study's grid --------------------------------------------------------------------------------------


def test_a_childs_identity_is_its_parents_and_its_own(project):
    add(project, grown={"parent": "base"}, twice={"parent": "grown", "changes": {"net.activation": "tanh"}})

    def identities() -> dict[str, str]:
        cells = grid_of(load_study(project, "smoke"), PicturesInStore(project / "store", "digest", "pictures/key"))
        return {cell.variant: cell.run.identity for cell in cells if cell.seed == 10}

    before = identities()
    assert len(set(before.values())) == len(before)
    path = project / "studies" / "smoke.yaml"
    listed = read_yaml(path)["variants"]
    change(path, variants=["base", *reversed(listed[1:])])  # children before their parents
    assert identities() == before
    change(project / "variants.yaml", grown={"summary": "s", "changes": {"training.momentum": 0.8}, "parent": "base"})
    after = identities()
    assert {name for name in before if before[name] != after[name]} == {"grown", "twice"}


def test_cells_know_the_cell_of_their_parent_with_the_same_seed(project):
    add(project, grown={"parent": "base"})
    cells = grid_of(load_study(project, "smoke"), PicturesInStore(project / "store", "digest", "pictures/key"))
    grown = [cell for cell in cells if cell.variant == "grown"]
    assert [cell.seed for cell in grown] == [10, 11, 12]
    for cell in grown:
        assert cell.parent is not None
        assert (cell.parent.variant, cell.parent.seed) == ("base", cell.seed)
        assert cell.spec.parent == cell.parent.run.identity
    assert all(cell.spec.parent is None for cell in cells if cell.variant != "grown")


def test_parents_are_trained_first(tmp_path):
    line = line_of(tmp_path, make_packed(tmp_path), "first", "second", "third")
    train_grid(line[::-1], "test", ["cpu", "cpu"], poll_seconds=0.01, say=silent)
    assert all(cell.run.finished for cell in line)
    finished = [(cell.run.folder / "run.json").stat().st_mtime_ns for cell in line]
    assert finished == sorted(finished)
    begun = [(cell.run.folder / "worker.log").stat().st_mtime_ns for cell in line]
    assert begun[1] >= finished[0]


def test_a_parent_that_was_not_asked_for_is_trained_too(tmp_path):
    """Neither selected, nor in the store: its recorded evidence holds no weights."""
    line = line_of(tmp_path, make_packed(tmp_path), "first", "second")
    assert to_train([line[1]], recorded={line[0].run.identity}) == line
    assert to_train(line, recorded={cell.run.identity for cell in line}) == []
    said: list[str] = []
    train_grid(
        [line[1]], "test", ["cpu"], recorded={line[0].run.identity: "digest"}, poll_seconds=0.01, say=said.append
    )
    assert said == ["test: 1 runs, 0 finished, 0 recorded, 2 to train"]
    assert all(cell.run.finished for cell in line)
    assert to_train(line, recorded={}) == []
    listing = write_run_list(tmp_path / "runs.json", line, {})
    assert [row["variant"] for row in listing["runs"]] == ["first", "second"]


def test_a_failed_parent_fails_its_descendants_with_one_message(tmp_path, capsys):
    pictures = make_packed(tmp_path)
    line = line_of(tmp_path, pictures, "first", "second", "third")
    (other,) = line_of(tmp_path, pictures, "other", seed=2)
    line[0].run.create(line[0].spec, {})
    (line[0].run.folder / "checkpoint.pt").write_bytes(b"not a checkpoint")
    with pytest.raises(UserError) as caught:
        train_grid([*line, other], "test", ["cpu"], poll_seconds=0.01, say=silent)
    assert "first seed 1 (run" in str(caught.value)
    assert "(3 runs failed; this is the first)" in str(caught.value)
    assert "checkpoint.pt is not a checkpoint" in str(caught.value)
    shown = capsys.readouterr().err
    assert "its parent, first seed 1, failed" in shown
    assert "its parent, second seed 1, failed" in shown
    assert other.run.finished
    assert not any((cell.run.folder / "worker.log").exists() for cell in line[1:])


# ---- evidence and plan -----------------------------------------------------------------------------------


@pytest.fixture
def with_parent(place: Place) -> Place:
    """The small project with a variant that starts from the base's weights."""
    write(
        place.root / "variants.yaml",
        {
            **read_yaml(place.root / "variants.yaml"),
            "grown": {"summary": "s", "parent": "base", "changes": {"training.pictures.share": 0.5}},
        },
    )
    change(place.root / "studies" / "small.yaml", variants=["base", "grown"])
    return place


def test_a_plan_counts_a_child_and_what_it_waits_for(with_parent):
    lines: list[str] = []
    plan_study(Project(with_parent.root), "small", workers=8, echo=lines.append)
    rows = {line.split()[0]: line.split()[1:] for line in lines}
    assert rows["base"] == ["done"]
    assert rows["grown"] == ["missing"]
    assert any(line.startswith("  1 runs to train") for line in lines)
    (run,) = (Run(folder.parents[1], folder.name) for folder in (with_parent.root / ".store" / "runs").iterdir())
    run.remove()
    lines.clear()
    plan_study(Project(with_parent.root), "small", workers=8, echo=lines.append)
    assert any(line.startswith("  2 runs to train") for line in lines)


def test_the_evidence_says_whose_weights_a_run_started_from(with_parent, monkeypatch):
    monkeypatch.setattr("repro.stages.facts.measure_facts", lambda name: {})
    train_stage(Project(with_parent.root), "small", workers=1)
    facts_stage(Project(with_parent.root))
    evaluate_stage(Project(with_parent.root), "small")
    rows = [json.loads(line) for line in (with_parent.evidence / "runs.jsonl").read_text().splitlines()]
    by_variant = {row["variant"]: row for row in rows}
    assert by_variant["base"]["parent"] is None
    assert by_variant["grown"]["parent"] == by_variant["base"]["identity"]
    assert by_variant["grown"]["scalars"]["steps"] < by_variant["base"]["scalars"]["steps"]

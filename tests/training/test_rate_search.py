"""The search for learning rates: its runs, what they decide, and a whole study in small that has one."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from repro.errors import UserError
from repro.evidence.directory import load_evidence
from repro.evidence.merge import merge_evidence
from repro.files import write_json, write_text
from repro.measurement.run_record import trial_row
from repro.project import Project
from repro.runs.grid import GridRun, PicturesInStore, grid_of
from repro.runs.prepared_study import PreparedStudy
from repro.runs.rate_search import describe_rates, trials_of, unfinished, with_tuned_rates
from repro.stages.evaluate import evaluate_stage
from repro.stages.facts import facts_stage
from repro.stages.finished.record import record_evidence
from repro.stages.planning.plan import plan_study
from repro.stages.prepare import prepare_stage
from repro.stages.train import train_stage
from repro.study.load import ResolvedStudy, load_study
from repro.study.tuning import Trial
from tests.data import miniatures
from tests.measurement.subjects import packed_of
from tests.project_copy import copy_project, write_yaml
from tests.small_project import STUDY, Place
from tests.workers_here import use_workers_here

RATES = [0.001, 0.01, 0.1]
TUNING = {"variants": ["base", "no_weight_decay"], "seeds": [7, 8, 9], "learning_rates": RATES, "target_error": 0.5}


def project(folder: Path, **changes: object) -> Path:
    """A project with one study, `small`, in it; nothing is registered or prepared."""
    copy_project(folder, {"small": "colours"})
    study = {**STUDY, "variants": ["base", "no_weight_decay", "dense"], "tuning": TUNING, **changes}
    write_yaml(folder / "studies" / "small.yaml", study)
    return folder


def pictures_in(store: Path) -> PicturesInStore:
    return PicturesInStore(store, "digest", "pictures/key")


@pytest.fixture
def resolved(tmp_path) -> ResolvedStudy:
    return load_study(project(tmp_path / "project"), "small")


def finish(cell: GridRun, errors: list[float], status: str = "finished", loss: float = 1.0) -> None:
    """As if the run had been trained, with these training errors at steps 10, 20, ..."""
    cell.run.create(cell.spec, {})
    rows = [{"epoch": n, "step": 10 * n, "train_error": error} for n, error in enumerate(errors, 1)]
    write_text(cell.run.folder / "log.jsonl", "".join(f"{json.dumps(row)}\n" for row in rows))
    numbers = dict.fromkeys(
        ("steps", "epochs", "final_train_loss", "decay_dose", "cpu_seconds", "pictures_per_second", "sittings"), 1
    )
    numbers["final_train_loss"] = loss
    write_json(
        cell.run.folder / "run.json",
        {**numbers, "status": status, "weights_digest": "d", "tensors_digest": "t", "provenance": {}},
    )


def rate_of(cell: GridRun) -> float:
    return cell.spec.settings.training.learning_rate


def finish_all(trials: list[GridRun], best: dict[str, float]) -> None:
    """Each variant comes down to the target first with its `best` rate."""
    for cell in trials:
        finish(cell, [0.9, 0.4, 0.3] if rate_of(cell) == best[cell.variant] else [0.9, 0.8, 0.3])


def test_the_search_tries_every_rate_of_every_variant_on_seeds_of_its_own(resolved, tmp_path):
    trials = trials_of(resolved, pictures_in(tmp_path))
    found = {(cell.variant, rate_of(cell), cell.seed) for cell in trials}
    assert found == {(v, r, s) for v in TUNING["variants"] for r in RATES for s in TUNING["seeds"]}
    assert {cell.role for cell in trials} == {"tuning"}
    assert len({cell.run.identity for cell in [*trials, *grid_of(resolved, pictures_in(tmp_path))]}) == 18 + 3
    assert trials[1].label == "base rate 0.01 seed 7"


def test_a_trial_is_the_run_that_the_rate_would_give_a_study(resolved, tmp_path):
    """What was searched needs no second training when a study is given that rate and seed."""
    plain = project(tmp_path / "plain", seeds=[7], tuning=None, training={**STUDY["training"], "learning_rate": 0.1})
    (base, *_) = grid_of(load_study(plain, "small"), pictures_in(tmp_path))
    assert base.run.identity in {cell.run.identity for cell in trials_of(resolved, pictures_in(tmp_path))}


def test_a_study_without_a_search_is_left_alone(tmp_path):
    plain = load_study(project(tmp_path / "project", tuning=None), "small")
    assert trials_of(plain, pictures_in(tmp_path)) == []
    assert with_tuned_rates(plain, [], {}) is plain


def test_the_report_is_trained_with_the_rates_that_won(resolved, tmp_path):
    trials = trials_of(resolved, pictures_in(tmp_path))
    finish_all(trials, {"base": 0.01, "no_weight_decay": 0.1})
    tuned = with_tuned_rates(resolved, trials, {})
    assert {variant: settings.training.learning_rate for variant, settings in tuned.settings.items()} == {
        "base": 0.01,
        "no_weight_decay": 0.1,
        "dense": resolved.settings["dense"].training.learning_rate,
    }
    assert {variant: found.record() for variant, found in tuned.tuned.items()} == {
        "base": {"rate": 0.01, "interior": True, "criterion": "iterations"},
        "no_weight_decay": {"rate": 0.1, "interior": False, "criterion": "iterations"},
    }
    assert "training.learning_rate: 0.01 -> 0.1" in tuned.deviations["no_weight_decay"]
    assert not any("learning_rate" in line for line in tuned.deviations["base"])
    assert describe_rates(tuned.tuned)[1].startswith("no_weight_decay: learning rate 0.1 (fewest iterations")
    assert "at the edge of the grid" in describe_rates(tuned.tuned)[1]
    before, after = (
        {cell.label: cell.run.identity for cell in grid_of(study, pictures_in(tmp_path))} for study in (resolved, tuned)
    )
    assert {label for label in before if before[label] != after[label]} == {"no_weight_decay seed 1"}


def test_an_unfinished_search_is_named(resolved, tmp_path):
    trials = trials_of(resolved, pictures_in(tmp_path))
    finish_all([cell for cell in trials if cell.variant == "base"], {"base": 0.01})
    assert {cell.variant for cell in unfinished(trials, {})} == {"no_weight_decay"}
    with pytest.raises(UserError, match=r"9 of 18 runs .* rate of no_weight_decay are not finished; run `repro train"):
        with_tuned_rates(resolved, trials, {})


def test_recorded_trials_stand_in_for_missing_runs(resolved, tmp_path):
    trials = trials_of(resolved, pictures_in(tmp_path))
    recorded = {cell.run.identity: Trial(100.0 if rate_of(cell) == 0.01 else None, 0.4) for cell in trials}
    assert with_tuned_rates(resolved, trials, recorded).tuned["base"].rate == 0.01


def test_diverged_and_slow_rates_lose_but_count(resolved, tmp_path):
    trials = trials_of(resolved, pictures_in(tmp_path))
    for cell in trials:
        if rate_of(cell) == 0.1:
            finish(cell, [0.6], status="diverged")
        else:
            finish(cell, [0.9, 0.7 if rate_of(cell) == 0.001 else 0.6])
    found = with_tuned_rates(resolved, trials, {}).tuned["base"]
    assert (found.rate, found.interior, found.criterion) == (0.01, True, "final_train_error")


def test_the_row_of_a_trial_counts_the_pictures_that_it_sees(tmp_path):
    root = project(tmp_path / "project", variants=["base", "share"], tuning={**TUNING, "variants": ["base", "share"]})
    share = {"summary": "s", "changes": {"training.pictures.share": 0.25, "training.pictures.classes": "first_half"}}
    write_yaml(root / "variants.yaml", {"base": {"summary": "s", "changes": {}}, "share": share})
    labels = np.repeat(np.arange(4), 40)
    pictures = np.zeros((len(labels), 4, 4, 3), np.uint8)
    packed = packed_of((pictures, labels), (pictures, labels), ("a", "b", "c", "d"))
    steps = {}
    for cell in trials_of(load_study(root, "small"), pictures_in(tmp_path)):
        finish(cell, [0.9], loss=1.0)
        row = trial_row(cell.run, 0.5, packed)
        assert row["status"] == {"base": "finished", "share": "collapsed"}[cell.variant]  # guessing: ln 4 and ln 2
        steps[cell.variant] = row["scalars"]["steps_per_epoch"]
    batch = STUDY["training"]["batch_size"]
    assert steps == {"base": -(-160 // batch), "share": -(-20 // batch)}


def test_variants_that_start_from_anothers_weights_are_refused(tmp_path):
    root = project(tmp_path / "project", variants=["base", "further"], tuning={**TUNING, "variants": ["further"]})
    further = {"summary": "s", "parent": "base", "changes": {"training.epochs": 3}}
    write_yaml(root / "variants.yaml", {"base": {"summary": "s"}, "further": further})
    with pytest.raises(UserError, match=r"tuning\.variants: further starts from the weights of base"):
        trials_of(load_study(root, "small"), pictures_in(tmp_path))


class TestWholeStudy:
    """Searched, trained, measured, recorded."""

    @pytest.fixture(scope="class")
    @classmethod
    def place(cls, tmp_path_factory) -> Place:
        place = Place(tmp_path_factory.mktemp("search"))
        training = {**STUDY["training"], "epochs": 8, "curve_every_steps": 2, "curve_pictures": 15}
        tuning = {"variants": ["base"], "seeds": [7], "learning_rates": [1e-6, 0.01], "target_error": 0.5}
        project(place.root, variants=["base"], tuning=tuning, training=training)
        miniatures.image_folder(place.folder / "colours")
        place.use(place.folder / "colours", "colours")
        with pytest.MonkeyPatch.context() as patch:
            patch.delenv("REPRO_STORE", raising=False)
            patch.setattr("repro.stages.facts.measure_facts", lambda name: {})
            use_workers_here(patch)
            prepare_stage(Project(place.root), "small", workers=1)
            plan: list[str] = []
            plan_study(Project(place.root), "small", workers=1, echo=plan.append)
            (place.folder / "plan").write_text("\n".join(plan))
            train_stage(Project(place.root), "small", workers=2)
            facts_stage(Project(place.root))
            evaluate_stage(Project(place.root), "small")
            record_evidence(Project(place.root), "small")
        return place

    @pytest.fixture(autouse=True)
    def _store_in_the_project(self, monkeypatch) -> None:
        monkeypatch.delenv("REPRO_STORE", raising=False)

    def test_the_plan_counts_both_phases(self, place):
        plan = (place.folder / "plan").read_text()
        assert "search for learning rates: 2 rates x 1 seeds" in plan
        assert "base: 2 missing" in plan
        assert "waits" in plan
        assert "3 runs to train" in plan
        after: list[str] = []
        plan_study(Project(place.root), "small", workers=1, echo=after.append)
        assert after[-1] == "  nothing is missing"

    def test_the_plan_does_not_take_a_damaged_search_for_an_unfinished_one(self, place, tmp_path, monkeypatch):
        monkeypatch.setenv("REPRO_STORE", str(shutil.copytree(place.store, tmp_path / "store")))
        trial = PreparedStudy.of(Project(place.root), "small").trials()[0].run
        (trial.folder / "log.jsonl").write_text("half a li")
        with pytest.raises(UserError, match=r"log\.jsonl is damaged"):
            plan_study(Project(place.root), "small", workers=1, echo=lambda line: None)

    def test_the_list_of_runs_has_both_roles(self, place):
        rows = json.loads((place.root / "results" / "small" / "runs.json").read_text())["runs"]
        assert [(row["role"], row["seed"], row.get("learning_rate")) for row in rows] == [
            ("tuning", 7, 1e-6),
            ("tuning", 7, 0.01),
            ("report", 1, None),
        ]

    def test_the_evidence_has_the_search_beside_the_report(self, place):
        evidence = load_evidence(place.evidence)
        assert evidence.study.tuned == {"base": {"rate": 0.01, "interior": False, "criterion": "iterations"}}
        assert evidence.study.settings["base"]["training"]["learning_rate"] == 0.01
        assert [run.seed for run in evidence.of("base")] == [1]
        slow, fast = sorted(
            (run for run in evidence.runs if run.role == "tuning"), key=lambda r: r.scalars["learning_rate"]
        )
        assert slow.scalars["iterations_to_target"] is None
        assert fast.scalar("iterations_to_target") <= fast.scalars["steps"] == 24
        assert fast.scalars["train_error"] == fast.curves["train_error"][-1]
        assert min(fast.curves["train_error"]) <= 0.5 < min(slow.curves["train_error"])
        assert set(fast.curves["step"]) == {*range(2, 25, 2), *range(3, 25, 3)}
        assert not any(name.startswith(fast.identity) for name in evidence.arrays)

    def test_evidence_from_before_there_were_searches_loads(self, place, tmp_path):
        older = shutil.copytree(place.evidence, tmp_path / "older")
        study = json.loads((older / "study.json").read_text())
        del study["tuned"]
        write_json(older / "study.json", study)
        assert load_evidence(older).study.tuned == {}

    def test_two_evidences_keep_what_either_found(self, place, tmp_path):
        mine, other = load_evidence(place.evidence), load_evidence(place.evidence)
        other.study = replace(other.study, tuned={})
        merge_evidence(tmp_path / "merged", mine, other)
        assert load_evidence(tmp_path / "merged").study.tuned == mine.study.tuned

    def test_nothing_is_trained_again(self, place, capsys):
        train_stage(Project(place.root), "small", workers=1)
        said = capsys.readouterr().err
        assert "search for learning rates: 2 runs, 2 finished, 0 recorded, 0 to train" in said
        assert "small: 1 runs, 1 finished, 0 recorded, 0 to train" in said

    def test_recorded_evidence_is_accepted_instead_of_all_runs(self, place, tmp_path, monkeypatch):
        monkeypatch.setenv("REPRO_STORE", str(tmp_path / "empty"))
        study = PreparedStudy.of(Project(place.root), "small")
        runs = study.runs()
        assert runs.resolved.tuned["base"].rate == 0.01
        recorded = load_evidence(place.recorded).runs
        assert {cell.run.identity for cell in [*runs.trials, *runs.report]} == {run.identity for run in recorded}
        with pytest.raises(UserError, match="2 of 2 runs of the search"):
            replace(study, recorded=None).runs()

"""What is trained after a change: the runs that it concerns, and no other."""

from __future__ import annotations

import errno
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from repro.files import digest_of_file
from repro.runs.lease import Lease
from tests.project_copy import ROOT, edit_yaml, ended, start_command, write_yaml
from tests.small_project import Place, did, nothing_lost, repro, the_error


def train(place: Place) -> tuple[int, int, int]:
    """`repro train small`; how many runs it found finished, found recorded and trained."""
    said = did(place.root, "train", "small").err
    found = re.search(r"runs, (\d+) finished, (\d+) recorded, (\d+) to train", said)
    assert found is not None, said
    return int(found[1]), int(found[2]), int(found[3])


def study(place: Place, **changes: Any) -> None:
    edit_yaml(place.root / "studies" / "small.yaml", **changes)


def bolder(place: Place, rate: float) -> None:
    """A variant of its own."""
    entry = {"summary": "a larger learning rate", "changes": {"training.learning_rate": rate}}
    edit_yaml(place.root / "variants.yaml", bolder=entry)


def listed(place: Place) -> dict[tuple[str, int], tuple[str, str]]:
    """(variant, seed) -> (identity, digest of the weights), from the train stage's out."""
    runs = json.loads((place.root / "results" / "small" / "runs.json").read_text())["runs"]
    return {(run["variant"], run["seed"]): (run["identity"], run["weights_digest"]) for run in runs}


def sittings(place: Place) -> list[int]:
    return [json.loads(path.read_text())["sittings"] for path in (place.store / "runs").glob("*/run.json")]


def test_a_seed_a_variant_and_a_changed_variant_train_their_own_runs_only(place: Place) -> None:
    first = listed(place)
    with nothing_lost(place.store):
        study(place, seeds=[1, 2])
        assert train(place) == (1, 0, 1)
        study(place, seeds=[1], variants=["base", "bolder"])
        bolder(place, 0.02)
        assert train(place) == (1, 0, 1)
        before = listed(place)
        bolder(place, 0.03)
        assert train(place) == (1, 0, 1)
    after = listed(place)
    assert before["base", 1] == after["base", 1] == first["base", 1]
    assert before["bolder", 1] != after["bolder", 1]
    study(place, seeds=[1, 2], variants=["base"])
    bolder(place, 0.02)
    assert train(place) == (2, 0, 0)  # what was trained before is still there
    assert sittings(place) == [1] * 4


def _comment(path: Path) -> None:
    path.write_text("# A remark.\n" + path.read_text() + "\n# Another.\n")


def _registry(place: Place) -> None:
    """Other margins and another threshold of a gate."""
    path = place.root / "claims" / "statements.yaml"
    registry = yaml.safe_load(path.read_text())
    registry["gates"]["trained"]["training_error_below_share_of_chance"] = 0.25
    for statement in registry["statements"]:
        if statement["id"] == "S61c":
            statement["test"]["minimum_n"] = 5
    write_yaml(path, registry)


UNRELATED = {
    "a comment in the study": lambda place: _comment(place.root / "studies" / "small.yaml"),
    "a comment on the variants": lambda place: _comment(place.root / "variants.yaml"),
    "a summary": lambda place: study(place, summary="Said in another way."),
    "the family": lambda place: study(place, family=["S12", "S61c"]),
    "margins and gates": _registry,
    "how runs are measured": lambda place: study(place, evaluation={"train_sample": 7}),
    "how often the curve is sampled": lambda place: study(place, training={"curve_every": 2}),
    "a variant that the study has not": lambda place: bolder(place, 0.5),
}


@pytest.mark.parametrize("what", UNRELATED)
def test_what_decides_no_number_trains_nothing(what: str, place: Place) -> None:
    before = (place.root / "results" / "small" / "runs.json").read_bytes()
    UNRELATED[what](place)
    with nothing_lost(place.store):
        assert train(place) == (1, 0, 0)
    assert (place.root / "results" / "small" / "runs.json").read_bytes() == before


def test_recorded_evidence_stands_in_for_runs(place: Place) -> None:
    """A study that was trained elsewhere: its rows are taken as they are, and nothing is trained again."""
    rows, weights = (place.evidence / "runs.jsonl").read_bytes(), listed(place)
    arrays = digest_of_file(place.evidence / "arrays.npz")
    did(place.root, "record", "small")
    (place.store / "runs").rename(place.folder / "runs of the other machine")
    assert train(place) == (0, 1, 0)
    assert listed(place) == weights
    did(place.root, "evaluate", "small")
    assert (place.evidence / "runs.jsonl").read_bytes() == rows
    assert digest_of_file(place.evidence / "arrays.npz") == arrays
    assert not (place.store / "runs").exists()


def test_a_switch_trains_finished_runs_anew_and_compares(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    before, identity = listed(place), place.run.name
    monkeypatch.setenv("REPRO_RETRAIN", "1")
    said = did(place.root, "train", "small").err
    assert f"{identity} trained anew: the same weights" in said
    assert listed(place) == before
    (old,) = (place.store / "set-aside").iterdir()
    assert digest_of_file(old / "weights.safetensors") == before["base", 1][1]


def test_only_one_variant_or_seed_on_demand(place: Place) -> None:
    study(place, seeds=[1, 2], variants=["base", "bolder"])
    bolder(place, 0.02)
    out = (place.root / "results" / "small" / "runs.json").read_bytes()
    said = did(place.root, "train", "small", "--variant", "base", "--seed", "1").err
    assert "1 runs, 1 finished, 0 recorded, 0 to train" in said
    assert (place.root / "results" / "small" / "runs.json").read_bytes() == out  # says nothing of a whole study


def test_two_prepares_at_once_make_the_pictures_once(place: Place) -> None:
    before = (place.root / "results" / "small" / "prepared.json").read_bytes()
    manifest = (place.packed / "manifest.json").read_bytes()
    (place.store / "pictures").rename(place.folder / "away")
    both = [ended(process) for process in [start_command(place.root, "prepare", "small") for _ in range(2)]]
    assert [process.returncode for process in both] == [0, 0], both
    assert (place.root / "results" / "small" / "prepared.json").read_bytes() == before
    assert (place.packed / "manifest.json").read_bytes() == manifest
    assert [path.name for path in (place.store / "pictures").iterdir() if path.is_dir()] == [place.packed.name]


# ---- what a plan says --------------------------------------------------------------------------------


def planned(place: Place) -> str:
    return did(place.root, "plan", "small").out


def test_the_plan_names_each_runs_state_and_the_cost_of_the_rest(place: Place) -> None:
    assert "nothing is missing" in planned(place)
    study(place, seeds=[1, 2])
    assert re.search(r"base +done +missing", planned(place))
    assert re.search(r"1 runs to train: [\d.]+ core-hours.*disk: .* GB.*memory: ", planned(place), re.DOTALL)
    place.run.joinpath("run.json").rename(place.folder / "run.json")
    (place.run / "checkpoint.pt").write_bytes(b"half")
    assert re.search(r"base +begun +missing", planned(place))
    with Lease(place.run / "lease.json"):
        assert re.search(r"base +running +missing", planned(place))
    (place.root / "results" / "small" / "prepared.json").unlink()
    assert "not prepared yet: `repro prepare small`" in planned(place)


def test_the_plan_takes_a_cores_rate_from_runs_on_cores_alone(place: Place) -> None:
    study(place, seeds=[1, 2])
    assert "the median of 1 finished runs" in planned(place)
    record = place.run / "run.json"
    result = json.loads(record.read_text())
    result["provenance"]["accelerators"] = ["a card"]
    record.write_text(json.dumps(result))
    assert "a guess: no run of this study has been timed on a core here" in planned(place)


def test_the_plan_knows_what_is_recorded(place: Place) -> None:
    did(place.root, "record", "small")
    (place.store / "runs").rename(place.folder / "away")
    assert re.search(r"base +recorded\n", planned(place))


def test_the_plan_says_what_is_wrong_where_it_is_not_the_pictures(place: Place) -> None:
    did(place.root, "record", "small")
    (place.recorded / "runs.jsonl").write_text("half a li")
    answer = repro(place.root, "plan", "small")
    assert "evidence/small/runs.jsonl line 1" in the_error(answer)
    assert "not prepared" not in answer.out


def test_pruning_lists_and_then_removes_what_no_study_needs(place: Place) -> None:
    study(place, seeds=[1, 2])
    train(place)
    study(place, seeds=[2])
    unneeded, needed = (listed(place)["base", seed][0] for seed in (1, 2))
    old = place.packed.with_name("0123456789abcdef0123")
    old.mkdir()
    (old / "train_labels.npy").write_bytes(b"old")
    measured = place.store / "measurements" / unneeded
    measured.mkdir(parents=True)
    (measured / "errors.npz").write_bytes(b"of a run that is gone")
    repeated, aside = place.store / "repeats" / f"{needed}-1", place.store / "set-aside" / f"{needed}-1"
    for folder in (repeated / "runs" / needed, aside):
        folder.mkdir(parents=True)
        (folder / "result.json").write_bytes(b"trained before")
    with nothing_lost(place.store):
        said = did(place.root, "plan", "--prune").out
    assert f"not needed: run {unneeded} (base seed 1), " in said
    assert f"not needed: pictures {old.name}, " in said
    assert f"not needed: measurements {unneeded} (base seed 1), " in said
    assert f"not needed: repeats {repeated.name} (base seed 2), 0.0 MB" in said
    assert f"not needed: set-aside {aside.name} (base seed 2), " in said
    assert f"run {needed}" not in said
    assert "--prune --yes" in said
    said = did(place.root, "plan", "--prune", "--yes").out
    assert f"removed: run {unneeded}" in said
    assert [path.name for path in (place.store / "runs").iterdir()] == [needed]
    assert not old.exists()
    assert not measured.exists()
    assert not repeated.exists()
    assert not aside.exists()
    assert place.packed.is_dir()
    assert "everything in" in did(place.root, "plan", "--prune").out


def test_what_no_list_names_is_named_by_what_it_says_of_itself(place: Place) -> None:
    study(place, seeds=[2])
    (place.root / "results" / "small" / "runs.json").unlink()
    assert f"not needed: run {place.run.name} (seed 1), " in did(place.root, "plan", "--prune").out
    (place.run / "run.json").unlink()
    assert f"not needed: run {place.run.name} (seed 1, unfinished), " in did(place.root, "plan", "--prune").out
    (place.run / "settings.json").write_text("half")
    assert f"not needed: run {place.run.name} (unreadable, unfinished), " in did(place.root, "plan", "--prune").out


def test_a_study_that_is_not_listed_in_params_needs_its_runs_too(place: Place) -> None:
    write_yaml(place.root / "params.yaml", {"studies": {}})
    with nothing_lost(place.store):
        assert "everything in" in did(place.root, "plan", "--prune", "--yes").out
    study(place, seeds=[2])
    assert f"not needed: run {place.run.name}" in did(place.root, "plan", "--prune").out
    study(place, seeds="all")
    with nothing_lost(place.store):
        assert "what small needs is not known, so nothing is pruned" in did(place.root, "plan", "--prune", "--yes").out


def test_nothing_is_pruned_while_a_studys_needs_are_unknown(place: Place) -> None:
    study(place, seeds=[2])
    (place.root / "results" / "small" / "prepared.json").unlink()
    with nothing_lost(place.store):
        assert "nothing is pruned" in did(place.root, "plan", "--prune", "--yes").out


def test_what_cannot_be_removed_is_not_told_as_removed(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    old = place.packed.with_name("0123456789abcdef0123")
    old.mkdir()
    (old / "train_labels.npy").write_bytes(b"old")

    def refuse(path: Path) -> None:
        raise OSError(errno.EROFS, "Read-only file system", "train_labels.npy")  # as shutil names it

    monkeypatch.setattr("shutil.rmtree", refuse)
    answer = repro(place.root, "plan", "--prune", "--yes")
    assert the_error(answer) == f"error: cannot remove pictures {old.name} from {place.store}: Read-only file system"
    assert "removed:" not in answer.out


def test_what_starts_and_watches_runs_does_not_wait_for_torch() -> None:
    """The runs' processes have it; importing it here before they start doubled the time to the first step."""
    script = "import sys, repro.stages.train; print('torch' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"

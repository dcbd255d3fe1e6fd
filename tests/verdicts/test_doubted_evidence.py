"""Evidence that speaks against itself is not judged; runs that do not say how they were made are exploratory."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from repro.errors import UserError
from repro.verdicts.judging.ledger import Ledger, make_ledger
from repro.verdicts.judging.verdict import Verdict
from repro.verdicts.registry.registry import Registry
from repro.verdicts.telling.explain import explanation
from tests.made_up import MadeUp
from tests.small_project import repro, the_error

ROOT = Path(__file__).resolve().parents[2]
CLAIMS = ROOT / "claims"
Rows = list[dict[str, Any]]


@pytest.fixture
def made(registry: Registry) -> MadeUp:
    """A study of weight decay that was registered before its runs and supports S61c."""
    return MadeUp(
        study="doubted",
        variants=("base", "no_weight_decay"),
        family=("S61c",),
        registry={"S61c": registry.digest("S61c")},
        registered={},
        effects={"no_weight_decay": {"train_error_as_trained": 0.03}},
    )


def on_s61c(ledger: Ledger) -> Verdict:
    verdict = ledger.find("S61c", ledger.studies[0]).verdict
    assert verdict is not None
    return verdict


def changed(folder: Path, change: Callable[[dict[str, Any], Rows], None]) -> Path:
    """The evidence with its files edited."""
    study = json.loads((folder / "study.json").read_text())
    rows = [json.loads(line) for line in (folder / "runs.jsonl").read_text().splitlines()]
    change(study, rows)
    (folder / "study.json").write_text(json.dumps(study))
    (folder / "runs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def test_evidence_that_is_what_it_says_is_judged(made: MadeUp, tmp_path: Path) -> None:
    verdict = on_s61c(make_ledger(CLAIMS, [made.write(tmp_path / "made")]))
    assert verdict.outcome == "supported"
    assert "exploratory" not in verdict.flags


# ---- attacks ---------------------------------------------------------------------------------------------


def few_seeds_named_often(made: MadeUp, folder: Path) -> Path:
    """Three runs an arm that stand for twelve."""

    def repeated(study: dict[str, Any], rows: Rows) -> None:
        study["seeds"] = [0, 1, 2] * 4
        for row in rows:
            row["registered"]["seeds"] = [0, 1, 2] * 4

    return changed(replace(made, seeds=range(3)).write(folder), repeated)


def two_runs_under_twelve_seeds(made: MadeUp, folder: Path) -> Path:
    """Identities follow from the seeds, but the weights are two runs'."""
    weights = {
        (variant, seed): {"tensors_digest": f"of {variant} seed {seed % 2}"}
        for variant in made.variants
        for seed in made.seeds
    }
    return replace(made, provenance=weights).write(folder)


def a_run_beside_another_of_its_seed(made: MadeUp, folder: Path) -> Path:
    def again(study: dict[str, Any], rows: Rows) -> None:
        better = {**rows[0], "identity": "0" * 20, "scalars": {**rows[0]["scalars"], "train_error_as_trained": 0.0}}
        better["provenance"] = {**rows[0]["provenance"], "tensors_digest": "others"}
        rows.append(better)

    return changed(made.write(folder), again)


def two_training_versions(made: MadeUp, folder: Path) -> Path:
    return replace(made, provenance={("base", seed): {"training_version": 7} for seed in range(6)}).write(folder)


def other_settings_than_trained(made: MadeUp, folder: Path) -> Path:
    def decayed(study: dict[str, Any], rows: Rows) -> None:
        study["settings"]["base"]["training"]["learning_rate"] = 0.02

    return changed(made.write(folder), decayed)


ATTACKS = {
    few_seeds_named_often: "names seeds 0, 1, 2 more than once",
    two_runs_under_twelve_seeds: "have the same weights under different identities",
    a_run_beside_another_of_its_seed: "base seed 0 (role report) has 2 runs",
    two_training_versions: "different training versions, 18 of version 1, 6 of version 7",
    other_settings_than_trained: "does not follow from its recorded settings",
}
Attack = Callable[[MadeUp, Path], Path]


@pytest.mark.parametrize("attack", ATTACKS)
def test_evidence_that_contradicts_itself_is_not_judged(attack: Attack, made: MadeUp, tmp_path: Path) -> None:
    folder = attack(made, tmp_path / "attack")
    with pytest.raises(UserError) as caught:
        make_ledger(CLAIMS, [folder])
    told = str(caught.value)
    assert told.startswith(f"{folder} ")
    assert ATTACKS[attack] in told
    assert len(told) < 1000


def test_nothing_else_is_judged_beside_it(made: MadeUp, tmp_path: Path) -> None:
    honest, attack = made.write(tmp_path / "honest"), two_training_versions(made, tmp_path / "attack")
    with pytest.raises(UserError, match="attack"):
        make_ledger(CLAIMS, [honest, attack])
    with pytest.raises(UserError, match="attack"):
        explanation(ROOT, CLAIMS, "S61c", [attack])


def test_the_commands_say_so_in_one_line(made: MadeUp, tmp_path: Path) -> None:
    folder = two_runs_under_twelve_seeds(made, tmp_path / "attack")
    error = the_error(repro(ROOT, "explain", "S61c", "--evidence", str(folder)))
    assert str(folder) in error
    assert "the same weights" in error


# ---- what was not recorded ----------------------------------------------------------------------------------


def test_runs_that_do_not_say_how_they_were_made_are_exploratory(made: MadeUp, tmp_path: Path) -> None:
    verdict = on_s61c(make_ledger(CLAIMS, [replace(made, traced=False).write(tmp_path / "older")]))
    assert verdict.outcome == "supported"
    assert "exploratory" in verdict.flags
    assert "; exploratory: its runs do not say which training version made them" in verdict.reason
    assert "digest of their weights" in verdict.reason


@pytest.mark.parametrize(
    ("key", "said"), [("training_version", "which training version"), ("tensors_digest", "the digest of their weights")]
)
def test_one_such_run_is_enough(key: str, said: str, made: MadeUp, tmp_path: Path) -> None:
    older = replace(made, provenance={("base", 3): {key: None}})
    verdict = on_s61c(make_ledger(CLAIMS, [older.write(tmp_path / "older")]))
    assert "exploratory" in verdict.flags
    assert f"exploratory: some of its runs do not say {said}" in verdict.reason


def test_runs_that_a_claim_does_not_read_do_not_make_it_exploratory(
    made: MadeUp, registry: Registry, tmp_path: Path
) -> None:
    older = replace(made, variants=(*made.variants, "tanh"), provenance={("tanh", 3): {"tensors_digest": None}})
    assert "exploratory" not in on_s61c(make_ledger(CLAIMS, [older.write(tmp_path / "older")])).flags


def test_settings_of_runs_without_a_version_need_not_be_readable(made: MadeUp, tmp_path: Path) -> None:
    """There is no identity to check then; the verdict is exploratory, not refused."""

    def unknown(study: dict[str, Any], rows: Rows) -> None:
        study["settings"]["base"]["training"]["a setting of an older program"] = 1

    folder = changed(replace(made, traced=False).write(tmp_path / "older"), unknown)
    assert "exploratory" in on_s61c(make_ledger(CLAIMS, [folder])).flags

"""The registry: complete, typed, and digested by what decides verdicts alone."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from repro.errors import UserError
from repro.verdicts import specialisation
from repro.verdicts.claim import Claim, load_claims
from repro.verdicts.forms_registered import FORMS
from repro.verdicts.registry import Registry, claims_folder, load_registry

CLAIMS = Path(__file__).resolve().parents[2] / "claims"


def _raw() -> dict[str, Any]:
    value: dict[str, Any] = yaml.safe_load((CLAIMS / "statements.yaml").read_text())
    return value


def _entry(raw: dict[str, Any], statement: str) -> dict[str, Any]:
    found: dict[str, Any] = next(row for row in raw["statements"] if row["id"] == statement)
    return found


def _written(raw: dict[str, Any], folder: Path) -> Path:
    path = folder / "statements.yaml"
    path.write_text(yaml.safe_dump(raw))
    return path


def test_all_117_statements_are_there_in_order(registry: Registry) -> None:
    ids = [entry.id for entry in registry]
    assert len(ids) == 117
    assert ids == sorted(ids)
    assert {int(identity[1:3]) for identity in ids} == set(range(1, 95))


def test_each_statement_with_a_test_has_a_claim_and_the_other_way_round(
    registry: Registry, claims: dict[str, Claim]
) -> None:
    assert {entry.id for entry in registry if entry.test is not None} == set(claims)
    assert len(claims) >= 45


def test_claims_stand_in_the_file_of_their_section(registry: Registry, claims: dict[str, Claim]) -> None:
    for statement, claim in claims.items():
        section = registry[statement].section
        number = "0" if section == "abstract" else section[0]
        assert claim.path.name.startswith(f"test_{number}_")


def test_statements_are_sentences_without_shouting(registry: Registry) -> None:
    for entry in registry:
        assert entry.statement.endswith(".")
        assert not re.search(r"\b(novel|groundbreaking)\b", entry.statement)


def test_untestable_statements_say_why(registry: Registry) -> None:
    reasons = [entry.untestable for entry in registry if entry.untestable is not None]
    assert reasons
    assert all(len(reason) > 8 for reason in reasons)


def test_thresholds_in_the_registry_are_those_that_the_code_uses(registry: Registry) -> None:
    rule = registry.gates.kernels_moved
    assert rule.live_kernels_per_tower_at_least == specialisation.FEWEST_LIVE
    assert rule.dead_share_per_tower_at_most == specialisation.MOST_EXCLUDED
    for statement in ("S76", "S78"):
        assert registry[statement].test.threshold == specialisation.ENOUGH
    assert registry["S78"].test.level == specialisation.LEVEL


def test_digest_ignores_prose_and_sees_margins_and_gates(registry: Registry, tmp_path: Path) -> None:
    def digest(change: Any) -> str:
        raw = _raw()
        change(raw)
        return load_registry(_written(raw, _fresh(tmp_path))).digest("S61c")

    before = registry.digest("S61c")
    assert digest(lambda raw: _entry(raw, "S61c").update(statement="Other words.")) == before
    assert digest(lambda raw: _entry(raw, "S61c")["test"].update(arms="other words")) == before
    assert digest(lambda raw: _entry(raw, "S61c").update(paper="7")) == before
    assert (
        digest(lambda raw: raw["gates"]["kernels_moved"].update(mean_cosine_with_initial_below=0.5)) == before
    )
    assert digest(lambda raw: _entry(raw, "S61c")["test"].update(larger="second")) != before
    assert digest(lambda raw: _entry(raw, "S61c")["test"].update(smallest_effect=0.01)) != before
    assert digest(lambda raw: _entry(raw, "S61c")["test"].update(metric="train_loss")) != before
    assert digest(lambda raw: raw["gates"]["dose"].update(decay_dose_at_least=0.5)) != before


def test_a_repeat_has_the_digest_of_what_it_repeats_in_its_own(registry: Registry, tmp_path: Path) -> None:
    raw = _raw()
    _entry(raw, "S12")["test"]["larger"] = "second"
    assert load_registry(_written(raw, tmp_path)).digest("S89") != registry.digest("S89")


def _fresh(folder: Path) -> Path:
    fresh = folder / str(len(list(folder.iterdir())))
    fresh.mkdir()
    return fresh


@pytest.mark.parametrize(
    ("statement", "change", "said"),
    [
        ("S61c", {"test": {"form": "directon"}}, r"directon.*allowed.*direction"),
        ("S61c", {"kind": "statistic"}, r"S61c.*kind.*statistic.*definition"),
        ("S61c", {"sttement": "x"}, r"S61c.*unknown key sttement"),
        ("S61c", {"untestable": "why"}, r"S61c.*untestable and test"),
        ("S89", {"repeats": "S99"}, r"S89.*S99"),
        ("S89", {"repeats": "S56a"}, r"S89.*S56a"),
        ("S61c", {"known_erratum": "why"}, r"S61c.*known_erratum"),
        ("S61c", {"id": "61c"}, r"id: '61c'"),
        ("S61c", {"id": "S12"}, r"S12 stands there twice"),
    ],
)
def test_mistakes_are_named(statement: str, change: dict[str, Any], said: str, tmp_path: Path) -> None:
    raw = _raw()
    _entry(raw, statement).update(change)
    with pytest.raises(UserError, match=said):
        load_registry(_written(raw, tmp_path))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"metrc": "train_error"}, r"test: unknown key metrc; allowed.*metric"),
        ({"metric": "accuracy"}, r"metric: 'accuracy'.*train_error"),
        ({"gates": ["traned"]}, r"gates.0: 'traned'.*trained"),
        ({"smallest_effect": -1.0}, r"smallest_effect: -1.0"),
        ({"minimum_n": 1}, r"minimum_n: 1"),
    ],
)
def test_mistakes_in_a_test_are_named(change: dict[str, Any], said: str, tmp_path: Path) -> None:
    raw = _raw()
    _entry(raw, "S61c")["test"].update(change)
    with pytest.raises(UserError, match=rf"S61c.*{said}"):
        load_registry(_written(raw, tmp_path))


def test_a_later_schema_and_a_file_that_is_no_registry_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="schema"):
        load_registry(_written({**_raw(), "schema": 2}, _fresh(tmp_path)))
    with pytest.raises(UserError, match="statements"):
        load_registry(_written({"schema": 1, "statements": []}, _fresh(tmp_path)))


def test_every_form_is_used_or_decided_here() -> None:
    used = {row["test"]["form"] for row in _raw()["statements"] if "test" in row}
    assert used == set(FORMS)


def test_claims_folder_is_found_beside_the_sources(tmp_path: Path) -> None:
    assert claims_folder(tmp_path) == CLAIMS
    (tmp_path / "claims").mkdir()
    (tmp_path / "claims" / "statements.yaml").write_text("schema: 1")
    assert claims_folder(tmp_path) == tmp_path / "claims"


def test_two_claims_for_one_statement_and_a_wrong_parameter_are_refused(tmp_path: Path) -> None:
    header = "from repro.verdicts.claim import claim\n\n"
    one = '@claim("S04")\ndef test_{}({}):\n    pass\n\n'
    (tmp_path / "test_a.py").write_text(
        header + one.format("a", "definition") + one.format("b", "definition")
    )
    with pytest.raises(UserError, match="test_b claims S04, and so does test_a"):
        load_claims(tmp_path)
    (tmp_path / "test_a.py").write_text(header + one.format("a", "data"))
    with pytest.raises(UserError, match="test_a must take one parameter"):
        load_claims(tmp_path)


def test_loading_claims_twice_gives_the_same(claims: dict[str, Claim]) -> None:
    assert list(load_claims(CLAIMS)) == list(claims)


def test_variants_name_the_statements_that_read_them(registry: Registry) -> None:
    readers: dict[str, set[str]] = {}
    for entry in registry:
        for variant in getattr(registry[registry.original(entry.id)].test, "variants", ()):
            readers.setdefault(variant, set()).add(entry.id)
    variants = yaml.safe_load((CLAIMS.parent / "variants.yaml").read_text())
    assert set(readers) <= set(variants)
    assert {name: set(variants[name]["needed_by"]) for name in readers} == readers

"""The registry: complete, typed, and digested by what decides verdicts alone."""

from __future__ import annotations

import copy
import json
import re
from functools import lru_cache
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from repro.errors import UserError
from repro.study.load import load_variants
from repro.verdicts.authoring.claim import Claim, load_claims
from repro.verdicts.registry.metrics import METRICS, Metric
from repro.verdicts.registry.registry import Registry, claims_folder, load_registry
from repro.verdicts.registry.test_types import FORMS

CLAIMS = Path(__file__).resolve().parents[2] / "claims"


def _raw() -> dict[str, Any]:
    return copy.deepcopy(_parsed())


@lru_cache(maxsize=1)
def _parsed() -> dict[str, Any]:
    value: dict[str, Any] = yaml.safe_load((CLAIMS / "statements.yaml").read_text())
    return value


def _entry(raw: dict[str, Any], statement: str) -> dict[str, Any]:
    found: dict[str, Any] = next(row for row in raw["statements"] if row["id"] == statement)
    return found


def _written(raw: dict[str, Any], folder: Path) -> Path:
    path = folder / "statements.yaml"
    path.write_text(json.dumps(raw))  # YAML too
    return path


def test_statements_are_there_in_order_and_none_is_left_out(registry: Registry) -> None:
    ids = [entry.id for entry in registry]
    assert ids == sorted(set(ids))
    letters: dict[int, str] = {}
    for identity in ids:
        letters[int(identity[1:3])] = letters.get(int(identity[1:3]), "") + identity[3:]
    assert list(letters) == list(range(1, len(letters) + 1))
    assert all("abcdef".startswith(found) for found in letters.values())


def test_every_statement_has_a_claim_repeats_one_or_says_why_not(registry: Registry, claims: dict[str, Claim]) -> None:
    ways = {entry.id: [entry.test, entry.repeats, entry.untestable] for entry in registry}
    assert [name for name, found in ways.items() if sum(way is not None for way in found) != 1] == []
    assert {entry.id for entry in registry if entry.test is not None} == set(claims)
    assert sum(entry.untestable is None for entry in registry) >= 95
    assert all(registry[entry.repeats].test is not None for entry in registry if entry.repeats is not None)


def test_a_statement_with_nothing_to_decide_it_is_noticed(tmp_path: Path) -> None:
    raw = _raw()
    del _entry(raw, "S30")["test"]
    entry = load_registry(_written(raw, tmp_path))["S30"]
    assert (entry.test, entry.repeats, entry.untestable, entry.scope) == (None, None, None, None)


def test_claims_stand_in_the_file_of_their_section(registry: Registry, claims: dict[str, Claim]) -> None:
    for statement, claim in claims.items():
        section = registry[statement].section
        number = "0" if section == "abstract" else section[0]
        assert claim.path.name.startswith(f"test_{number}_")


def test_every_statement_says_where_in_the_paper_it_stands(registry: Registry) -> None:
    place = r"(abstract|figure \d|table \d|sections? \d(\.\d)?( and \d(\.\d)?)?)"
    for entry in registry:
        assert re.fullmatch(rf"{place}([;,] {place})*(, (footnote|caption))?", entry.source or ""), entry.id
        assert entry.section in entry.source or re.search("figure|table", entry.source), entry.id


def test_a_source_decides_nothing(registry: Registry, tmp_path: Path) -> None:
    raw = _raw()
    _entry(raw, "S61c")["source"] = "page 6"
    assert load_registry(_written(raw, tmp_path)).digest("S61c") == registry.digest("S61c")


def test_statements_are_sentences_without_shouting(registry: Registry) -> None:
    for entry in registry:
        assert entry.statement.endswith(".")
        assert not re.search(r"\b(novel|groundbreaking)\b", entry.statement)


def test_untestable_statements_say_why(registry: Registry) -> None:
    reasons = [entry.untestable for entry in registry if entry.untestable is not None]
    assert reasons
    assert all(len(reason) > 8 for reason in reasons)


def test_digest_ignores_prose_and_sees_margins_and_gates(registry: Registry, tmp_path: Path) -> None:
    def digest(change: Any) -> str:
        raw = _raw()
        change(raw)
        return load_registry(_written(raw, _fresh(tmp_path))).digest("S61c")

    before = registry.digest("S61c")
    assert digest(lambda raw: _entry(raw, "S61c").update(statement="Other words.")) == before
    assert digest(lambda raw: _entry(raw, "S61c")["test"].update(arms="other words")) == before
    assert digest(lambda raw: _entry(raw, "S61c").update(paper="7")) == before
    assert digest(lambda raw: raw["gates"]["kernels_moved"].update(mean_cosine_with_initial_below=0.5)) == before
    assert digest(lambda raw: _entry(raw, "S61c")["test"].update(larger="second")) != before
    assert digest(lambda raw: _entry(raw, "S61c")["test"].update(smallest_effect=0.01)) != before
    assert digest(lambda raw: _entry(raw, "S61c")["test"].update(metric="train_loss")) != before
    assert digest(lambda raw: _entry(raw, "S61c")["test"].update(otherwise=["base", "dense"])) != before
    assert digest(lambda raw: _entry(raw, "S61c")["test"].update(planned_effect=0.5)) == before
    assert digest(lambda raw: raw["gates"]["dose"].update(decay_dose_at_least=0.5)) != before


DIGESTS = {
    "S12": "79a9ec1cdc156f2edf6a20034818f5323ec261d86a3beee66e2436179b6b7eb6",
    "S61b": "5e7b9199654d611572e3851ab950498e15c380d1c5839123780d8026403538b6",
    "S61c": "ee89a07b70ee0e421de2266c9840bfd7a0e6fbe3fc28e0511b40e36c78735547",
    "S76": "e38957c4983ad3691d64ca502b9b09f5ac2bc2a8ce21166db3cc093a1ab5dacc",
    "S77": "406e88a166a5c5888d7164a0ec33e44134bd5b7e274805f7e08f54ccb0c1e9be",
    "S78": "671fb984cd44fd4045f31aadbe137624181924588f1a5332aa4d4cacf5593495",
    "S90": "a20fb8c29cb1f5027b672593f9e04eac1d8b7cde12fa17ef4b19f28875ac959c",
}


def test_entries_that_runs_have_noted_keep_their_digests(registry: Registry) -> None:
    """Runs note what was registered when they began. Whoever changes one of these tests makes them exploratory."""
    assert {name: registry.digest(name) for name in DIGESTS} == DIGESTS


def test_a_condition_in_a_test_enters_its_digest_but_for_its_plan(registry: Registry, tmp_path: Path) -> None:
    def digest(**change: Any) -> str:
        raw = _raw()
        _entry(raw, "S84")["test"]["conditions"][0].update(change)
        return load_registry(_written(raw, _fresh(tmp_path))).digest("S84")

    assert digest(planned_effect=0.9) == registry.digest("S84")
    assert digest(above=0.5) != registry.digest("S84")


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
        ({"unit": "points"}, r"unknown key unit"),
        ({"more_than": -0.1}, r"more_than: -0.1"),
        ({"at_paper_scale": {"lower": "much"}}, r"at_paper_scale.*lower: 'much'"),
    ],
)
def test_mistakes_in_a_test_are_named(change: dict[str, Any], said: str, tmp_path: Path) -> None:
    raw = _raw()
    _entry(raw, "S61c")["test"].update(change)
    with pytest.raises(UserError, match=rf"S61c.*{said}"):
        load_registry(_written(raw, tmp_path))


@pytest.mark.parametrize(
    ("statement", "change", "said"),
    [
        ("S84", {"conditions": [{"metric": "cat_share"}]}, r"conditions.0.*no bound; exactly one"),
        ("S84", {"conditions": [{"metric": "cat_share", "above": 0.1, "below": 0.2}]}, r"above and below"),
        ("S84", {"conditions": [{"metric": "cat_share", "above": "dog_share"}]}, r"dog_share"),
        ("S84", {"conditions": [{"metric": "cat_share", "near": "held_out_error"}]}, r"near and within"),
        (
            "S84",
            {"conditions": [{"metric": "held_out_error", "below": "ten_view_error", "of_chance": True}]},
            r"of_chance",
        ),
        ("S84", {"conditions": []}, r"conditions"),
        ("S54", {"second": "centre"}, r"second: 'centre'.*ten_views"),
        ("S54", {"first": "centre"}, r"unknown key first"),
        ("S20", {"target": 2}, r"target: 2"),
        ("S20", {"variants": ["tanh", "base", "sigmoid"]}, r"variants names 3; this form takes pairs"),
        ("S61c", {"variants": ["base"]}, r"variants names 1; this form takes 2"),
        ("S34b", {"variants": ["base"]}, r"variants names 1; this form takes 2 or more"),
        ("S77", {"variants": ["base", "dense", "tanh"]}, r"variants names 3; this form takes 1 to 2"),
        ("S60a", {"otherwise": ["base", "dropout", "tanh"]}, r"otherwise must name as many as variants"),
        ("S02", {"year": 2011}, r"year: 2011"),
        ("S78", {"recurrence": 0.95}, r"recurrence < contradicted below < one must hold, not 0 < 0.95 < 0.9 < 1"),
        ("S79", {"margin": [0.8, 0.2]}, r"margin from < margin to"),
        ("S54", {"at_paper_scale": {"lower": 0.02, "upper": 0.01}}, r"lower < upper must hold, not 0.02 < 0.01"),
        ("S02", {"numbers": [{"metric": "ten_view_error", "lower": 2, "upper": 1, "printed": 1}]}, r"lower < upper"),
    ],
)
def test_mistakes_in_further_forms_are_named(statement: str, change: dict[str, Any], said: str, tmp_path: Path) -> None:
    raw = _raw()
    _entry(raw, statement)["test"].update(change)
    with pytest.raises(UserError, match=rf"{statement}.*{said}"):
        load_registry(_written(raw, tmp_path))


def test_a_registered_test_may_name_every_metric_that_has_rules() -> None:
    assert set(METRICS) == set(get_args(Metric))


MINIMUM_N = {
    **dict.fromkeys(("any_of", "descending", "per_image"), 5),
    **dict.fromkeys(("direction", "equivalent", "tower_contrast"), 3),
    **dict.fromkeys(("most_runs", "every_run", "fair_coin", "measures", "absolute"), 6),
}


def test_no_form_decides_with_fewer_runs_than_it_can(registry: Registry) -> None:
    for entry in registry:
        test = entry.test
        if entry.scope == "statistical":
            least = MINIMUM_N.get(test.form, 5 if len(test.variants) > 2 else 3)  # speed: of pairs
            assert test.minimum_n >= least, entry.id


def test_several_parts_with_fewer_runs_are_those_that_the_docs_name(registry: Registry) -> None:
    """Two printed differences at the paper's scale are parts too (docs/verdicts.md, "Least seeds")."""
    several = [e.id for e in registry if len(getattr(e.test, "margins", ())) > 1 and e.test.minimum_n < 5]
    assert several == ["S30", "S38", "S41"]
    text = (CLAIMS.parent / "docs" / "verdicts.md").read_text().split("## Least seeds")[1]
    assert "S30, S38 and S41" in text.split("##")[0]


def test_nets_are_judged_once_they_are_trained(registry: Registry) -> None:
    """Decay and depth also need nets that have settled, normalisation must act, kernels must have moved."""
    changed = load_variants(CLAIMS.parent)
    nonlinear = {name for name, variant in changed.items() if "net.activation" in variant.changes}
    for entry in registry:
        if entry.scope != "statistical":
            continue
        gates, variants = entry.test.gates, entry.test.variants
        assert ("learned" if "kernels_moved" in gates else "trained") in gates, entry.id
        shallower = any(name.startswith("remove_conv") and name not in nonlinear for name in variants)
        if (shallower or "no_weight_decay" in variants) and entry.test.form != "speed":
            assert "settled" in gates, entry.id
        assert ("no_normalisation" in variants or "normalised" in variants) == ("normalisation_alive" in gates), (
            entry.id
        )
        assert ("no_weight_decay" in variants) == ("dose" in gates), entry.id
        assert (entry.test.form in ("tower_contrast", "most_runs", "every_run")) == ("both_kinds" in gates), entry.id
        timed = entry.test.form == "speed" and entry.test.target is not None
        assert (timed or bool(nonlinear & set(variants))) == ("tuned" in gates), entry.id


def test_a_direction_of_which_the_paper_gives_the_size_has_a_smallest_effect_at_its_scale(registry: Registry) -> None:
    """Half of the paper's number, where no margin around it is registered: else a true zero is never contradicted."""
    sized = {
        entry.id
        for entry in registry
        if entry.scope == "statistical" and hasattr(entry.test, "margins") and re.search(r"\d", entry.paper or "")
    }
    without = {name for name in sized if not registry[name].test.margins}
    # S39 is of CIFAR-10, where no study is at the paper's scale; S72 trains on halves of the classes, not on ImageNet
    # whole, so its number is of another experiment.
    assert without == {"S39", "S72"}
    assert registry["S12"].test.smallest_effect_at_paper_scale == 0.01  # half of section 7's two points


def test_numbers_of_the_authors_name_a_file_of_their_release(registry: Registry) -> None:
    named = [entry for entry in registry if entry.authors is not None]
    assert len(named) >= 25
    for entry in named:
        for file in entry.authors.file.split(", "):
            assert re.fullmatch(r"(layers|example-layers)/layer[\w-]+\.cfg|convdata_jpeg\.py", file), entry.id


def test_a_repeat_has_the_number_of_what_it_repeats_in_print_nearby(registry: Registry) -> None:
    for name, original in registry.repeats.items():
        assert registry[name].paper is None or registry[original].paper is not None, name


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
    header = "from repro.verdicts.authoring.claim import claim\n\n"
    one = '@claim("S04")\ndef test_{}({}):\n    pass\n\n'
    (tmp_path / "test_a.py").write_text(header + one.format("a", "definition") + one.format("b", "definition"))
    with pytest.raises(UserError, match="test_b claims S04, and so does test_a"):
        load_claims(tmp_path)
    (tmp_path / "test_a.py").write_text(header + one.format("a", "data"))
    with pytest.raises(UserError, match="test_a must take one parameter"):
        load_claims(tmp_path)


def test_loading_claims_twice_gives_the_same(claims: dict[str, Claim]) -> None:
    assert list(load_claims(CLAIMS)) == list(claims)

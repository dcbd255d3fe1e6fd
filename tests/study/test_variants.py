"""The entries of variants.yaml: each is of use somewhere, and those that start from others' weights find them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from repro.errors import UserError
from repro.net.table.layers import layer_table, multiply_adds
from repro.study.identity import TRAINING_VERSION, run_identity
from repro.study.load import ResolvedStudy, load_study, load_variants
from repro.study.settings import Variant
from repro.verdicts.registry.registry import load_registry
from repro.yaml_file import read_yaml
from tests.study.test_load import ROOT, STUDIES, change, project, write

__all__ = ["project"]


@pytest.fixture(scope="module")
def variants() -> dict[str, Variant]:
    return load_variants(ROOT)


@pytest.fixture(scope="module")
def studies(tmp_path_factory) -> dict[str, ResolvedStudy]:
    """All studies, resolved as if every one had data."""
    root = tmp_path_factory.mktemp("project")
    for name in ("studies", "variants.yaml"):
        (root / name).symlink_to(ROOT / name)
    write(root / "params.yaml", {"studies": dict.fromkeys(STUDIES, "procedural")})
    return {name: load_study(root, name) for name in STUDIES}


def add(project: Path, **entries: dict[str, Any]) -> None:
    """Add variants to variants.yaml and to the smoke study."""
    change(project / "variants.yaml", **{name: {"summary": "s", **entry} for name, entry in entries.items()})
    path = project / "studies" / "smoke.yaml"
    change(path, variants=[*read_yaml(path)["variants"], *entries])


def test_every_variant_is_in_a_study(studies, variants):
    assert set(variants) == {name for study in studies.values() for name in study.settings}


def test_every_variant_is_read_by_a_claim_or_is_a_check_of_a_statement(variants):
    """Or its runs are those from whose weights such a one starts."""
    registry = load_registry(ROOT / "claims" / "statements.yaml")
    read = {
        name
        for entry in registry
        for field in ("variants", "otherwise", "beside")
        for name in getattr(entry.test, field, ())
    }
    assert {name for variant in variants.values() for name in variant.check_of} <= set(registry.statements)
    needed = {name for name, variant in variants.items() if name in read or variant.check_of}
    assert set(variants) - needed <= {variants[name].parent for name in needed}


def test_claims_read_variants_that_exist(variants):
    for entry in load_registry(ROOT / "claims" / "statements.yaml"):
        assert {*getattr(entry.test, "variants", ()), *getattr(entry.test, "otherwise", ())} <= set(variants), entry.id


def test_exercise_runs_every_variant_and_judges_every_statement_over_seeds(studies, variants):
    exercise = studies["exercise"]
    assert list(exercise.settings) == list(variants)
    registry = load_registry(ROOT / "claims" / "statements.yaml")
    assert set(exercise.study.family) == {entry.id for entry in registry if entry.scope == "statistical"}


def test_families_are_of_statements_that_runs_decide(studies):
    registry = load_registry(ROOT / "claims" / "statements.yaml")
    for study in studies.values():
        for statement in study.study.family:
            assert registry[registry.original(statement)].scope == "statistical", f"{study.name}: {statement}"


def test_finished_runs_of_the_older_studies_stay_theirs(studies):
    """New settings must not change what a finished run is called; a new TRAINING_VERSION must."""
    known = json.loads(Path(__file__).with_name("identities.json").read_text())
    assert known.pop("training_version") == TRAINING_VERSION
    for name, identities in known.items():
        settings = studies[name].settings
        assert {variant: run_identity(settings[variant], 10, "digest") for variant in identities} == identities


# ---- what some variants must mean ------------------------------------------------------------------------


def widths(study: ResolvedStudy, variant: str) -> tuple[int, ...]:
    return study.settings[variant].net.widths.conv


def test_half_the_net_in_one_tower_is_the_papers_at_full_scale(project):
    """Footnote of section 3.2: about as many parameters as the whole net."""
    change(project / "studies" / "full.yaml", variants=["base", "half_width_one_tower"])
    study = load_study(project, "full")
    assert widths(study, "half_width_one_tower") == (48, 128, 192, 192, 256)
    assert sum(layer.parameters for layer in layer_table(study.settings["half_width_one_tower"].net, 1000)) == 59798312


def test_a_compensated_net_costs_about_as_much_as_the_base(studies):
    settings = studies["exercise"].settings
    costs = {name: multiply_adds(layer_table(value.net, 10)) for name, value in settings.items()}
    assert costs["remove_conv4"] < 0.95 * costs["base"]
    assert abs(costs["remove_conv4_compensated"] / costs["base"] - 1) < 0.02


def test_a_sixth_layer_is_as_wide_as_the_fifth_whatever_the_scale(studies):
    table = {layer.name: layer for layer in layer_table(studies["exercise"].settings["six_conv_layers"].net, 10)}
    assert table["conv6"].out_maps == table["conv5"].out_maps == 48
    assert table["conv6"].reads == "both"
    assert table["conv6"].in_side == table["conv5"].out_side


def test_smaller_sets_of_pictures_are_seen_for_as_many_steps(studies):
    settings = studies["exercise"].settings
    for name in ("quarter_of_pictures", "half_of_pictures"):
        training = settings[name].training
        assert training.pictures.share * training.epochs == settings["base"].training.epochs


# ---- parents ---------------------------------------------------------------------------------------------


def test_a_parent_may_be_all_that_differs(project):
    add(project, grown={"changes": {}, "parent": "base"})
    study = load_study(project, "smoke")
    assert study.parents == {"grown": "base"}
    assert study.settings["grown"] == study.settings["base"]
    assert "initial weights: random -> base" in study.deviations["grown"]
    assert "initial weights: random -> base" not in study.deviations["base"]


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"grown": {"parent": "tanh"}}, r"grown: parent: 'tanh' is not trained in study smoke; list it"),
        ({"grown": {"parent": "nothing"}}, r"grown: parent: 'nothing' is not trained in study smoke"),
        ({"grown": {"parent": "grown"}}, r"grown: parent: grown -> grown is a circle"),
        (
            {"one": {"parent": "other"}, "other": {"parent": "one"}},
            r"one: parent: one -> other -> one is a circle",
        ),
        ({"grown": {"parent": "dense"}}, r"grown: parent: 'dense' has a net with other layers or widths"),
        (
            {"grown": {"parent": "base"}, "again": {"parent": "base"}},
            r"again is the same as grown in study smoke; list one of them in studies/smoke\.yaml",
        ),
        ({"grown": {"parent": 3}}, r"grown: parent: 3 is not allowed"),
    ],
)
def test_parents_that_cannot_be_are_named(project, entries, message):
    add(project, **entries)
    with pytest.raises(UserError, match=rf"^variants\.yaml: {message}"):
        load_study(project, "smoke")


# ---- variants that are no variants -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"training.weight_decay": {"times": 1}},
        {"net.initial_values.biases.conv2": 0.0, "net.initial_values.he_bias": 0.0},  # 0 anyway by the rule `he`
        {"net.geometry.conv6_kernel": 5},  # there is no sixth layer
        {"training.curve_every": 2},
    ],
)
def test_a_change_without_an_effect_is_refused(project, changes):
    add(project, idle={"changes": changes})
    with pytest.raises(UserError, match="idle changes nothing in study smoke"):
        load_study(project, "smoke")


def test_a_net_that_cannot_be_built_is_refused_with_its_variant_and_study(project):
    add(project, vanishing={"changes": {"net.geometry.conv5_kernel": 9}})
    with pytest.raises(UserError, match=r"^variants\.yaml: vanishing in study smoke: .*maps vanish at conv5"):
        load_study(project, "smoke")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"training.weight_decay_dose": 3.0, "training.weight_decay": 0.1}, r"weight_decay: 0\.1 is not read beside"),
        ({"training.weight_decay_dose": 0.0}, r"weight_decay_dose: 0\.0 is not allowed; .*greater than 0"),
        ({"training.pictures.share": 0.0}, r"pictures\.share: 0\.0 is not allowed"),
        ({"training.pictures.share": 1.5}, r"pictures\.share: 1\.5 is not allowed"),
        ({"training.pictures.classes": "third"}, r"pictures\.classes: 'third' is not allowed"),
        ({"training.pictures.half_split": -1}, r"pictures\.half_split: -1 is not allowed"),
        ({"training.pictures.colour": "gray"}, r"pictures\.colour: 'gray' is not allowed; .*'rgb' or 'grey'"),
        ({"net.widths.conv6": "as_conv4"}, r"conv6.*'as_conv4' is not allowed"),
    ],
)
def test_bad_values_are_named(project, changes, message):
    add(project, wrong={"changes": changes})
    with pytest.raises(UserError, match=rf"^variants\.yaml: wrong in study smoke: .*{message}"):
        load_study(project, "smoke")


def test_a_dose_needs_a_planned_schedule(project):
    change(project / "studies" / "full.yaml", variants=["base", "weight_decay_matched"])
    with pytest.raises(UserError, match=r"weight_decay_dose needs schedule\.kind: steps"):
        load_study(project, "full")

"""From files to resolved settings, and what an identity depends on."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from repro.errors import UserError
from repro.net.table.settings import NetSettings
from repro.study.identity import TRAINING_VERSION, run_identity
from repro.study.load import load_study, study_files
from repro.study.settings import RunSettings, TrainingSettings
from repro.yaml_file import read_yaml

ROOT = Path(__file__).parents[2]
STUDIES = sorted(path.stem for path in (ROOT / "studies").glob("*.yaml"))


@pytest.fixture
def project(tmp_path) -> Path:
    """A copy of the project's studies that a test may change."""
    for name in ("studies", "variants.yaml", "params.yaml"):
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / name)
    write(tmp_path / "params.yaml", {"studies": dict.fromkeys(STUDIES, "procedural")})
    return tmp_path


def write(path: Path, value: object) -> None:
    path.write_text(yaml.safe_dump(value))


def change(path: Path, **values: object) -> None:
    write(path, {**read_yaml(path), **values})


def identities(root: Path, study: str = "smoke") -> dict[tuple[str, int], str]:
    resolved = load_study(root, study)
    return {
        (variant, seed): run_identity(settings, seed, "digest of the pictures")
        for variant, settings in resolved.settings.items()
        for seed in resolved.study.seeds
    }


@pytest.mark.parametrize("study", STUDIES)
def test_every_study_resolves_and_names_its_departures_from_the_print(project, study):
    resolved = load_study(project, study)
    assert set(resolved.settings) == set(resolved.study.variants)
    for variant, settings in resolved.settings.items():
        assert RunSettings.model_validate(settings.model_dump(mode="json")) == settings
        if variant != "base":
            assert set(resolved.deviations[variant]) != set(resolved.deviations["base"])


def test_every_run_of_a_study_has_its_own_identity(project):
    found = identities(project)
    assert len(set(found.values())) == len(found)


def test_the_base_of_depth_is_the_base_of_decay(project):
    """So that those runs are trained once; their measuring may differ, but the pictures may not."""
    decay, depth = load_study(project, "decay"), load_study(project, "depth")
    assert depth.settings["base"].data == decay.settings["base"].data
    found, known = identities(project, "depth"), identities(project, "decay")
    shared = {("base", seed) for seed in depth.study.seeds}
    assert shared == set(found) & set(known)
    assert {run: found[run] for run in shared} == {run: known[run] for run in shared}


def test_survey_trains_the_recipe_of_decay_and_shares_no_run(project):
    """A verdict counts only where all of its runs are younger than the registration, so not even the base is shared."""
    survey, decay = load_study(project, "survey"), load_study(project, "decay")
    assert survey.settings["base"] == decay.settings["base"]
    others = {identity for study in ("decay", "depth") for identity in identities(project, study).values()}
    assert not others & set(identities(project, "survey").values())


TUNED_ON = {"n01443537", "n01641577", "n01770393", "n01774384"}


@pytest.mark.parametrize(("study", "number"), [("towers", 46), ("decay", 10), ("depth", 10), ("survey", 10)])
def test_recorded_studies_name_their_classes_and_none_that_the_recipe_was_chosen_on(project, study, number):
    """A number of classes drawn by a seed would be others in a part of the data set than in the whole."""
    classes = load_study(project, study).settings["base"].data.classes
    assert isinstance(classes, tuple)
    assert len(classes) == number
    assert not TUNED_ON & set(classes)


def test_a_new_seed_adds_runs_and_changes_none(project):
    before = identities(project)
    path = project / "studies" / "smoke.yaml"
    change(path, seeds=[*read_yaml(path)["seeds"], 99])
    after = identities(project)
    assert {key: after[key] for key in before} == before
    assert {key for key in after if key not in before} == {(v, 99) for v in read_yaml(path)["variants"]}


def test_a_new_variant_adds_runs_and_changes_none(project):
    before = identities(project)
    variants = read_yaml(project / "variants.yaml")
    write(project / "variants.yaml", {**variants, "tanh": {"summary": "s", "changes": {"net.activation": "tanh"}}})
    path = project / "studies" / "smoke.yaml"
    change(path, variants=[*read_yaml(path)["variants"], "tanh"])
    after = identities(project)
    assert {key: after[key] for key in before} == before
    assert {variant for variant, _ in set(after) - set(before)} == {"tanh"}


def test_changing_one_variant_changes_its_runs_alone(project):
    before = identities(project)
    variants = read_yaml(project / "variants.yaml")
    variants["no_weight_decay"]["changes"] = {"training.weight_decay": 1e-6}
    write(project / "variants.yaml", variants)
    after = identities(project)
    assert {variant for variant, seed in before if before[variant, seed] != after[variant, seed]} == {"no_weight_decay"}


@pytest.mark.parametrize(
    "edit",
    [
        {"family": ["S12"]},
        {"summary": "other words"},
        {"evaluation": {"train_sample": 7}},
    ],
)
def test_what_changes_no_number_changes_no_identity(project, edit):
    before = identities(project)
    change(project / "studies" / "smoke.yaml", **edit)
    assert identities(project) == before


def test_the_looks_change_no_identity(project):
    before = identities(project, "depth")
    change(project / "studies" / "depth.yaml", looks="fixed")
    assert identities(project, "depth") == before


def test_two_looks_need_exactly_twelve_seeds(project):
    """Fewer could never be judged: the first look is of 6 seeds at 2 %, the second of 12 at 3 %."""
    change(project / "studies" / "depth.yaml", seeds=list(range(11)))
    with pytest.raises(UserError, match=r"looks: two judges after 6 and after 12 seeds, .*; seeds has 11"):
        load_study(project, "depth")


def test_comments_change_no_identity(project):
    before = identities(project)
    for path in (project / "studies" / "smoke.yaml", project / "variants.yaml"):
        path.write_text("# a remark\n" + path.read_text())
    assert identities(project) == before


def test_curve_points_change_no_identity_and_everything_else_in_the_recipe_does(project):
    settings = load_study(project, "smoke").settings["base"]
    base = run_identity(settings, 1, "d")
    curve = settings.model_copy(update={"training": settings.training.model_copy(update={"curve_every": 3})})
    rate = settings.model_copy(update={"training": settings.training.model_copy(update={"learning_rate": 0.5})})
    assert run_identity(curve, 1, "d") == base
    others = [
        run_identity(rate, 1, "d"),
        run_identity(settings, 2, "d"),
        run_identity(settings, 1, "e"),
        run_identity(settings, 1, "d", parent="p"),
    ]
    assert len({base, *others}) == 5


def test_a_variant_that_changes_nothing_is_refused(project):
    write(
        project / "variants.yaml",
        {**read_yaml(project / "variants.yaml"), "dense": {"summary": "s", "changes": {"net.towers": 2}}},
    )
    with pytest.raises(UserError, match=r"dense changes nothing in study smoke: net\.towers"):
        load_study(project, "smoke")


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        ({"nett": {}}, r"studies/smoke\.yaml: unknown key nett; allowed here: .*net, "),
        ({"seeds": [-1]}, r"seeds\.0: -1 is not allowed; .*greater than or equal to 0"),
        ({"seeds": "ten"}, r"seeds: 'ten' is not allowed"),
        ({"seeds": [1, 1]}, r"seeds: \[1, 1\] names something twice"),
        ({"variants": ["dense"]}, r"variants: the first must be base"),
        (
            {"variants": ["base", "denze"]},
            r"studies/smoke\.yaml: variants: 'denze' is not in variants\.yaml; did you mean 'dense'\?",
        ),
        ({"fidelity": "exact"}, r"fidelity: 'exact' is not allowed; .*'paper', 'authors' or 'modern'"),
        ({"scaling": "tiny"}, r"scaling: 'tiny' is not a rule; allowed: none, small"),
        ({"training": {"epochs": "six"}}, r"training\.epochs: 'six' is not allowed"),
        ({"training": {"learning_rat": 0.1}}, r"unknown key training\.learning_rat; allowed here: .*learning_rate"),
        ({"training": {"momentum": 1.0}}, r"training\.momentum: 1\.0 is not allowed; .*less than 1"),
        ({"training": {"schedule": {"kind": "steps", "at": [0.9, 0.1]}}}, r"must ascend"),
        ({"training": {"schedule": {"kind": "plateau", "at": []}}}, r"validation_per_class must be above 0"),
        (
            {"training": {"schedule": {"kind": "steps", "at": [0.9, 0.1]}}},
            r"^studies/smoke\.yaml: training\.schedule: at: \[0\.9, 0\.1\] must ascend without repetition$",
        ),
        ({"data": {"size": 4}}, r"data\.size: 4 is not allowed; .*greater than or equal to 8"),
        ({"data": {"size": 32}}, r"crop: 46 is larger than data\.size: 32"),
        ({"study": "other"}, r"study: 'other' must equal the file's name, 'smoke'"),
    ],
)
def test_bad_settings_are_named(project, edit, message):
    change(project / "studies" / "smoke.yaml", **edit)
    with pytest.raises(UserError, match=message):
        load_study(project, "smoke")


@pytest.mark.parametrize(
    ("text", "message"),
    [("a: [", "is not valid YAML"), ("- 1", "must hold a mapping"), ("a: 'x", "is not valid YAML")],
)
def test_bad_yaml_is_named(project, text, message):
    (project / "studies" / "smoke.yaml").write_text(text)
    with pytest.raises(UserError, match=message):
        load_study(project, "smoke")


def test_an_unknown_study_lists_those_that_exist(project):
    with pytest.raises(UserError, match=r"no study 'smok' .*studies here: .*smoke"):
        load_study(project, "smok")


def test_a_study_without_data_says_what_to_add(project):
    write(project / "params.yaml", {"studies": {"smoke": "procedural"}})
    with pytest.raises(UserError, match=r"add `decay: NAME` under `studies:`"):
        load_study(project, "decay")


def test_defaults_of_a_recipe_are_pinned_to_the_training_version():
    """Identities leave defaults out: whoever changes one must raise TRAINING_VERSION. New fields are free."""
    known = json.loads((Path(__file__).with_name("defaults.json")).read_text())
    assert known.pop("training_version") == TRAINING_VERSION
    for name, settings in (("net", NetSettings()), ("training", TrainingSettings())):
        now = settings.model_dump(mode="json")
        for path, value in _flat(known[name]):
            assert dict(_flat(now))[path] == value, f"{name}.{path}"


def test_a_variant_that_only_samples_curves_otherwise_changes_nothing(project):
    """Such a variant's runs would have the base's identities: a study would list one run twice."""
    variants = read_yaml(project / "variants.yaml")
    variants["no_weight_decay"]["changes"] = {"training.curve_every_steps": 3}
    write(project / "variants.yaml", variants)
    with pytest.raises(UserError, match="no_weight_decay changes nothing in study decay"):
        load_study(project, "decay")


def _flat(value: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, item in value.items():
        if isinstance(item, dict):
            yield from _flat(item, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", item


def test_what_editors_leave_beside_the_studies_is_no_study(project):
    """A dangling link (Emacs) and binary attributes (macOS on other file systems)."""
    (project / "studies" / ".#smoke.yaml").symlink_to("somebody@host.1234")
    (project / "studies" / "._smoke.yaml").write_bytes(b"\x00\x05\x16\x07")
    assert [path.stem for path in study_files(project)] == STUDIES
    with pytest.raises(UserError, match=rf"studies here: {', '.join(STUDIES)}$"):
        load_study(project, "smok")


def test_numbers_are_written_as_people_write_them(project):
    path = project / "studies" / "smoke.yaml"
    change(path, training={**read_yaml(path)["training"], "learning_rate": "the rate"})
    path.write_text(path.read_text().replace("the rate", "1e-2"))
    assert load_study(project, "smoke").settings["base"].training.learning_rate == 0.01

"""From `params.yaml`, `studies/*.yaml` and `variants.yaml` to resolved settings of every run."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from repro.errors import UserError
from repro.net.table.fidelity import FIDELITIES
from repro.net.table.layers import layer_table
from repro.net.table.settings import NetSettings
from repro.project import Project
from repro.settings import validated
from repro.study.changes import changed
from repro.study.identity import CURVE_KEYS
from repro.study.parents import parents_of
from repro.study.scaling import scaling_rule
from repro.study.settings import RunSettings, Study, Variant
from repro.study.tuning import TunedRate
from repro.yaml_file import read_yaml


@dataclass(frozen=True)
class ResolvedStudy:
    """A study whose variants are resolved: the settings of each run, and how they depart from the print.

    `parents` has the variants whose runs start from another variant's final weights.
    """

    study: Study
    data_name: str
    settings: Mapping[str, RunSettings]
    deviations: Mapping[str, list[str]]
    parents: Mapping[str, str]
    tuned: Mapping[str, TunedRate] = field(default_factory=dict)
    """the rates that a search gave its variants, once it is finished; `settings` has them"""

    @property
    def name(self) -> str:
        return self.study.study


def read_study(path: Path) -> Study:
    """The study that a file under `studies/` states; UserError that names the file and the key where it is none."""
    return validated(Study, read_yaml(path), f"studies/{path.name}")


def load_study(root: Path, name: str, *, data: str | None = None) -> ResolvedStudy:
    """The study `name` with all its variants resolved; `data` is its data's name where `params.yaml` is not to say it.

    Raises UserError for a missing file, an unknown key, a variant that is unknown or changes nothing.
    """
    path = root / "studies" / f"{name}.yaml"
    if not path.is_file():
        studies = ", ".join(file.stem for file in study_files(root))
        raise UserError(f"there is no study {name!r} ({path} does not exist); studies here: {studies}")
    study = read_study(path)
    if study.study != name:
        raise UserError(f"studies/{path.name}: study: {study.study!r} must equal the file's name, {name!r}")
    variants = load_variants(root)
    overrides = _merged(
        FIDELITIES[study.fidelity],
        scaling_rule(study.scaling),
        {"data": study.data, "net": study.net, "training": study.training},
    )
    base = _run_settings(overrides, f"studies/{path.name}")
    printed = _run_settings(_merged({"data": overrides.get("data", {})}), "the paper", check=False)
    chosen = {variant: _variant(variants, variant, f"studies/{path.name}") for variant in study.variants}
    settings = _settings_of(chosen, base, name)
    parents = parents_of(chosen, settings, name)
    deviations = {
        variant: differences(printed.model_dump(mode="json"), value.model_dump(mode="json"))
        for variant, value in settings.items()
    }
    for variant, parent in parents.items():
        deviations[variant].append(f"initial weights: random -> {parent}")
    return ResolvedStudy(study, data_of(root, name) if data is None else data, settings, deviations, parents)


def study_files(root: Path) -> list[Path]:
    """The project's studies, without what editors and macOS leave beside them (.#smoke.yaml, ._smoke.yaml)."""
    return sorted(path for path in (root / "studies").glob("*.yaml") if not path.name.startswith("."))


def fidelity_net(fidelity: str) -> NetSettings:
    """The net of a fidelity at full scale; UserError when there is no such fidelity."""
    if fidelity not in FIDELITIES:
        raise UserError(f"--fidelity {fidelity}: allowed are {', '.join(FIDELITIES)}")
    return validated(NetSettings, FIDELITIES[fidelity].get("net", {}), f"fidelity {fidelity}")


def load_variants(root: Path) -> dict[str, Variant]:
    """All entries of `variants.yaml`."""
    raw = read_yaml(root / "variants.yaml")
    return {name: validated(Variant, entry, f"variants.yaml: {name}") for name, entry in raw.items()}


def data_of(root: Path, study: str) -> str:
    """The name of a study's data; UserError when the study is not listed in `params.yaml`."""
    studies = Project(root).studies
    if study not in studies:
        raise UserError(
            f"study {study!r} has no data: add `{study}: NAME` under `studies:` in params.yaml, where NAME is a "
            "data set registered with `repro use-data PATH --as NAME` (or procedural or parts, which are embedded)"
        )
    return studies[study]


def differences(before: Mapping[str, Any], after: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Every field that differs, as `key: before -> after`; the data's own choices are left out."""
    lines: list[str] = []
    for key in after:
        path = f"{prefix}{key}"
        if path == "data":
            continue
        old, new = before.get(key), after[key]
        if isinstance(old, dict) and isinstance(new, dict):
            lines += differences(old, new, f"{path}.")
        elif old != new:
            lines.append(f"{path}: {old} -> {new}")
    return lines


def _run_settings(overrides: Mapping[str, Any], where: str, *, check: bool = True) -> RunSettings:
    value = {"data": {}, "net": {}, "training": {}, **overrides}
    if not check:  # the print itself: its plateau schedule needs no validation pictures to be described
        value = _merged(value, {"data": {"validation_per_class": 1, "size": 1024}})
    return validated(RunSettings, value, where)


def _variant(variants: Mapping[str, Variant], name: str, where: str) -> Variant:
    if name not in variants:
        near = difflib.get_close_matches(name, variants, 1)
        hint = f"; did you mean {near[0]!r}?" if near else ", which has all that can be listed"
        raise UserError(f"{where}: variants: {name!r} is not in variants.yaml{hint}")
    return variants[name]


def _settings_of(chosen: Mapping[str, Variant], base: RunSettings, study: str) -> dict[str, RunSettings]:
    """The settings of each variant's runs; UserError when two variants of the study would be the same runs."""
    settings: dict[str, RunSettings] = {}
    effects: dict[tuple[object, ...], str] = {}
    for name, variant in chosen.items():
        where = f"variants.yaml: {name}"
        resolved = validated(RunSettings, changed(base, variant.changes, where), f"{where} in study {study}")
        effect = (*_effect(resolved, f"{where} in study {study}"), variant.parent)
        same = effects.setdefault(effect, name)
        if same == "base" and name != "base":
            keys = ", ".join(variant.changes) or "no changes"
            raise UserError(
                f"{where} changes nothing in study {study}: {keys} already has that value there, or has no effect"
            )
        if same != name:
            raise UserError(f"{where} is the same as {same} in study {study}; list one of them in studies/{study}.yaml")
        settings[name] = resolved
    return settings


def _effect(settings: RunSettings, where: str) -> tuple[object, ...]:
    """What decides a run's numbers: two settings of a net that give the same layers are one net."""
    try:
        table = layer_table(settings.net, 2)
    except UserError as error:
        raise UserError(f"{where}: {error}") from None
    training = settings.training.model_dump_json(exclude=set(CURVE_KEYS))
    return (table, settings.net.input_divisor, settings.net.input_positions, training)


def _merged(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """Nested mappings laid over one another, the last one winning."""
    result: dict[str, Any] = {}
    for layer in layers:
        for key, value in layer.items():
            if isinstance(value, Mapping) and isinstance(result.get(key), dict):
                result[key] = _merged(result[key], value)
            elif isinstance(value, Mapping):
                result[key] = _merged(value)
            else:
                result[key] = value
    return result

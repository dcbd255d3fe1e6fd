"""Recorded evidence takes up what has been measured since of the same runs, and refuses other numbers."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from repro.errors import UserError
from repro.evidence.directory import Evidence, load_evidence, write_evidence
from repro.evidence.merge import INCIDENTAL, merge_evidence
from repro.evidence.record import SCHEMA
from tests.made_up import MadeUp


def _evidence(folder: Path, *, ensemble: int | None = None, **scalars: float) -> Evidence:
    made = MadeUp(seeds=(1, 2), variants=("base",), scalars={"base": scalars})
    loaded = load_evidence(made.write(folder))
    arrays = {name: array for name, array in loaded.arrays.items() if not name.startswith("ensemble/")}
    if ensemble is not None:
        arrays["ensemble/base/1+2"] = np.array([ensemble], dtype=np.uint8)
    write_evidence(folder, vars(loaded.study), [vars(run) for run in loaded.runs], {"fidelity": {}}, arrays)
    return load_evidence(folder)


def test_new_numbers_and_averages_of_known_runs_are_added(tmp_path: Path) -> None:
    old = _evidence(tmp_path / "old", measured_before=0.4)
    new = _evidence(tmp_path / "new", measured_before=0.4, measured_since=0.6, ensemble=7)
    merge_evidence(tmp_path / "both", old, new)
    both = load_evidence(tmp_path / "both")
    assert [run.scalar("measured_since") for run in both.runs] == [0.6, 0.6]
    assert [run.scalar("measured_before") for run in both.runs] == [0.4, 0.4]
    assert both.arrays["ensemble/base/1+2"].tolist() == [7]
    merge_evidence(tmp_path / "again", new, old)
    again = load_evidence(tmp_path / "again")
    assert [run.scalar("measured_since") for run in again.runs] == [0.6, 0.6]
    assert again.arrays["ensemble/base/1+2"].tolist() == [7]


def test_other_numbers_of_the_same_run_are_refused(tmp_path: Path) -> None:
    old = _evidence(tmp_path / "old", measured_before=0.4, ensemble=7)
    with pytest.raises(UserError, match=r"has measured_before 0\.5 .* but 0\.4 in"):
        merge_evidence(tmp_path / "both", old, _evidence(tmp_path / "new", measured_before=0.5))
    with pytest.raises(UserError, match=r"the study has another base/1\+2"):
        merge_evidence(tmp_path / "both", old, _evidence(tmp_path / "newer", measured_before=0.4, ensemble=6))
    assert not (tmp_path / "both").exists()


@pytest.mark.parametrize(("before", "after"), [(0.4, 0.5), (0.5, 0.4)])
def test_how_long_a_run_took_may_differ_and_no_number_behind_it(tmp_path: Path, before: float, after: float) -> None:
    """Times come first in the alphabet: what stands behind them is compared all the same."""
    times = dict.fromkeys(INCIDENTAL, 1.0)
    old = _evidence(tmp_path / "old", **times, measured_before=before)
    slower = _evidence(tmp_path / "slower", **dict.fromkeys(INCIDENTAL, 2.0), measured_before=before)
    merge_evidence(tmp_path / "both", old, slower)
    assert [run.scalars["cpu_seconds"] for run in load_evidence(tmp_path / "both").runs] == [1.0, 1.0]
    other = _evidence(tmp_path / "other", **times, measured_before=after)
    with pytest.raises(UserError, match=rf"has measured_before {after} .* but {before} in"):
        merge_evidence(tmp_path / "refused", old, other)


def test_arrays_with_gaps_are_the_same_where_the_gaps_are(tmp_path: Path) -> None:
    """A kernel that is dead has no share of colour: NaN, which equals nothing."""
    one, same, other = (_evidence(tmp_path / name) for name in ("one", "same", "other"))
    name = f"{one.runs[0].identity}/chroma"
    for evidence, values in ((one, [0.5, np.nan]), (same, [0.5, np.nan]), (other, [np.nan, 0.5])):
        evidence.arrays[name] = np.array(values)
    merge_evidence(tmp_path / "both", one, same)
    np.testing.assert_array_equal(load_evidence(tmp_path / "both").arrays[name], [0.5, np.nan])
    with pytest.raises(UserError, match=rf"run {one.runs[0].identity} has another chroma in"):
        merge_evidence(tmp_path / "refused", one, other)


def test_what_either_study_has_is_kept_and_the_newer_ones_comes_first(tmp_path: Path) -> None:
    def made(folder: str, variants: tuple[str, ...], seeds: tuple[int, ...]) -> Evidence:
        return load_evidence(MadeUp(seeds=seeds, variants=variants, colour_tower="second").write(tmp_path / folder))

    old, new = made("old", ("base", "dense"), (1, 2)), made("new", ("base", "no_weight_decay"), (2, 3))
    merge_evidence(tmp_path / "both", old, new)
    both = load_evidence(tmp_path / "both")
    assert both.study.variants == ("base", "no_weight_decay", "dense")
    assert both.study.seeds == (2, 3, 1)
    assert both.study.settings == {**old.study.settings, **new.study.settings}
    assert [(run.variant, run.seed) for run in both.runs] == [
        *(("base", seed) for seed in (1, 2, 3)),
        *(("no_weight_decay", seed) for seed in (2, 3)),
        *(("dense", seed) for seed in (1, 2)),
    ]
    for evidence in (old, new):
        assert all(both.has_array(run.identity, "conv1") for run in evidence.runs)


def test_curves_of_known_runs_that_were_measured_since_are_added(tmp_path: Path) -> None:
    def measured(folder: str, **curves: list[float]) -> Evidence:
        return load_evidence(MadeUp(seeds=(1, 2), variants=("base",), curves=curves).write(tmp_path / folder))

    old, new = measured("old"), measured("new", division=[0.0, 0.2, 0.5])
    merge_evidence(tmp_path / "both", old, new)
    both = load_evidence(tmp_path / "both")
    assert [run.curves["division"] for run in both.runs] == [[0.0, 0.2, 0.5]] * 2
    for before, after in zip(old.runs, both.runs, strict=True):
        assert before.curves.items() <= after.curves.items()


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"study": "zebra"}, "is evidence of study '(made|zebra)', .* of '(made|zebra)'; not merged"),
        ({"data": {"name": "zebras"}}, r"was made on other pictures .*\(data name: .*zebras.*\)"),
        ({"data": {"digest": "f" * 64}}, r"was made on other pictures .*\(data digest: .*ffff.*\)"),
        ({"settings": {"base": {"training": {"epochs": 7}}}}, "variant 'base' has other settings"),
        (
            {"evaluation": {"neighbour_queries": 7}},
            r"has evaluation\.neighbour_queries: (7|1000), and .* with (7|1000): .*studies/made\.yaml",
        ),
    ],
)
def test_evidence_of_another_experiment_is_refused(
    tmp_path: Path, change: dict[str, Any], sentence: str, swapped: bool
) -> None:
    """Whichever of the two is the newer one, and nothing is written."""
    one, same = _evidence(tmp_path / "one"), _evidence(tmp_path / "same")
    # An equal name that is another object, as a long one would be: reading JSON keeps short texts once.
    same.study = replace(same.study, study="".join(same.study.study))
    (part, value), *_ = change.items()
    merge_evidence(tmp_path / "both", one, same)
    changed = {**getattr(one.study, part), **value} if isinstance(value, dict) else value
    other = copy.copy(same)
    other.study = replace(same.study, **{part: changed})
    with pytest.raises(UserError, match=sentence):
        merge_evidence(tmp_path / "refused", *((other, one) if swapped else (one, other)))
    assert not (tmp_path / "refused").exists()


def test_the_newer_facts_are_kept_whole(tmp_path: Path) -> None:
    old, new = _evidence(tmp_path / "old"), _evidence(tmp_path / "new")
    facts = {"a_first": 1, "fidelity": {"paper": 2}, "towers": 3}
    new.facts = {**facts, "schema": 1}
    merge_evidence(tmp_path / "both", old, new)
    both = load_evidence(tmp_path / "both").facts
    assert {name: both[name] for name in facts} == facts


def test_facts_that_an_earlier_version_wrote_are_those_of_this_one_once_merged(tmp_path: Path) -> None:
    old, new = _evidence(tmp_path / "old"), _evidence(tmp_path / "new")
    earlier = json.loads((new.path / "facts.json").read_text()) | {"schema": 0}
    (new.path / "facts.json").write_text(json.dumps(earlier))
    merge_evidence(tmp_path / "both", old, load_evidence(new.path))
    assert load_evidence(tmp_path / "both").facts["schema"] == SCHEMA


@pytest.mark.parametrize(("before", "after"), [({}, {"view_pictures": 7}), ({"batch": 128}, {"batch": 64})])
def test_settings_of_measurements_that_are_not_recorded_or_change_no_number_hinder_nothing(
    tmp_path: Path, before: dict[str, int], after: dict[str, int]
) -> None:
    old, new = (
        load_evidence(MadeUp(seeds=(1, 2), variants=("base",), evaluation=settings).write(tmp_path / name))
        for name, settings in (("old", before), ("new", after))
    )
    merge_evidence(tmp_path / "both", old, new)
    assert load_evidence(tmp_path / "both").study.evaluation == after
    merge_evidence(tmp_path / "again", new, old)
    assert load_evidence(tmp_path / "again").study.evaluation == {**after, **before}

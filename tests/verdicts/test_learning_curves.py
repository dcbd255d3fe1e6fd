"""Was learning cut short? Read off curves of a few points, by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from repro.evidence.directory import Evidence
from repro.evidence.record import RunRecord
from repro.verdicts.finding import NotEvaluated
from repro.verdicts.readings.learning_curves import fall_from_guessing, settled_curve, settled_windows
from tests.made_up import MadeUp

STEPS = [10, 20, 30, 40, 50, 60, 70, 80]
ERRORS = [0.9, 0.8, 0.7, 0.6, 0.5, 0.5, 0.4, 0.4]
"""Of ten classes: guessing errs on 0.9. The third quarter ends at step 60, the last at 80."""


def evidence_of(**changes: Any) -> Evidence:
    curves = {"step": STEPS, "learning_rate": [0.01] * 8, "held_out_error": ERRORS, **changes.pop("curves", {})}
    return MadeUp(seeds=(1, 2), variants=("base",), curves=curves, **changes).evidence()


def with_errors(run: RunRecord, errors: list[float | None], curve: str = "held_out_error") -> RunRecord:
    return replace(run, curves={**run.curves, curve: errors})


def share(evidence: Evidence, *runs: RunRecord, fewest: int = 1) -> float | NotEvaluated | None:
    return fall_from_guessing(evidence, runs or evidence.runs, fewest)


def test_the_fall_between_the_last_quarters_as_a_share_of_the_whole() -> None:
    """From 0.5 to 0.4, of a whole fall from 0.9 to 0.4."""
    assert share(evidence_of()) == pytest.approx(0.1 / 0.5)


def test_the_fall_of_another_error_is_that_of_its_own_curve() -> None:
    """From 0.4 to 0.3, of a whole fall from 0.9 to 0.3, while the held-out error fell by a fifth."""
    evidence = evidence_of(curves={"train_error": [0.9, 0.8, 0.7, 0.6, 0.4, 0.4, 0.3, 0.3]})
    assert fall_from_guessing(evidence, evidence.runs, 1, "train_error") == pytest.approx(0.1 / 0.6)
    assert share(evidence) == pytest.approx(0.1 / 0.5)


def test_windows_are_quarters_of_the_steps_at_the_first_rate() -> None:
    run = evidence_of().runs[0]
    assert settled_windows(run) == (40, 60, 80)
    fallen = replace(run, curves={**run.curves, "learning_rate": [0.01] * 4 + [0.001] * 4})
    assert settled_windows(fallen) == (20, 30, 40)
    assert settled_windows(replace(run, curves={})) is None


def test_what_comes_after_the_first_rate_is_not_read() -> None:
    """A fall of the rate lowers the error at once: that is not the learning that was cut short."""
    later = {
        "step": [*STEPS, 90, 100],
        "learning_rate": [0.01] * 8 + [0.001] * 2,
        "held_out_error": [*ERRORS, 0.1, 0.05],
    }
    assert share(evidence_of(curves=later)) == pytest.approx(0.2)


def test_uneven_points_are_of_the_window_at_whose_end_they_stand() -> None:
    """Of 80 steps the third quarter holds 41 to 60, the last 61 to 80."""
    uneven = {"step": [1, 40, 41, 60, 61, 62, 63, 80], "held_out_error": [0.9, 0.9, 0.6, 0.5, 0.3, 0.3, 0.3, 0.3]}
    assert share(evidence_of(curves=uneven)) == pytest.approx((0.55 - 0.3) / 0.6)


def test_runs_are_averaged_before_the_share_is_taken() -> None:
    """0.1 of 0.5 and nothing of 0.7: of the mean curve 0.05 of 0.6."""
    evidence = evidence_of()
    still = with_errors(evidence.runs[1], [0.9, 0.5, 0.3, 0.2, 0.2, 0.2, 0.2, 0.2])
    assert share(evidence, evidence.runs[0], still) == pytest.approx(0.05 / 0.6)


def test_a_validation_error_takes_the_place_of_the_held_out_error() -> None:
    evidence = evidence_of()
    assert settled_curve(evidence.runs[0]) == "held_out_error"
    validated = with_errors(evidence.runs[0], [0.9] * 4 + [0.7, 0.7, 0.6, 0.6], "validation_error")
    assert settled_curve(validated) == "validation_error"
    assert share(evidence, validated) == pytest.approx(0.1 / 0.3)


def test_points_without_an_error_are_passed_over() -> None:
    evidence = evidence_of()
    sparse = with_errors(evidence.runs[0], [None, None, None, 0.6, None, 0.5, None, 0.45])
    assert share(evidence, sparse) == pytest.approx(0.05 / 0.45)


def test_nets_that_do_no_better_than_guessing_have_everything_before_them() -> None:
    assert share(evidence_of(curves={"held_out_error": [0.9] * 8})) == 1.0


def test_runs_that_did_not_finish_have_no_curve_that_means_anything() -> None:
    evidence = evidence_of()
    collapsed = replace(with_errors(evidence.runs[1], [0.9] * 8), status="collapsed")
    assert share(evidence, evidence.runs[0], collapsed) == pytest.approx(0.2)
    assert share(evidence, collapsed) is None


PLATEAU = {"schedule": {"kind": "plateau"}}


def test_runs_that_their_plateau_ended_have_settled() -> None:
    """60 of 90 passes were run: the schedule had seen enough. One that ran all of its passes is read."""
    evidence = evidence_of(settings={**PLATEAU, "epochs": 90})
    assert share(evidence) is None
    whole = replace(evidence.runs[0], scalars={**evidence.runs[0].scalars, "epochs": 90})
    assert share(evidence, whole, evidence.runs[1]) == pytest.approx(0.2)


def test_other_schedules_end_no_run_early() -> None:
    steps = evidence_of(settings={"schedule": {"kind": "steps"}, "epochs": 90})
    assert share(steps) == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("every", "remedy"),
    [
        (1, "at least 3 each are needed: more training.epochs give more"),
        (4, "at least 3 each are needed: a smaller training.curve_every gives more"),
    ],
)
def test_too_few_points_name_the_run_and_the_setting_that_gives_more(every: int, remedy: str) -> None:
    evidence = evidence_of(settings={"curve_every": every})
    found = share(evidence, fewest=3)
    assert isinstance(found, NotEvaluated)
    assert found.code == "not_a_number"
    assert "the learning curve of base seed 1 has 2 and 2 points" in found.reason
    assert found.reason.endswith(remedy)
    assert share(evidence, fewest=2) == pytest.approx(0.2)


def test_a_run_without_any_point_has_too_few() -> None:
    evidence = evidence_of()
    found = share(evidence, replace(evidence.runs[0], curves={}))
    assert isinstance(found, NotEvaluated)
    assert "has 0 and 0 points" in found.reason

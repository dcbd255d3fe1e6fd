"""Stored outcomes per picture: which pictures a run, or several averaged, got right; and what they say of noise."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import Literal

import numpy as np
import numpy.typing as npt

from repro.evidence.directory import Evidence
from repro.evidence.record import RunRecord
from repro.study.settings import EvaluationSettings
from repro.verdicts.finding import NotEvaluated
from repro.verdicts.readings.kept import kept
from repro.verdicts.readings.readings import metric_values, runs_of
from repro.verdicts.registry.metrics import METRICS, Metric
from repro.verdicts.statistics.estimates import sd_floor

Bits = npt.NDArray[np.uint8]
Outcomes = npt.NDArray[np.bool_]
Averaged = Literal["centre", "ten_views", "ten_views_top5"]
"""How the nets that are averaged look at a picture, and whether five guesses are free."""


def pictures_of(evidence: Evidence, variant: str, seeds: Sequence[int], metric: Metric) -> int | NotEvaluated | None:
    """On how many held-out pictures a metric was measured in each of these runs; None for no mean over pictures.

    NotEvaluated where the evidence should hold that number and does not, since the noise of the pictures is then
    unknown, and where the runs were measured on unequal numbers, since then they do not belong together.
    """
    name = METRICS[metric].pictures
    if name is None:
        return None
    counts: dict[int, RunRecord] = {}
    for run in runs_of(evidence, variant, seeds):
        count = _count(evidence, run, name)
        if count is None:
            return NotEvaluated(
                "not_a_number",
                f"the evidence of {variant} seed {run.seed} does not say on how many pictures {metric} was measured "
                f"(no {name}); `repro evaluate` measures it again",
            )
        counts.setdefault(count, run)
    if len(counts) > 1:
        said = " and ".join(f"{count} in {variant} seed {run.seed}" for count, run in counts.items())
        return NotEvaluated(
            "not_a_number",
            f"{name} is {said}: {metric} of unequal pictures is not read; `repro evaluate` measures alike",
        )
    (pictures,) = counts
    return pictures


def _count(evidence: Evidence, run: RunRecord, name: str) -> int | None:
    """The number of pictures by the name that a metric's rule gives; None where a run does not say."""
    if name.startswith(_SETTING):
        return min(_setting(evidence, name.removeprefix(_SETTING)), _held_out(evidence, run))
    if name == "held_out_pictures":
        return _held_out(evidence, run)
    count = run.scalar(name)
    return None if count is None else int(count)


_SETTING = "evaluation."


def _setting(evidence: Evidence, name: str) -> int:
    """A setting of the study's evaluation; its default where older evidence does not record it."""
    return int(evidence.study.evaluation.get(name, EvaluationSettings.model_fields[name].default))


def _held_out(evidence: Evidence, run: RunRecord) -> int:
    count = run.scalar("held_out_pictures")
    return int(evidence.study.data["counts"]["held_out"] if count is None else count)


def variance_of_pictures(metric: Metric, at: float, pictures: int) -> float:
    """The largest variance that a metric whose expectation is `at` can have by the luck of so many pictures.

    (at - low) (high - at) / N for values between low and high: p (1 - p) / N for a share, which has just that
    variance where each picture counts as 0 or 1, and less where a picture counts in parts.
    """
    low, high = METRICS[metric].range
    assert low is not None
    assert high is not None
    inside = min(max(at, low), high)
    return (inside - low) * (high - inside) / pictures


def picture_variance(evidence: Evidence, variant: str, seeds: Sequence[int], metric: Metric, at: float) -> float:
    """The variance of a variant's mean by the luck of its pictures, which all of its runs share.

    It is taken at the mean; at least at `at`, the difference that is tested, since rates that differ by it are not both
    smaller. 0 for what is no mean over pictures.
    """
    values = metric_values(evidence, variant, seeds, metric)
    pictures = pictures_of(evidence, variant, seeds, metric)
    if isinstance(values, NotEvaluated) or not isinstance(pictures, int):
        return 0.0
    return variance_of_pictures(metric, max(fmean(values), at), pictures)


def picture_variance_of_halves(evidence: Evidence, variant: str, seeds: Sequence[int], at: float) -> float:
    """The variance, by the luck of the pictures, of the difference between the errors on two halves of them."""
    return 4 * picture_variance(evidence, variant, seeds, "held_out_error", at)


def right(evidence: Evidence, variant: str, seeds: Sequence[int], array: str, pictures: int) -> Outcomes | None:
    """Which pictures each run got right, shape (seeds, pictures); None when a run has no such array of so many."""
    rows = []
    for run in runs_of(evidence, variant, seeds):
        stored = evidence.array(run.identity, array) if evidence.has_array(run.identity, array) else None
        if stored is None or (outcomes := _unpacked(stored, pictures)) is None:
            return None
        rows.append(outcomes)
    return np.stack(rows)


def ensemble_right(
    evidence: Evidence, variant: str, seeds: Sequence[int], pictures: int, way: Averaged = "centre"
) -> Outcomes | None:
    """Which pictures the mean prediction of these seeds' nets got right; None when it was not measured on so many."""
    ending = "" if way == "centre" else f"/{way}"
    stored = evidence.arrays.get(f"ensemble/{variant}/{'+'.join(map(str, seeds))}{ending}")
    return None if stored is None else _unpacked(stored, pictures)


def ensembles_within(evidence: Evidence, variant: str, seeds: Sequence[int], members: int) -> list[tuple[int, ...]]:
    """The measured ensembles of `members` nets, each by its nets' seeds, all of which are among `seeds`."""
    prefix = f"ensemble/{variant}/"
    names = {name.removeprefix(prefix).split("/")[0] for name in evidence.arrays if name.startswith(prefix)}
    groups = [tuple(int(seed) for seed in name.split("+")) for name in sorted(names)]
    return [group for group in groups if len(group) == members and set(group) <= set(seeds)]


def difference_floor(evidence: Evidence, first: str, second: str, seeds: Sequence[int], metric: Metric) -> float:
    """The smallest sd that a difference of two runs' values can honestly have.

    From the pictures that exactly one of two nets of the same seed got right, where outcomes are stored, and
    from the step in which the metric comes.
    """
    rule = METRICS[metric]
    runs = runs_of(evidence, first, seeds)
    pictures = pictures_of(evidence, first, seeds, metric)
    counts: list[float] = []
    if isinstance(pictures, NotEvaluated):  # then its noise is refused where it is asked for
        pictures = None
    if rule.outcomes is not None and pictures:
        for one, other in zip(runs, runs_of(evidence, second, seeds), strict=True):
            count = _discordant(evidence, one.identity, other.identity, rule.outcomes)
            if count is None:
                counts = []
                break
            counts.append(count)
    return sd_floor(counts or None, pictures, rule.step)


@kept
def _discordant(evidence: Evidence, one: str, other: str, array: str) -> int | None:
    """On how many pictures exactly one of two runs is right; None unless both have outcomes for as many."""
    if not evidence.has_array(one, array) or not evidence.has_array(other, array):
        return None
    a, b = evidence.array(one, array), evidence.array(other, array)
    return int(np.bitwise_count(a ^ b).sum()) if a.shape == b.shape else None


def _unpacked(bits: Bits, pictures: int) -> Outcomes | None:
    """The outcomes of so many pictures; None where the bits are of another number, which would be cut or padded."""
    return np.unpackbits(bits, count=pictures).astype(bool) if len(bits) == -(-pictures // 8) else None

"""Learning curves as a run logged them."""

from __future__ import annotations

from itertools import pairwise

from repro.evidence.record import RunRecord
from repro.report.drawing.words import finite


def points(run: RunRecord, name: str) -> list[tuple[float, float]]:
    """(epoch, value) of a logged curve, where it was measured; both finite."""
    pairs = zip(run.curves.get("epoch", []), run.curves.get(name, []), strict=False)
    checked = [(finite(epoch), finite(value)) for epoch, value in pairs]
    return [(epoch, value) for epoch, value in checked if epoch is not None and value is not None]


def epochs_a_step(run: RunRecord) -> float | None:
    """What a step is in epochs, by the last point of the log; None where it does not say."""
    pairs = list(zip(run.curves.get("epoch", []), run.curves.get("step", []), strict=False))
    if not pairs:
        return None
    epoch, step = (finite(value) for value in pairs[-1])
    return None if epoch is None or not step else epoch / step


def rate_drops(run: RunRecord) -> list[float]:
    """The epochs at whose end the learning rate fell."""
    log = list(zip(run.curves.get("epoch", []), run.curves.get("learning_rate", []), strict=False))
    checked = [(epoch, rate) for at, value in log if (epoch := finite(at)) is not None and (rate := finite(value))]
    return [epoch for (epoch, rate), (_, following) in pairwise(checked) if following < rate]

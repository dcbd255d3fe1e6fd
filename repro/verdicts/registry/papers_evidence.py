"""Does the paper's own comparison of two nets, one run each, exceed noise? Computed, never typed in.

Two noises, not to be added: of the test pictures (two error rates on independent samples of so many pictures)
and of the run (retraining the same net moves its error; on a fixed test set the sd between runs already includes the
sampling noise of the pictures). The paper reports no repeated runs, so the run's sd is taken from elsewhere:
0.14 points is the least that nets of its error can have on 50,000 pictures, 0.2 and 0.3 allow for what else differs
between runs.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import Field

from repro.settings import Settings

RUN_SDS = (0.14, 0.2, 0.3)
"""Standard deviations of a run's error, in points."""
ENOUGH = 1.96
"""z of a two-sided p of 0.05."""
Rate = Annotated[float, Field(gt=0, lt=1)]


class PaperErrors(Settings):
    """Two error rates that the paper compares: one run each, unless the same net answers in two ways."""

    guesses: Literal[1, 5]
    first: Rate
    second: Rate
    pictures: Annotated[int, Field(ge=1)]
    same_net: bool = Field(False, description="one net in two ways of answering: a run's noise cancels")
    assumed: str | None = Field(None, description="what is not in print and had to be assumed")


def z_of_pictures(errors: PaperErrors) -> float:
    """The difference in standard errors of two error rates on independent samples of pictures."""
    variance = sum(rate * (1 - rate) / errors.pictures for rate in (errors.first, errors.second))
    return abs(errors.first - errors.second) / math.sqrt(variance)


def z_of_runs(errors: PaperErrors, sd_in_points: float) -> float:
    """The difference in standard errors of a difference of two runs."""
    return abs(errors.first - errors.second) * 100 / (math.sqrt(2) * sd_in_points)


def papers_evidence(errors: PaperErrors) -> dict[str, Any]:
    """The z values, and whether all of them exceed noise, as JSON-able values."""
    runs = {} if errors.same_net else {f"{sd:g}": z_of_runs(errors, sd) for sd in RUN_SDS}
    pictures = z_of_pictures(errors)
    return {
        "guesses": errors.guesses,
        "difference": errors.first - errors.second,
        "pictures": errors.pictures,
        "z_pictures": pictures,
        "z_runs": runs,
        "exceeds_noise": min(pictures, *runs.values()) >= ENOUGH if runs else pictures >= ENOUGH,
        "assumed": errors.assumed,
    }

"""The thresholds of the gates, as the registry holds them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from repro.settings import Settings

GateName = Literal[
    "trained",
    "learned",
    "settled",
    "errors_left",
    "dose",
    "normalisation_alive",
    "kernels_moved",
    "both_kinds",
    "enough_kernels",
    "tuned",
]
Fraction = Annotated[float, Field(ge=0, le=1)]


class TrainingReached(Settings):
    """How far training must have come in (nearly) every run of every arm that is compared or serves as control."""

    training_error_below_share_of_chance: Annotated[
        float, Field(gt=0, le=1, description="a run at or above this share of guessing's training error is untrained")
    ]
    untrained_share_at_most: Annotated[
        float, Field(ge=0, lt=1, description="share of an arm's runs that may be untrained or have collapsed")
    ]


class Settled(Settings):
    """Learning was not cut short at the first learning rate."""

    fall_at_most: Annotated[
        float,
        Field(
            gt=0,
            lt=1,
            description="of the held-out error, in the last quarter of the steps at the first learning rate, as a "
            "share of its whole fall from guessing",
        ),
    ]
    points_at_least: Annotated[int, Field(ge=1, description="points of the curve whose mean each end of the fall is")]


class ErrorsLeft(Settings):
    """A training error is left that weight decay could lower."""

    training_error_at_least: Annotated[float, Field(gt=0, lt=1, description="mean over the runs of all arms")]


class Dose(Settings):
    """Weight decay acted: without gradients, weights shrink by exp(-dose)."""

    decay_dose_at_least: Annotated[float, Field(gt=0)]


class NormalisationAlive(Settings):
    """Response normalisation does more than divide by a constant."""

    mean_scale_over_constant_above: Annotated[float, Field(ge=1)]


class KernelsMoved(Settings):
    """The first layer's kernels left their initial values, and enough of them are live."""

    mean_cosine_with_initial_below: Fraction
    live_kernels_per_tower_at_least: Annotated[int, Field(ge=1)]
    dead_share_per_tower_at_most: Fraction


class BothKinds(Settings):
    """Dense nets hold both kinds of kernel, so that there is something to divide."""

    specific_share_at_least: Fraction
    specific_share_at_most: Fraction

    @model_validator(mode="after")
    def _ascending(self) -> BothKinds:
        if self.specific_share_at_least >= self.specific_share_at_most:
            raise ValueError("specific_share_at_least must be below specific_share_at_most")
        return self


class EnoughKernels(Settings):
    """Every tower has so many live kernels that one net can be told from chance."""

    live_kernels_per_tower_at_least: Annotated[int, Field(ge=1)]


class Tuned(Settings):
    """Every compared variant was trained at the best of several learning rates, not at the edge of those tried."""


class Gates(Settings):
    """Thresholds of the preconditions that are read before any number."""

    trained: TrainingReached
    learned: TrainingReached
    settled: Settled
    errors_left: ErrorsLeft
    dose: Dose
    normalisation_alive: NormalisationAlive
    kernels_moved: KernelsMoved
    both_kinds: BothKinds
    enough_kernels: EnoughKernels
    tuned: Tuned

"""The thresholds of the gates, as the registry holds them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from repro.study.settings import Settings

GateName = Literal["trained", "fitted", "normalisation_alive", "kernels_moved", "dose", "untrained_control", "tuned"]
Fraction = Annotated[float, Field(ge=0, le=1)]


class Trained(Settings):
    training_error_below_share_of_chance: Fraction


class Fitted(Settings):
    training_error_at_most_share_of_held_out_error: Annotated[float, Field(gt=0)]


class NormalisationAlive(Settings):
    mean_scale_over_constant_above: Annotated[float, Field(ge=1)]


class KernelsMoved(Settings):
    mean_cosine_with_initial_below: Fraction
    live_kernels_per_tower_at_least: Annotated[int, Field(ge=1)]
    dead_share_per_tower_at_most: Fraction


class Dose(Settings):
    decay_dose_at_least: Annotated[float, Field(gt=0)]


class UntrainedControl(Settings):
    level: Fraction
    luck_at_least: Fraction


class Tuned(Settings):
    best_rate_inside_the_grid: bool


class Gates(Settings):
    """Thresholds of the preconditions that are read before any number."""

    trained: Trained
    fitted: Fitted
    normalisation_alive: NormalisationAlive
    kernels_moved: KernelsMoved
    dose: Dose
    untrained_control: UntrainedControl
    tuned: Tuned

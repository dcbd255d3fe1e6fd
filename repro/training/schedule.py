"""When the learning rate falls (section 5): by a plateau of the validation error, or at fixed shares."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, assert_never

from repro.study.settings import TrainingSettings
from repro.training.update_rule import Rates


@dataclass
class Schedule:
    """The schedule's state. It is a few numbers, so that a checkpoint can hold all of it."""

    settings: TrainingSettings
    steps_per_epoch: int
    reductions: int = 0
    best: float | None = None
    epochs_without_gain: int = 0
    stopped: bool = False

    @property
    def total_steps(self) -> int:
        return self.settings.epochs * self.steps_per_epoch

    @property
    def planned_falls(self) -> list[int]:
        """Kind steps: the steps at which the rate falls."""
        return [round(share * self.total_steps) for share in self.settings.schedule.at]

    @property
    def planned_rate_sum(self) -> float:
        """Kind steps: the sum of the weights' rates over all steps."""
        ends = [0, *self.planned_falls, self.total_steps]
        factor = self.settings.schedule.factor
        return self.settings.learning_rate * sum(
            (end - begin) * factor**falls for falls, (begin, end) in enumerate(pairwise(ends))
        )

    def rates(self, step: int) -> Rates:
        """The rates of a step, counted from 0."""
        schedule = self.settings.schedule
        if schedule.kind == "plateau":
            falls = self.reductions
        elif schedule.kind == "steps":
            falls = sum(step >= fall for fall in self.planned_falls)
        else:
            assert_never(schedule.kind)
        rate = self.settings.learning_rate * schedule.factor**falls
        bias_falls = falls if self.settings.bias_rate_follows_schedule else 0
        bias_rate = self.settings.learning_rate * self.settings.bias_learning_rate_factor
        return Rates(weights=rate, biases=bias_rate * schedule.factor**bias_falls)

    def end_of_epoch(self, validation_error: float | None) -> None:
        """Learn an epoch's validation error; on a plateau reduce the rate, or stop after the last reduction."""
        kind = self.settings.schedule.kind
        if kind == "steps" or validation_error is None:
            return
        if kind != "plateau":
            assert_never(kind)
        if self.best is None or validation_error < self.best:
            self.best, self.epochs_without_gain = validation_error, 0
            return
        self.epochs_without_gain += 1
        if self.epochs_without_gain >= self.settings.schedule.patience:
            self.epochs_without_gain = 0
            if self.reductions == self.settings.schedule.reductions:
                self.stopped = True
            else:
                self.reductions += 1

    def state(self) -> dict[str, Any]:
        """What a checkpoint must hold."""
        state = asdict(self)
        del state["settings"], state["steps_per_epoch"]
        return state

    def load(self, state: dict[str, Any]) -> None:
        for key, value in state.items():
            setattr(self, key, value)


def with_weight_decay(settings: TrainingSettings, steps_per_epoch: int) -> TrainingSettings:
    """`settings` with the weight decay that gives their dose: sum of rate x decay / (1 - momentum) over all steps."""
    if settings.weight_decay_dose is None:
        return settings
    rates = Schedule(settings, steps_per_epoch).planned_rate_sum
    decay = settings.weight_decay_dose * (1 - settings.momentum) / rates
    return settings.model_copy(update={"weight_decay": decay, "weight_decay_dose": None})

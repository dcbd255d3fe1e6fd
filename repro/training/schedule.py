"""When the learning rate falls (section 5): by a plateau of the validation error, or at fixed shares."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

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

    def rates(self, step: int) -> Rates:
        """The rates of a step, counted from 0."""
        schedule = self.settings.schedule
        falls = self.reductions
        if schedule.kind == "steps":
            falls = sum(step >= round(share * self.total_steps) for share in schedule.at)
        rate = self.settings.learning_rate * schedule.factor**falls
        bias_falls = falls if self.settings.bias_rate_follows_schedule else 0
        bias_rate = self.settings.learning_rate * self.settings.bias_learning_rate_factor
        return Rates(weights=rate, biases=bias_rate * schedule.factor**bias_falls)

    def end_of_epoch(self, validation_error: float | None) -> None:
        """Learn an epoch's validation error; on a plateau reduce the rate, or stop after the last reduction."""
        if self.settings.schedule.kind != "plateau" or validation_error is None:
            return
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

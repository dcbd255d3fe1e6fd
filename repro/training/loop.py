"""Training one run from its last checkpoint to its final weights.

The loop's state is weights, velocities, a step number, the schedule's few numbers and the log so far;
everything random is a function of (seed, step). So a run that was killed at any moment ends with the
same bits as one that was not (on the same machine, on CPU).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file

from repro import randomness
from repro.data.chosen_pictures import pictures_of
from repro.data.packed import Ints, Packed, Split
from repro.net.alexnet import DropoutKey, from_tower_state, load_tower_state, tower_state
from repro.runs.store import Run
from repro.training.batch_sums import BatchSums
from repro.training.batches import Batch, Batches
from repro.training.devices.device_pictures import sent
from repro.training.devices.graphed_update import GraphedUpdate, cuda_graph
from repro.training.devices.run_placement import RunPlacement
from repro.training.evaluation import Inputs, fixed_sample, outcomes
from repro.training.records.checkpoint import load_checkpoint, save_checkpoint
from repro.training.records.finished_run import write_finished
from repro.training.records.kept_kernels import keep_kernels
from repro.training.records.log import write_log
from repro.training.records.progress import progress_of
from repro.training.records.provenance import provenance
from repro.training.schedule import Schedule, with_weight_decay
from repro.training.timing import Stopwatch, seconds_of_augmentation
from repro.training.update import PlainUpdate, Update
from repro.training.update_rule import PaperSGD

_CHECK_FINITE_EVERY = 50


class Interrupted(Exception):
    """Training was asked to stop; its state is in the checkpoint."""


class Training:
    """One run in progress. `packed` are its prepared pictures, `placement` where it is computed.

    In a run of two processes each has a Training: all do the same steps, the leading one writes the files.
    """

    def __init__(self, run: Run, packed: Packed, placement: RunPlacement | torch.device) -> None:
        placement = RunPlacement(placement) if isinstance(placement, torch.device) else placement
        self.run = run
        self.spec = run.spec()
        self.net_settings = self.spec.settings.net
        self.packed = packed = pictures_of(self.spec.settings.training.pictures, packed)
        self.placement, self.device = placement, placement.device
        self.inputs = Inputs.of(self.spec.settings, packed, *placement.devices)
        self.net = placement.net(self.net_settings, len(packed.classes), self.spec.seed, self.inputs.dtype)
        self.net.train()
        self.batches = Batches(self.spec, packed)
        self.steps_per_epoch = self.batches.per_epoch
        self.settings = with_weight_decay(self.spec.settings.training, self.steps_per_epoch)
        self.rule = PaperSGD(self.net.named_parameters(), self.settings)
        self.schedule = Schedule(self.settings, self.steps_per_epoch)
        self.step = 0
        self.sums = BatchSums(self.device)
        self.plain_update = PlainUpdate(
            self.net, self.rule, self.sums, self.inputs.dtype, bf16=self.settings.precision == "bf16"
        )
        self.update: Update = self.plain_update
        if placement.graphed:
            self.update = GraphedUpdate(self.plain_update, self.settings.batch_size, cuda_graph)
        self.dose = 0.0
        self.rows: list[dict[str, Any]] = []
        self.sittings = 0
        self.first_step = 0
        """of this sitting"""
        self.diverged = False
        self.stopwatch = Stopwatch()

    # ---- state -----------------------------------------------------------------------------------

    def resume(self) -> None:
        """Load the last checkpoint; without one, the parent's final weights, if there is a parent."""
        state = load_checkpoint(self.run.folder / "checkpoint.pt", self.run.identity)
        self.sittings = 1
        if state is None:
            if self.spec.parent is not None:
                load_tower_state(self.net, load_file(Run(self.run.store, self.spec.parent).checked_weights()))
            return
        load_tower_state(self.net, state["weights"])
        velocities = from_tower_state(self.net, state["velocities"])
        for name, value in self.rule.velocities.items():
            value.copy_(velocities[name])
        self.step = state["step"]
        self.sums.load(state)
        self.dose = state["dose"]
        self.rows = state["rows"]
        # The key is that of checkpoints on disk, whose clock counts on only where it was kept on the same devices.
        same_devices = state.get("place") == self._timed_on
        self.stopwatch.add_earlier(state["seconds"], state.get("clock_seconds") if same_devices else None)
        self.sittings = state["sittings"] + 1
        self.schedule.load(state["schedule"])

    def checkpoint(self) -> None:
        """Write the whole state to disk."""
        weights = self.placement.whole(self.net, tower_state(self.net))
        velocities = self.placement.whole(self.net, tower_state(self.net, self.rule.velocities))
        seconds = self._processor_seconds()
        if not self.placement.leads:
            return
        save_checkpoint(
            self.run.folder / "checkpoint.pt",
            {
                "identity": self.run.identity,
                "weights": weights,
                "velocities": velocities,
                "step": self.step,
                **self.sums.state(),
                "dose": self.dose,
                "rows": self.rows,
                "seconds": seconds,
                "clock_seconds": self.stopwatch.clock,
                "place": self._timed_on,
                "sittings": self.sittings,
                "schedule": self.schedule.state(),
            },
        )

    def _processor_seconds(self) -> float:
        """Processor seconds so far, over all sittings and processes."""
        return self.stopwatch.processor_before + self.placement.total(self.stopwatch.processor_here)

    @property
    def _timed_on(self) -> list[str]:
        """Placement and devices on which clock seconds were measured; those of different devices are not added up."""
        how = [self.placement.name, str(self.placement.runs_a_device), *self.placement.accelerators]
        return [*how, "graphed"] if self.placement.graphed else how

    # ---- steps -----------------------------------------------------------------------------------

    def one_step(self, epoch: int, order: Ints) -> None:
        """One update; advances the step."""
        offset = (self.step - epoch * self.steps_per_epoch) * self.settings.batch_size
        rates = self.schedule.rates(self.step)
        pixels, labels, ids = self.batches.at(epoch, order, offset, self.inputs)
        self.update(pixels, labels, self._dropout(ids), rates)
        self.sums.count(len(labels))
        self.dose += rates.weights * self.settings.weight_decay / (1 - self.settings.momentum)
        self.step += 1

    def _dropout(self, ids: Ints) -> DropoutKey | None:
        """What the step's masks depend on, for a net that has any."""
        if self.net_settings.dropout.probability == 0:
            return None
        # Each of several devices gets the pictures' ids from here: nothing but the joins goes between them.
        there = sent(ids, self.device) if len(self.placement.devices) == 1 else torch.from_numpy(ids)
        return DropoutKey(randomness.key(self.spec.seed, "dropout", self.step), there)

    def gradients(self, batch: Batch) -> object:
        """Forward and backward pass of the step alone; no weight changes."""
        pixels, labels, ids = batch
        return self.plain_update.gradients(pixels, labels, self._dropout(ids))

    def end_epoch(self, epoch: int, rate: float) -> None:
        """Write the epoch's row of the log, and let the schedule know the validation error."""
        row: dict[str, Any] = {
            "epoch": epoch + 1,
            "step": self.step,
            "learning_rate": rate,
            "train_loss": self.sums.mean_loss,
            "batch_error": self.sums.error,
        }
        last = epoch + 1 == self.settings.epochs
        if self.settings.schedule.kind == "plateau" and len(self.packed.validation):
            sample = np.arange(len(self.packed.validation.labels))
            # Rates depend on this error. Another number at once could round it otherwise, and change finished runs.
            error = self._error(self.packed.validation, sample, 256)
            row["validation_error"] = self.placement.leads_number(error)
        if last or (epoch + 1) % self.settings.curve_every == 0:
            row["train_error"] = self._curve_error("train", self.packed.train)
            row["held_out_error"] = self._curve_error("held_out", self.packed.held_out)
            keep_kernels(self.run.folder, self.step, self.net, self.placement)
        self.schedule.end_of_epoch(row.get("validation_error"))
        self.rows.append(row)
        self.sums.clear()
        if self.placement.leads:
            write_log(self.run, self.rows)

    def between_epochs(self, end: int) -> None:
        """Log the training error every `curve_every_steps` steps within an epoch, which ends at step `end`."""
        every = self.settings.curve_every_steps
        if every is None or self.step % every or self.step == end:
            return
        self.rows.append(
            {
                "epoch": self.step / self.steps_per_epoch,
                "step": self.step,
                "learning_rate": self.schedule.rates(self.step - 1).weights,
                "train_error": self._curve_error("train", self.packed.train),
            }
        )

    def _curve_error(self, name: str, split: Split) -> float:
        # As many pictures at once as in a step: they fit into the memory, and the caches, that the steps have warmed.
        at_once = self.settings.batch_size
        return self._error(split, fixed_sample(split, f"curve {name}", self.settings.curve_pictures), at_once)

    def _error(self, split: Split, sample: Ints, at_once: int) -> float:
        return outcomes(self.net, self.inputs, split, sample, batch=at_once).error

    # ---- the whole run ---------------------------------------------------------------------------

    def train(
        self,
        *,
        checkpoint_seconds: float = 30.0,
        should_stop: Callable[[], bool] = lambda: False,
        report: Callable[[dict[str, Any]], None] = lambda progress: None,
    ) -> None:
        """Train to the end and write the final record.

        Raises Interrupted, after a checkpoint, when `should_stop` says so.
        """
        self.placement.together(self.resume)
        self.placement.check_common("step of the checkpoint", self.step)
        if self.step == 0:
            keep_kernels(self.run.folder, 0, self.net, self.placement)
        last_checkpoint = last_report = time.monotonic()
        self.first_step, start = self.step, time.monotonic()
        while self.step < self.schedule.total_steps and not self.schedule.stopped and not self.diverged:
            epoch = self.step // self.steps_per_epoch
            order = self.batches.order(epoch)
            end = (epoch + 1) * self.steps_per_epoch
            rate = self.schedule.rates(epoch * self.steps_per_epoch).weights  # at the epoch's first step
            while self.step < end:
                self.one_step(epoch, order)
                checked = self.step % _CHECK_FINITE_EVERY == 0 or self.step == end
                now = time.monotonic()
                stop, save, self.diverged = self.placement.agree(
                    should_stop(),
                    now - last_checkpoint > checkpoint_seconds,
                    checked and not self.sums.finite,
                )
                if self.diverged:
                    break
                self.between_epochs(end)
                if now - last_report > 1:
                    last_report = now
                    report(
                        progress_of(
                            self.settings,
                            self.sums.mean_loss,
                            self.rows,
                            self.step,
                            self.schedule.total_steps,
                            epoch,
                            (self.step - self.first_step) / (now - start),
                        )
                    )
                if self.step < end and (stop or save):
                    self.checkpoint()
                    last_checkpoint = now
                    if stop:
                        raise Interrupted
            if not self.diverged:
                self.end_epoch(epoch, rate)
                (stop,) = self.placement.agree(should_stop())
                if stop and self.step < self.schedule.total_steps:
                    self.checkpoint()
                    raise Interrupted
        self.finish()

    def finish(self) -> None:
        """Write the final weights, then the record that marks the run as finished; drop the checkpoint."""
        weights = self.placement.whole(self.net, tower_state(self.net))
        self.placement.wait()
        seconds, clock, clock_here = self._processor_seconds(), self.stopwatch.clock, self.stopwatch.clock_here
        pictures = (self.step - self.first_step) * self.settings.batch_size
        timed: tuple[float, float] | None = None
        # Verdicts do not read it of a graphed run, whose graph may have left no memory for a plain step.
        if self.placement.accelerators and not self.diverged and not self.placement.graphed:
            timed = seconds_of_augmentation(self.batches, self.inputs, self.gradients, self.placement.wait)
        if not self.placement.leads:
            return
        final_loss = self.rows[-1]["train_loss"] if self.rows and not self.diverged else None
        write_finished(
            self.run,
            weights,
            {
                "status": "diverged" if self.diverged else "finished",
                "steps": self.step,
                "epochs": sum("train_loss" in row for row in self.rows),
                "final_train_loss": final_loss,
                "decay_dose": self.dose,
                "cpu_seconds": seconds,
                "clock_seconds": clock,
                "augmented_step_seconds": timed and timed[0],
                "plain_step_seconds": timed and timed[1],
                "pictures_per_second": pictures / max(clock_here, 1e-9),
                "sittings": self.sittings,
                "provenance": {**provenance(self.device), **self.placement.record()},
            },
        )

"""A run's placement: the devices of its towers, and what its one or two processes must agree on.

The loop gets the net from it, and asks it before it stops, saves or learns from an error; so it is the same
loop for all placements (`repro.net.table.placement`). Nothing here changes a number.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
from typing import Any, TypeVar

import torch
from torch import Tensor

from repro.errors import UserError
from repro.net.alexnet import AlexNet
from repro.net.joins import DeviceJoins, Joins
from repro.net.table.placement import GRAPHED, Placement, device_names
from repro.net.table.settings import NetSettings
from repro.net.towers import TowerNet

AnyNet = AlexNet | TowerNet
Value = TypeVar("Value")


class RunPlacement:
    """A run in this process alone: on one device (single), or a tower on each of two (split).

    Logits and loss are on the first of `devices`. `leads` says that this process writes the run's files.
    """

    leads = True

    def __init__(self, *devices: torch.device, runs_a_device: int = 1, graphed: bool = False) -> None:
        """`runs_a_device`: how many runs this program trains on each device at once, this one among them.

        `graphed`: the update is a CUDA graph (repro/training/devices/graphed_update.py), on one device.
        """
        self.devices = devices
        self.runs_a_device = runs_a_device
        self.graphed = graphed
        self.name: Placement = "single" if len(devices) == 1 else "split"

    @property
    def device(self) -> torch.device:
        """Where the loss is computed."""
        return self.devices[0]

    def net(self, settings: NetSettings, classes: int, seed: int, dtype: torch.dtype) -> AnyNet:
        """The run's net, or this process's part of it, on its devices."""
        if self.name == "single":
            return AlexNet(settings, classes, seed, dtype).to(self.device)
        return TowerNet(settings, classes, seed, dtype, self._joins())

    @property
    def accelerators(self) -> list[str]:
        """The names of all processes' accelerators, one a device; none on CPU."""
        return [torch.cuda.get_device_name(device) for device in self.devices if device.type == "cuda"]

    def wait(self) -> None:
        """Return when this process's devices have done what they were given."""
        for device in self.devices:
            if device.type == "cuda":
                torch.cuda.synchronize(device)

    def _joins(self) -> Joins:
        return DeviceJoins(self.devices)

    # ---- what the run's processes agree on -------------------------------------------------------

    def together(self, work: Callable[[], Value]) -> Value:
        """What `work` gives in this process, once it has worked in all; a user's mistake is reported once."""
        return work()

    def agree(self, *wishes: bool) -> tuple[bool, ...]:
        """For each wish, whether any process of the run has it."""
        return wishes

    def leads_number(self, value: float) -> float:
        """The leading process's value, so that processes cannot decide differently."""
        return value

    def total(self, value: float) -> float:
        """The sum of the processes' values."""
        return value

    def check_common(self, name: str, value: int) -> None:
        """UserError when the run's processes do not see the same value."""

    def whole(self, net: AnyNet, state: dict[str, Tensor], names: Collection[str] | None = None) -> dict[str, Tensor]:
        """`state` of this process's towers, completed with the others' where this process leads.

        `names`: the towers' parameters that `state` holds, where it does not hold all.
        """
        return state

    # ---- what is recorded ------------------------------------------------------------------------

    def record(self) -> dict[str, Any]:
        """Where and how a run was placed; part of its provenance, not of its identity."""
        return {
            "placement": self.name,
            "devices": [str(device) for device in self.devices],
            "accelerators": self.accelerators,
            "runs_a_device": self.runs_a_device,
            **({"graphed": True} if self.graphed else {}),
        }


def devices_named(text: str) -> tuple[torch.device, ...]:
    """`cpu`, `cuda:0`, or several with commas between.

    Raises UserError for what is neither cpu nor a CUDA device, and for +graph, which is for training alone.
    """
    names = device_names(text)
    if any(name.endswith(GRAPHED) for name in names):
        raise UserError(f"--device {text}: {GRAPHED} is a way of training; leave it out here")
    return tuple(torch.device(name) for name in names)


def training_devices(text: str) -> tuple[tuple[torch.device, ...], bool]:
    """What a run is trained on, and whether its update is a CUDA graph there, as `cuda:0+graph` says.

    Raises UserError as `devices_named`, and for a run on several devices with a graph.
    """
    names = device_names(text)
    graphed = any(name.endswith(GRAPHED) for name in names)
    if graphed and len(names) > 1:
        raise UserError(f"--device {text}: {GRAPHED} is for a run on one device; use --placement single")
    return devices_named(text.removesuffix(GRAPHED)), graphed


def prepare_devices(devices: Sequence[torch.device], precision: str) -> None:
    """Set torch up for a precision on these devices.

    Raises UserError when one is missing, is named twice, or cannot compute in that precision.
    """
    if len({device.type for device in devices}) > 1:
        raise UserError(f"--device {_named(devices)}: the towers of a run are on two GPUs, or both on the CPU")
    gpus = [device.index or 0 for device in devices if device.type == "cuda"]
    if len(set(gpus)) < len(gpus):
        raise UserError(f"--device {_named(devices)}: one GPU is named twice; --placement single computes on one")
    for device in devices:
        if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
            raise UserError(f"--device {device}: there are {torch.cuda.device_count()} CUDA devices here; use cpu")
        if device.type == "cpu" and precision in ("bf16", "tf32"):
            raise UserError(f"training.precision: {precision} needs a GPU; on CPU use float32")
        if device.type == "cuda":
            if precision in ("bf16", "tf32") and torch.cuda.get_device_capability(device) < (8, 0):
                name = torch.cuda.get_device_name(device)
                raise UserError(f"training.precision: {precision} needs compute capability 8.0; {name} has less")
            torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = precision == "tf32"
            os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read when the first product is computed
            torch.use_deterministic_algorithms(True, warn_only=True)
            # Nothing here reads memory that it has not written, and filling it costs time.
            torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]


def _named(devices: Sequence[torch.device]) -> str:
    return ",".join(map(str, devices))

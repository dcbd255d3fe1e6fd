"""Where a net's towers live: what each device then holds, and what crosses between them, from the table.

    single   the whole net on one device, both towers as grouped convolutions
    split    a tower on each of two devices, driven by one process
    ranks    a tower in each of two processes, which `torchrun` starts

Pure arithmetic; `repro.net.joins` does the sending, and a test compares what it sends with this.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, assert_never, get_args

from repro.errors import UserError
from repro.net.table.layers import Layer, traffic

Placement = Literal["single", "split", "ranks"]
PLACEMENTS: tuple[Placement, ...] = get_args(Placement)
DEVICES: Mapping[Placement, int] = {"single": 1, "split": 2, "ranks": 2}
"""Devices that a run takes."""
GRAPHED = "+graph"
"""What follows the name of a CUDA device on which a run's update is captured as a graph."""
_DEVICE = re.compile(rf"cpu(:0)?|cuda(:[0-9]+)?({re.escape(GRAPHED)})?")
LOSS = "loss"
"""The name of the loss among the readers of joined values."""


@dataclass(frozen=True)
class Holding:
    """What one device holds: parameters, and for each picture the values of the forward pass."""

    towers: tuple[int, ...]
    parameters: int
    activations: int
    """Outputs of all neurons, as the paper counts them (section 3.5)."""
    joined_inputs: int
    """On top of that: inputs joined from both towers, and the joined logits where the loss is computed."""


@dataclass(frozen=True)
class Sending:
    """What one tower hands to the other for one picture, in values."""

    tower: int
    reader: str
    forward: int
    backward: int


def placement_named(name: str, towers: int = 2) -> Placement:
    """The placement called `name` for a net of `towers`; UserError when there is none."""
    for placement in PLACEMENTS:
        if placement == name:
            if DEVICES[placement] > towers:
                raise UserError(f"--placement {name}: this net has one tower, on one device; use single")
            return placement
    raise UserError(f"--placement {name}: allowed are {', '.join(PLACEMENTS)}")


def device_names(text: str) -> tuple[str, ...]:
    """The names in what `--device` says, with commas between; UserError for what is neither cpu nor a CUDA device."""
    names = tuple(name.strip() for name in text.split(","))
    if not all(_DEVICE.fullmatch(name) for name in names):
        raise UserError(f"--device {text or repr(text)}: use cpu, cuda, cuda:0 and so on, or two as in cuda:0,cuda:1")
    return names


def holdings(table: tuple[Layer, ...], placement: Placement) -> tuple[Holding, ...]:
    """What each device holds, device by device. A net of one tower has only `single`."""
    towers = range(table[0].towers)
    if placement == "single":
        return (_holding(table, tuple(towers), 0),)
    joined = sum(2 * crossing.values for crossing in traffic(table))
    with_loss = {"split": (0,), "ranks": towers}[placement]
    logits = table[-1].outputs
    return tuple(_holding(table, (tower,), joined + logits * (tower in with_loss)) for tower in towers)


def sendings(table: tuple[Layer, ...], placement: Placement) -> tuple[Sending, ...]:
    """What crosses between towers on different devices, in the order of the forward pass."""
    if placement == "single":
        return ()
    towers = range(table[0].towers)
    # As many gradients come back as values went out.
    sent = [
        Sending(tower, crossing.reader, crossing.values, crossing.values)
        for crossing in traffic(table)
        for tower in towers
    ]
    shares = [len(share) for share in table[-1].shares]
    if placement == "ranks":
        # Each process computes the loss itself, so no gradient is sent; both send the larger share.
        sent += [Sending(tower, LOSS, max(shares), 0) for tower in towers]
    elif placement == "split":
        sent += [Sending(0, LOSS, 0, shares[1]), Sending(1, LOSS, shares[1], 0)]
    else:
        assert_never(placement)
    return tuple(sent)


def placement_record(
    table: tuple[Layer, ...], placement: Placement, batch: int, value_bytes: int = 4
) -> dict[str, Any]:
    """Holdings, and bytes a step at a batch size, as JSON-able values."""
    scale = batch * value_bytes
    return {
        "placement": placement,
        "batch": batch,
        "value_bytes": value_bytes,
        "devices": [vars(holding) for holding in holdings(table, placement)],
        "sent": [
            {
                "tower": item.tower,
                "reader": item.reader,
                "forward_bytes": item.forward * scale,
                "backward_bytes": item.backward * scale,
            }
            for item in sendings(table, placement)
        ],
    }


def placement_text(table: tuple[Layer, ...], placement: Placement, batch: int, value_bytes: int = 4) -> str:
    """The same as text of at most 100 columns."""
    record = placement_record(table, placement, batch, value_bytes)
    lines = [
        f"Placement {placement}, for one picture (values of {value_bytes} bytes):",
        f"  {'device':<8}{'towers':<8}{'parameters':>12}{'activations':>13}{'joined inputs':>15}",
    ]
    for number, device in enumerate(record["devices"]):
        towers = ", ".join(map(str, device["towers"]))
        counts = f"{device['parameters']:>12,}{device['activations']:>13,}{device['joined_inputs']:>15,}"
        lines.append(f"  {number:<8}{towers:<8}{counts}")
    if not record["sent"]:
        return "\n".join([*lines, "  nothing crosses between devices"]) + "\n"
    lines += [
        f"Sent to the other tower in a step of {batch} pictures, bytes:",
        f"  {'reader':<8}" + "".join(f"{f'tower {t} {way}':>20}" for t in (0, 1) for way in ("forward", "backward")),
    ]
    total = [0, 0, 0, 0]
    for _, group in itertools.groupby(record["sent"], key=lambda item: item["reader"]):
        pair = list(group)
        numbers = [item[f"{way}_bytes"] for item in pair for way in ("forward", "backward")]
        total = [sum(both) for both in zip(total, numbers, strict=True)]
        lines.append(f"  {pair[0]['reader']:<8}" + "".join(f"{number:>20,}" for number in numbers))
    lines.append(f"  {'total':<8}" + "".join(f"{number:>20,}" for number in total))
    return "\n".join(lines) + "\n"


def _holding(table: tuple[Layer, ...], towers: tuple[int, ...], joined_inputs: int) -> Holding:
    parameters = activations = 0
    for layer in table:
        kernels = sum(len(layer.shares[tower]) for tower in towers)
        parameters += layer.parameters // layer.out_maps * kernels
        activations += layer.neurons // layer.out_maps * kernels
    return Holding(towers, parameters, activations, joined_inputs)

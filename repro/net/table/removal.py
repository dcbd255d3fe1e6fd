"""Which convolutional layers a net has, and what is left out when one of them is removed.

The paper removes layers (sections 1 and 7) without saying what takes their place. The rules here keep
the map sizes and fc6's inputs as they are:

- the first layer left reads the picture with conv1's kernel, stride, padding and initial values, and
  keeps its own number of kernels and its own normalisation;
- a removed layer's pooling goes to the layer before it (or to the first layer left, when there is none
  before), after that layer's own;
- if the removed layer read both towers, the convolutional layer after it does (form `own`: it does not);
- if the last layer is removed, the one that is now last gets its width (form `wide`: it keeps its own);
- a removed layer's normalisation goes with it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

from repro.errors import UserError
from repro.net.table.conv_plan import ConvPlan, check_known, check_listed
from repro.net.table.settings import FourLayer, NetSettings, RemovalForm

_CONNECTED = ("fc6", "fc7")
"""Layers beside the convolutional ones that may read both towers; the last always does."""


def conv_plans(net: NetSettings) -> tuple[ConvPlan, ...]:
    """The net's convolutional layers in order, after removal. Raises UserError as `layer_table` does."""
    if net.four_layer != FourLayer():
        raise UserError("net.four_layer is of no effect with net.architecture: alexnet; leave it out")
    present = _all_plans(net)
    names = {plan.name for plan in present}
    hint = " (net.widths.conv6 above 0 adds a sixth layer)"
    check_known("removed", net.removed, names, hint)
    check_known("crossings", net.crossings, {*names, *_CONNECTED}, hint)
    check_listed(net, names, hint)
    if len(net.removed) == len(present):
        raise UserError(f"net.removed: {', '.join(net.removed)} leaves no convolutional layer; keep at least one")
    _check_form(net, present)
    conv1 = present[0]
    for name in net.removed:
        present = _without(present, name, net.removal_form)
    first = replace(
        present[0],
        kernel=conv1.kernel,
        stride=conv1.stride,
        padding=conv1.padding,
        crosses=False,
        takes_initial_values_of="conv1",
    )
    return (first, *present[1:])


def _all_plans(net: NetSettings) -> list[ConvPlan]:
    geometry = net.geometry
    widths = net.widths
    before = {"symmetric": geometry.conv1_padding, "right_bottom": 0}[geometry.conv1_padding_kind]
    shapes = [
        (
            "conv1",
            widths.conv[0],
            geometry.conv1_kernel,
            geometry.conv1_stride,
            (before, geometry.conv1_padding),
        ),
        ("conv2", widths.conv[1], geometry.conv2_kernel, 1, (geometry.conv2_padding,) * 2),
        ("conv3", widths.conv[2], geometry.conv3_kernel, 1, (geometry.conv3_padding,) * 2),
        ("conv4", widths.conv[3], geometry.conv4_kernel, 1, (geometry.conv4_padding,) * 2),
        ("conv5", widths.conv[4], geometry.conv5_kernel, 1, (geometry.conv5_padding,) * 2),
    ]
    if widths.sixth:
        shapes.append(("conv6", widths.sixth, geometry.conv6_kernel, 1, (geometry.conv6_padding,) * 2))
    return [
        ConvPlan(
            name=name,
            kind="conv",
            kernels=kernels,
            kernel=kernel,
            stride=stride,
            padding=padding,
            crosses=name in net.crossings,
            pools=int(name in net.pooling.layers),
            takes_initial_values_of=name,
        )
        for name, kernels, kernel, stride, padding in shapes
    ]


def _without(present: list[ConvPlan], name: str, form: str) -> list[ConvPlan]:
    """`present` with the layer `name` taken out by the rules above."""
    at = next(index for index, plan in enumerate(present) if plan.name == name)
    gone = present[at]
    rest = present[:at] + present[at + 1 :]
    heir = max(at - 1, 0)
    rest[heir] = replace(rest[heir], pools=rest[heir].pools + gone.pools)
    if at == len(rest):
        if form != "wide":
            rest[-1] = replace(rest[-1], kernels=gone.kernels)
    elif gone.crosses and form != "own":
        rest[at] = replace(rest[at], crosses=True)
    return rest


def _check_form(net: NetSettings, present: list[ConvPlan]) -> None:
    """A form that changes nothing would give one net two identities."""
    if net.removal_form not in get_args(RemovalForm):
        raise UserError(f"net.removal_form: {net.removal_form} is unknown; allowed: {', '.join(get_args(RemovalForm))}")
    if net.removal_form == "own" and not (
        net.towers == 2 and any(plan.crosses for plan in present[:-1] if plan.name in net.removed)
    ):
        raise UserError("net.removal_form: own needs a layer that reads both towers (conv3) in net.removed")
    if net.removal_form == "wide" and present[-1].name not in net.removed:
        raise UserError(f"net.removal_form: wide needs the last layer, {present[-1].name}, in net.removed")

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

from dataclasses import dataclass, replace

from repro.errors import UserError
from repro.net.settings import NetSettings


@dataclass(frozen=True)
class ConvPlan:
    """A convolutional layer before its shapes are known."""

    name: str
    kernels: int
    kernel: int
    stride: int
    padding: tuple[int, int]
    crosses: bool
    pools: int
    takes_initial_values_of: str


def conv_plans(net: NetSettings) -> tuple[ConvPlan, ...]:
    """The net's convolutional layers in order, after removal. Raises UserError as `layer_table` does."""
    present = _all_plans(net)
    names = {plan.name for plan in present}
    for key, listed in (
        ("removed", net.removed),
        ("crossings", tuple(name for name in net.crossings if name.startswith("conv"))),
        ("normalisation.layers", net.normalisation.layers),
        ("normalisation.before_activation", net.normalisation.before_activation),
        ("normalisation.spatial_layers", net.normalisation.spatial_layers),
        ("pooling.layers", net.pooling.layers),
    ):
        if unknown := sorted(set(listed) - names):
            raise UserError(
                f"net.{key}: {', '.join(unknown)} is not in this net, which has {', '.join(sorted(names))} "
                "(net.widths.conv6 above 0 adds a sixth layer)"
            )
    if len(net.removed) == len(present):
        raise UserError(
            f"net.removed: {', '.join(net.removed)} leaves no convolutional layer; keep at least one"
        )
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
    before = geometry.conv1_padding if geometry.conv1_padding_kind == "symmetric" else 0
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
    if widths.conv6:
        shapes.append(("conv6", widths.conv6, geometry.conv6_kernel, 1, (geometry.conv6_padding,) * 2))
    return [
        ConvPlan(
            name, kernels, kernel, stride, padding, name in net.crossings, name in net.pooling.layers, name
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
    if net.removal_form == "own" and not (
        net.towers == 2 and any(plan.crosses for plan in present[:-1] if plan.name in net.removed)
    ):
        raise UserError("net.removal_form: own needs a layer that reads both towers (conv3) in net.removed")
    if net.removal_form == "wide" and present[-1].name not in net.removed:
        raise UserError(f"net.removal_form: wide needs the last layer, {present[-1].name}, in net.removed")

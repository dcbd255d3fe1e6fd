"""The four-layer CIFAR-10 net (sections 3.1 and 3.3): its layers, and which settings do not apply to it."""

from __future__ import annotations

from operator import attrgetter

from repro.errors import UserError
from repro.net.table.conv_plan import ConvPlan, check_listed
from repro.net.table.settings import Geometry, NetSettings

ALEXNET_ONLY = (
    "crossings",
    *(f"geometry.{name}" for name in Geometry.model_fields if name != "crop"),
    "widths",
    "dropout.rule",
    "dropout.place",
    "initial_values.deviations",
    "initial_values.biases",
    "initial_values.he_bias",
    "removed",
    "removal_form",
)
"""Settings that this net does not read; they must keep their defaults."""


def four_layer_plans(net: NetSettings) -> tuple[ConvPlan, ...]:
    """conv1, conv2, local3 and local4. Raises UserError as `layer_table` does."""
    _check_applicable(net)
    own = net.four_layer
    shapes = (
        ("conv1", own.conv[0], own.conv_kernel, own.conv_padding),
        ("conv2", own.conv[1], own.conv_kernel, own.conv_padding),
        ("local3", own.local[0], own.local_kernel, own.local_padding),
        ("local4", own.local[1], own.local_kernel, own.local_padding),
    )
    check_listed(net, {name for name, *_ in shapes})
    return tuple(
        ConvPlan(
            name=name,
            kind="local" if name.startswith("local") else "conv",
            kernels=kernels,
            kernel=kernel,
            stride=1,
            padding=(padding, padding),
            crosses=False,
            pools=int(name in net.pooling.layers),
            takes_initial_values_of=name,
        )
        for name, kernels, kernel, padding in shapes
    )


def _check_applicable(net: NetSettings) -> None:
    this = "net.architecture: four_layer"
    if net.towers != 1:
        raise UserError(f"net.towers: {net.towers}, but the net of {this} has one tower; set net.towers: 1")
    if net.dropout.probability:
        raise UserError(
            f"net.dropout.probability: {net.dropout.probability:g} has no hidden fully connected layer to act on in "
            f"{this}; set it to 0.0"
        )
    printed = NetSettings()
    for key in ALEXNET_ONLY:
        value = attrgetter(key)(net)
        if value != attrgetter(key)(printed):
            raise UserError(f"net.{key}: {value} is of no effect with {this}; leave it out")

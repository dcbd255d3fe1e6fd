"""The table of layers: the one source of shapes, parameters, computation and traffic between towers.

Modules, descriptions and claims are all built from `layer_table`; nothing else computes a shape.
Pure Python, so that claims about the architecture need no torch.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from typing import Literal, assert_never

from repro.errors import UserError
from repro.net.table.conv_plan import ConvPlan
from repro.net.table.four_layer import four_layer_plans
from repro.net.table.layer import Crossing, Layer, NormalisationPlace, NormalisationRule
from repro.net.table.removal import conv_plans
from repro.net.table.settings import NetSettings

__all__ = [
    "Crossing",
    "Layer",
    "NormalisationRule",
    "layer_table",
    "multiply_adds",
    "neurons",
    "parameters",
    "traffic",
]

_LAST = ("fc5", "fc8")
"""The layers that give a score for each class, of the two architectures."""


def layer_table(net: NetSettings, classes: int) -> tuple[Layer, ...]:
    """The layers of `net` with `classes` outputs, in order.

    Raises UserError, naming key and value, for maps that vanish, widths that the towers cannot share,
    layers that the net does not have, removals that leave nothing, and settings that it does not read.
    """
    if classes < 2:
        raise UserError(f"classes: {classes} is too few; a net needs at least 2")
    if net.architecture == "four_layer":
        kernels = _kernel_layers(net, four_layer_plans(net))
        return (*kernels, _fc_layer(net, "fc5", classes, kernels[-1], 0.0))
    if net.architecture != "alexnet":
        assert_never(net.architecture)
    _check_widths(net, classes)
    layers = _kernel_layers(net, conv_plans(net))
    drop = net.dropout.probability
    if net.dropout.place == "before":
        layers[-1] = replace(layers[-1], dropout=drop)
    for name, units in (("fc6", net.widths.fc[0]), ("fc7", net.widths.fc[1]), ("fc8", classes)):
        dropped = {"after": name in ("fc6", "fc7"), "before": name == "fc6"}[net.dropout.place]
        layers.append(_fc_layer(net, name, units, layers[-1], drop if dropped else 0.0))
    return tuple(layers)


def parameters(table: tuple[Layer, ...]) -> int:
    """Weights and biases of all layers."""
    return sum(layer.parameters for layer in table)


def neurons(table: tuple[Layer, ...]) -> int:
    """Neurons of all layers, the input not counted."""
    return sum(layer.neurons for layer in table)


def multiply_adds(table: tuple[Layer, ...]) -> int:
    """Multiply-adds of one picture's forward pass."""
    return sum(layer.multiply_adds for layer in table)


def traffic(table: tuple[Layer, ...]) -> tuple[Crossing, ...]:
    """What crosses between towers, by reading layer; nothing in a net of one tower."""
    return tuple(
        Crossing(reader.name, previous.outputs // 2)
        for previous, reader in itertools.pairwise(table)
        if reader.towers == 2 and reader.reads == "both"
    )


def _kernel_layers(net: NetSettings, plans: tuple[ConvPlan, ...]) -> list[Layer]:
    layers: list[Layer] = []
    for plan in plans:
        layers.append(_conv_layer(net, plan, layers[-1] if layers else None))
    return layers


def _check_widths(net: NetSettings, classes: int) -> None:
    conv = {f"net.widths.conv (conv{i + 1})": width for i, width in enumerate(net.widths.conv)}
    fc = {f"net.widths.fc (fc{i + 6})": width for i, width in enumerate(net.widths.fc)}
    for key, width in {**conv, "net.widths.conv6": net.widths.sixth, **fc}.items():
        if width % net.towers:
            raise UserError(f"{key}: {width} is odd, and 2 towers hold half each; use an even number")
    blocks = net.normalisation.blocks
    if blocks is not None and blocks % net.towers:
        raise UserError(
            f"net.normalisation.blocks: {blocks} would let windows cross towers; use a multiple of {net.towers}"
        )


def _conv_layer(net: NetSettings, plan: ConvPlan, previous: Layer | None) -> Layer:
    maps = previous.out_maps if previous else 3
    side = previous.out_side if previous else net.geometry.crop
    reads: Literal["picture", "own", "both"] = "own"
    if previous is None:
        reads = "picture"
    elif plan.crosses and net.towers == 2:
        reads = "both"
    conv_side = (side + sum(plan.padding) - plan.kernel) // plan.stride + 1
    if conv_side < 1:
        raise UserError(
            f"net.geometry: the maps vanish at {plan.name}: a kernel of {plan.kernel} x {plan.kernel} does "
            f"not fit its input of {side} x {side} with padding {plan.padding[0]}+{plan.padding[1]}; "
            f"raise net.geometry.crop ({net.geometry.crop}) or make kernels, strides or pooling smaller"
        )
    out_side = conv_side
    for _ in range(plan.pools):
        out_side = _pooled(net, out_side, plan.name)
    in_maps = maps // net.towers if reads == "own" else maps
    rule, deviation, bias = _initial_values(
        net, plan.takes_initial_values_of, in_maps * plan.kernel**2, previous is None
    )
    return Layer(
        name=plan.name,
        kind=plan.kind,
        towers=net.towers,
        reads=reads,
        in_maps=in_maps,
        in_side=side,
        kernel=plan.kernel,
        stride=plan.stride,
        padding=plan.padding,
        out_maps=plan.kernels,
        conv_side=conv_side,
        normalisation=_normalisation(net, plan),
        spatial_normalisation=_spatial_normalisation(net, plan.name),
        activation=net.activation,
        pool=(net.pooling.size, net.pooling.stride) if plan.pools else None,
        pools=plan.pools,
        pool_rounding=net.pooling.rounding,
        out_side=out_side,
        dropout=0.0,
        dropout_rule=net.dropout.rule,
        initial_rule=rule,
        initial_deviation=deviation,
        initial_bias=bias,
    )


def _fc_layer(net: NetSettings, name: str, units: int, previous: Layer, dropout: float) -> Layer:
    last = name in _LAST
    crosses = net.towers == 2 and (last or name in net.crossings)
    inputs = previous.outputs if crosses else previous.outputs // net.towers
    rule, deviation, bias = _initial_values(net, name, inputs, False)
    return Layer(
        name=name,
        kind="fc",
        towers=net.towers,
        reads="both" if crosses else "own",
        in_maps=inputs,
        in_side=1,
        kernel=1,
        stride=1,
        padding=(0, 0),
        out_maps=units,
        conv_side=1,
        normalisation=None,
        spatial_normalisation=None,
        activation=None if last else net.activation,
        pool=None,
        pools=0,
        pool_rounding=net.pooling.rounding,
        out_side=1,
        dropout=dropout,
        dropout_rule=net.dropout.rule,
        initial_rule=rule,
        initial_deviation=deviation,
        initial_bias=bias,
    )


def _pooled(net: NetSettings, side: int, name: str) -> int:
    size, stride = net.pooling.size, net.pooling.stride
    if side < size:
        raise UserError(
            f"net.pooling.size: the maps vanish after {name}: a window of {size} x {size} does not fit maps "
            f"of {side} x {side}; raise net.geometry.crop ({net.geometry.crop}) or make the window smaller"
        )
    rounding = net.pooling.rounding
    if rounding == "floor":
        return (side - size) // stride + 1
    if rounding == "ceil":
        windows = math.ceil((side - size) / stride) + 1
        return windows if (windows - 1) * stride < side else windows - 1  # a window must begin inside the map
    assert_never(rounding)


def _normalisation(net: NetSettings, plan: ConvPlan) -> NormalisationRule | None:
    rule = net.normalisation
    if plan.name not in rule.layers:
        return None
    blocks = rule.blocks or net.towers
    if plan.kernels % blocks:
        raise UserError(
            f"net.normalisation.blocks: {blocks} equal blocks do not fit the {plan.kernels} maps of {plan.name}"
        )
    alpha = rule.alpha * net.input_divisor**2
    return NormalisationRule(rule.size, rule.k, alpha, rule.beta, blocks, _normalised_at(net, plan))


def _normalised_at(net: NetSettings, plan: ConvPlan) -> NormalisationPlace:
    before, after = net.normalisation.before_activation, net.normalisation.after_pooling
    if plan.name not in after:
        return "before_activation" if plan.name in before else "after_activation"
    if plan.name in before:
        raise UserError(f"net.normalisation.after_pooling: {plan.name} stands in before_activation too; choose one")
    if not plan.pools:
        raise UserError(f"net.normalisation.after_pooling: {plan.name} has no pooling (see net.pooling.layers)")
    return "after_pooling"


def _spatial_normalisation(net: NetSettings, name: str) -> NormalisationRule | None:
    rule = net.normalisation
    if name not in rule.spatial_layers:
        return None
    alpha = rule.spatial_alpha * net.input_divisor**2
    return NormalisationRule(rule.spatial_size, rule.spatial_k, alpha, rule.spatial_beta, 1)


def _initial_values(
    net: NetSettings, name: str, fan_in: int, first: bool
) -> tuple[Literal["normal", "uniform"], float, float]:
    """Rule, standard deviation of the weights, and bias of the layer that stands in the place of `name`."""
    rule = net.initial_values
    if rule.rule == "uniform":
        return "uniform", math.sqrt(1 / (3 * fan_in)), 0.0
    four_layer = net.architecture == "four_layer"
    deviations = (net.four_layer.deviations if four_layer else rule.deviations).model_dump()
    biases = dict.fromkeys(deviations, 0.0) if four_layer else rule.biases.model_dump()
    if rule.rule == "printed":
        return "normal", deviations[name], biases[name]
    if rule.rule == "he":
        deviation = math.sqrt(2 / fan_in) * (rule.conv1_gain if first else 1.0)
        return (
            "normal",
            rule.last_deviation if name in _LAST else deviation,
            rule.he_bias if biases[name] else 0.0,
        )
    assert_never(rule.rule)

"""The net as a person and as a program want to read it: two tables of text, or one JSON-able mapping."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from repro.net.table import layers
from repro.net.table.layers import Layer, layer_table
from repro.net.table.settings import NetSettings


def describe(net: NetSettings, classes: int) -> dict[str, Any]:
    """The net's numbers as JSON-able values. Raises UserError as `layer_table` does."""
    table = layer_table(net, classes)
    return {
        "classes": classes,
        "towers": net.towers,
        "input": [3, net.geometry.crop, net.geometry.crop],
        "parameters": layers.parameters(table),
        "weights": sum(layer.weights for layer in table),
        "biases": sum(layer.biases for layer in table),
        "neurons": layers.neurons(table),
        "multiply_adds": layers.multiply_adds(table),
        "layers": [_layer_record(layer, layers.parameters(table)) for layer in table],
        "traffic": [{"reader": item.reader, "values": item.values} for item in layers.traffic(table)],
        "deviations_from_paper": deviations_from_paper(net),
    }


def describe_text(net: NetSettings, classes: int) -> str:
    """The same as text of at most 100 columns. Raises UserError as `layer_table` does."""
    table = layer_table(net, classes)
    total = layers.parameters(table)
    shapes: list[tuple[str, ...]] = [("layer", "kernels", "size", "stride", "pad", "reads", "gives", "then")]
    shapes.append(("input", "", "", "", "", "", _maps(3, net.geometry.crop), ""))
    shapes += [_shape_row(layer) for layer in table]
    sizes: list[tuple[str, ...]] = [("layer", "weights", "biases", "parameters", "share", "neurons", "multiply-adds")]
    sizes += [_size_row(layer, total) for layer in table]
    sizes.append(
        (
            "total",
            f"{sum(layer.weights for layer in table):,}",
            f"{sum(layer.biases for layer in table):,}",
            f"{total:,}",
            "100.000 %",
            f"{layers.neurons(table):,}",
            f"{layers.multiply_adds(table):,}",
        )
    )
    blocks = [_aligned(shapes, left={0, 5, 7}), _aligned(sizes, left={0})]
    if crossing := layers.traffic(table):
        sent = ", ".join(f"{item.values:,} for {item.reader}" for item in crossing)
        blocks.append(f"Values that each tower sends the other for one picture, forward:\n  {sent}")
    if departures := deviations_from_paper(net):
        lines = [f"  {item['key']}: {item['value']} (paper: {item['paper']})" for item in departures]
        blocks.append("\n".join(["Departs from the paper in:", *lines]))
    return "\n\n".join(blocks) + "\n"


def deviations_from_paper(net: NetSettings) -> list[dict[str, Any]]:
    """Every setting that differs from the print: key, value and the paper's value, in the settings' order."""
    return _differences("net", NetSettings().model_dump(mode="json"), net.model_dump(mode="json"))


def _differences(key: str, paper: Any, value: Any) -> list[dict[str, Any]]:
    if isinstance(paper, dict) and isinstance(value, dict):
        return [item for name in value for item in _differences(f"{key}.{name}", paper[name], value[name])]
    return [] if paper == value else [{"key": key, "value": value, "paper": paper}]


def _layer_record(layer: Layer, total: int) -> dict[str, Any]:
    return {
        "name": layer.name,
        "kind": layer.kind,
        "towers": layer.towers,
        "reads": layer.reads,
        "kernels": layer.out_maps,
        "kernels_per_tower": [len(share) for share in layer.shares],
        "inputs_per_kernel": layer.fan_in,
        "kernel": layer.kernel,
        "in_maps": layer.in_maps,
        "in_side": layer.in_side,
        "stride": layer.stride,
        "padding": list(layer.padding),
        "conv_side": layer.conv_side,
        "output": [layer.out_maps, layer.out_side, layer.out_side] if layer.kind != "fc" else [layer.out_maps],
        "then": list(_then(layer)),
        "parameters": layer.parameters,
        "weights": layer.weights,
        "biases": layer.biases,
        "share": layer.parameters / total,
        "neurons": layer.neurons,
        "multiply_adds": layer.multiply_adds,
        "initial_deviation": layer.initial_deviation,
        "initial_bias": layer.initial_bias,
    }


def _then(layer: Layer) -> tuple[str, ...]:
    """What follows the weighted sum, in order."""
    words: list[str] = []
    normalisation = layer.normalisation
    if normalisation and normalisation.place == "before_activation":
        words.append("norm")
    words.append(layer.activation or "softmax")
    if normalisation and normalisation.place == "after_activation":
        words.append("norm")
    if layer.spatial_normalisation:
        words.append("spatial norm")
    if layer.pool:
        size, stride = layer.pool
        words += [f"pool {size}/{stride}"] * layer.pools
        words[-1] += f" to {layer.out_side}"
    if normalisation and normalisation.place == "after_pooling":
        words.append("norm")
    if layer.dropout:
        words.append(f"dropout {layer.dropout:g}")
    return tuple(words)


def _shape_row(layer: Layer) -> tuple[str, ...]:
    shares = [len(share) for share in layer.shares]
    kernels = (
        f"{layer.towers} x {shares[0]}" if len(set(shares)) == 1 and layer.towers > 1 else " + ".join(map(str, shares))
    )
    reads = {"picture": "picture", "both": "both", "own": "own" if layer.towers > 1 else "all"}[layer.reads]
    before, after = layer.padding
    conv = layer.kind != "fc"
    unshared = f" at {layer.positions}" if layer.kind == "local" else ""
    return (
        layer.name,
        f"{kernels}{unshared}",
        f"{layer.kernel}x{layer.kernel}x{layer.in_maps}" if conv else f"{layer.in_maps}",
        str(layer.stride) if conv else "",
        (str(before) if before == after else f"{before}+{after}") if conv else "",
        reads,
        _maps(layer.out_maps, layer.conv_side) if conv else str(layer.out_maps),
        ", ".join(_then(layer)),
    )


def _size_row(layer: Layer, total: int) -> tuple[str, ...]:
    return (
        layer.name,
        f"{layer.weights:,}",
        f"{layer.biases:,}",
        f"{layer.parameters:,}",
        f"{100 * layer.parameters / total:.3f} %",
        f"{layer.neurons:,}",
        f"{layer.multiply_adds:,}",
    )


def _maps(maps: int, side: int) -> str:
    return f"{maps}x{side}x{side}"


def _aligned(rows: Sequence[Sequence[str]], left: set[int]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "  ".join(
            cell.ljust(width) if column in left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    rule = "  ".join("-" * width for width in widths)
    return "\n".join([lines[0], rule, *lines[1:]])

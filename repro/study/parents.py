"""Variants that start from another variant's final weights (the paper's pre-training, section 6)."""

from __future__ import annotations

from collections.abc import Mapping

from repro.errors import UserError
from repro.net.table.layers import layer_table
from repro.net.table.settings import NetSettings
from repro.study.settings import RunSettings, Variant


def parents_of(chosen: Mapping[str, Variant], settings: Mapping[str, RunSettings], study: str) -> dict[str, str]:
    """The parent of each of a study's variants that has one.

    Raises UserError for a parent that the study does not train, one that descends from its own child, and
    one whose net has other weights.
    """
    parents = {name: variant.parent for name, variant in chosen.items() if variant.parent is not None}
    for name, parent in parents.items():
        if parent not in chosen:
            raise UserError(
                f"variants.yaml: {name}: parent: {parent!r} is not trained in study {study}; "
                f"list it under variants in studies/{study}.yaml too"
            )
        line = [name]
        while (ancestor := parents.get(line[-1])) is not None:
            if ancestor in line:
                raise UserError(f"variants.yaml: {name}: parent: {' -> '.join([*line, ancestor])} is a circle")
            line.append(ancestor)
        if _weights(settings[name].net) != _weights(settings[parent].net):
            raise UserError(
                f"variants.yaml: {name}: parent: {parent!r} has a net with other layers or widths in study {study}; "
                "a net can only start from weights of its own shapes"
            )
    return parents


def _weights(net: NetSettings) -> list[tuple[object, ...]]:
    """Names and shapes of the weights, as far as they do not depend on the number of classes."""
    return [
        (layer.name, layer.towers, layer.reads, layer.in_maps, layer.kernel, layer.out_maps, layer.positions)
        for layer in layer_table(net, 2)
    ]

"""A name that settings do not allow is refused by the code that reads it, too, and never taken for another one.

Whoever adds a name to the settings and forgets a reader of it must hear so: a net that quietly computes something else
is worse than one that does not start.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal, get_args, get_origin

import numpy as np
import pytest
import torch
from pydantic import BaseModel

from repro.data.augmentation import draw, epoch_order, mean_to_subtract
from repro.data.chosen_pictures import pictures_of
from repro.data.packed import Packed, open_packed
from repro.data.preparation.choice import choose_pictures
from repro.data.preparation.resizing import resize_and_crop
from repro.net.alexnet import AlexNet
from repro.net.dropout import DropoutKey
from repro.net.layer_module import LayerModule
from repro.net.table.layer import Layer
from repro.net.table.layers import layer_table
from repro.net.table.placement import holdings, sendings
from repro.study.settings import RunSettings
from repro.training.evaluation import Inputs
from repro.training.schedule import Schedule
from tests.net.nets import TINY, net
from tests.packed_pictures import make_packed

UNKNOWN = "unheard_of"
SETTINGS = RunSettings.model_validate(
    {
        "data": {"size": 23, "validation_per_class": 1},
        "net": net(TINY, {"widths": {"conv6": 8}}).model_dump(),
        "training": {},
    }
)
Read = Callable[[RunSettings], Any]


def with_unknown(settings: BaseModel, key: str) -> Any:
    """`settings` with the unknown name at a dotted key, as if it were allowed there."""
    first, _, rest = key.partition(".")
    old = getattr(settings, first)
    new = with_unknown(old, rest) if rest else (UNKNOWN,) if isinstance(old, tuple) else UNKNOWN
    return settings.model_copy(update={first: new})


def named_settings(model: type[BaseModel], prefix: str = "") -> set[str]:
    """The dotted keys whose value is one of a few names, or a list of such."""
    found: set[str] = set()
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            found |= named_settings(kind, f"{prefix}{name}.")
        elif any(isinstance(value, str) for value in names_in(kind)):
            found.add(f"{prefix}{name}")
    return found


def names_in(kind: Any) -> tuple[Any, ...]:
    if get_origin(kind) is tuple and len(inner := get_args(kind)) == 2 and inner[1] is Ellipsis:
        kind = inner[0]
    return get_args(kind) if get_origin(kind) is Literal else ()


def the_table(settings: RunSettings) -> tuple[Layer, ...]:
    return layer_table(settings.net, 4)


def a_step_forward(settings: RunSettings, *, training: bool = True) -> torch.Tensor:
    model = AlexNet(settings.net, 4, 0).train(training)
    return model(torch.zeros(2, 3, 23, 23), dropout=DropoutKey(1, torch.arange(2)) if training else None)


def packed(folder: Path) -> Packed:
    return open_packed(folder / make_packed(folder))


PICTURES: dict[str, Callable[[RunSettings, Packed], Any]] = {
    "training.pictures.classes": lambda settings, of: pictures_of(settings.training.pictures, of),
    "training.pictures.colour": lambda settings, of: pictures_of(settings.training.pictures, of),
    "training.precision": lambda settings, of: Inputs.of(settings, of, torch.device("cpu")),
    "training.mean": lambda settings, of: mean_to_subtract(of.mean_picture, settings.training.mean, 16),
    "training.augmentation.crops": lambda settings, of: draw(
        settings.training.augmentation,
        of.colour,
        seed=1,
        epoch=0,
        samples=np.arange(3),
        offset=0,
        size=20,
        crop=16,
    ),
}
READERS: dict[str, list[Read]] = {
    "data.held_out": [
        lambda settings: choose_pictures(
            SimpleNamespace(train=(), validation=(), classes=()),  # type: ignore[arg-type]
            [],
            seed=1,
            train_per_class=1,
            validation_per_class=0,
            held_out=settings.data.held_out,
        )
    ],
    "data.filter": [lambda settings: resize_and_crop(np.zeros((40, 50, 3), np.uint8), 20, settings.data.filter)],
    "net.architecture": [the_table],
    "net.crossings": [the_table],
    "net.geometry.conv1_padding_kind": [the_table],
    "net.normalisation.layers": [the_table],
    "net.normalisation.before_activation": [the_table],
    "net.normalisation.after_pooling": [the_table],
    "net.normalisation.spatial_layers": [the_table],
    "net.pooling.layers": [the_table],
    "net.pooling.rounding": [the_table],
    "net.activation": [a_step_forward],
    "net.input_positions": [a_step_forward],
    "net.dropout.rule": [a_step_forward, lambda settings: a_step_forward(settings, training=False)],
    "net.dropout.place": [the_table],
    "net.initial_values.rule": [the_table],
    "net.removed": [the_table],
    "net.removal_form": [the_table],
    "training.order": [lambda settings: epoch_order(1, 0, 4, settings.training.order)],
    "training.schedule.kind": [
        lambda settings: Schedule(settings.training, 10).rates(0),
        lambda settings: Schedule(settings.training, 10).end_of_epoch(0.5),
    ],
    **{key: [] for key in PICTURES},
}


def test_every_named_setting_is_among_these() -> None:
    assert named_settings(RunSettings) == set(READERS)


@pytest.mark.parametrize("key", READERS)
def test_an_unknown_name_is_refused_where_it_is_read(key: str, tmp_path: Path) -> None:
    settings = with_unknown(SETTINGS, key)
    readers = list(READERS[key])
    if key in PICTURES:
        pictures = packed(tmp_path)
        readers.append(lambda settings: PICTURES[key](settings, pictures))
    assert readers
    for read in readers:
        read(SETTINGS)  # nothing else is wrong with it
        with pytest.raises(Exception, match=UNKNOWN):
            read(settings)


LAYER = layer_table(net(TINY, {"dropout": {"place": "before"}}), 4)[0]


@pytest.mark.parametrize("part", ["kind", "activation", "pool_rounding", "dropout_rule", "initial_rule"])
@pytest.mark.parametrize("training", [True, False])
def test_a_layer_of_an_unknown_sort_computes_nothing(part: str, training: bool) -> None:
    def compute(layer: Layer) -> torch.Tensor:
        module = LayerModule(layer, range(2), 0, torch.float32).train(training)
        return module(torch.zeros(1, 3, 23, 23), DropoutKey(1, torch.arange(1)))

    layer = replace(LAYER, dropout=0.5)
    compute(layer)
    with pytest.raises(Exception, match=UNKNOWN):
        compute(replace(layer, **{part: UNKNOWN}))


def test_normalisation_at_an_unknown_place_is_not_left_out() -> None:
    rule = LAYER.normalisation
    assert rule is not None
    with pytest.raises(Exception, match=UNKNOWN):
        LayerModule(replace(LAYER, normalisation=replace(rule, place=UNKNOWN)), range(2), 0, torch.float32)


@pytest.mark.parametrize("read", [holdings, sendings])
def test_an_unknown_placement_has_no_costs(read: Callable[..., Any]) -> None:
    with pytest.raises(Exception, match=UNKNOWN):
        read(layer_table(net(TINY), 4), UNKNOWN)

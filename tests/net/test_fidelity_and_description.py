"""The three fidelities, and the texts that `repro describe` prints."""

from __future__ import annotations

import json
import re

import pytest
import torch

from repro.errors import UserError
from repro.net.alexnet import AlexNet
from repro.net.table import layers
from repro.net.table.describe import describe, describe_text, deviations_from_paper
from repro.net.table.fidelity import FIDELITIES, NAMES, SWITCHES, overrides
from repro.net.table.layers import layer_table
from repro.net.table.settings import NetSettings
from repro.study.settings import TrainingSettings
from repro.training.schedule import Schedule
from tests.net.nets import TINY
from tests.net.nets import net as small_net
from tests.project_copy import edit_yaml
from tests.small_project import Place, did


def of(fidelity: str) -> NetSettings:
    return NetSettings.model_validate(FIDELITIES[fidelity]["net"])


def test_paper_is_the_defaults() -> None:
    assert of("paper") == NetSettings()


@pytest.mark.parametrize("fidelity", NAMES)
def test_every_switch_is_valid_and_has_a_source(fidelity: str) -> None:
    net = of(fidelity)
    TrainingSettings.model_validate(FIDELITIES[fidelity]["training"])
    layer_table(net, 1000)
    assert all(switch.source for switch in SWITCHES[fidelity])


@pytest.mark.parametrize("fidelity", ["authors", "modern"])
def test_every_net_switch_changes_something(fidelity: str) -> None:
    changed = {item["key"] for item in deviations_from_paper(of(fidelity))}
    assert changed == {switch.key for switch in SWITCHES[fidelity] if switch.key.startswith("net.")}


def leaves(value: object, key: str) -> dict[str, object]:
    """Dotted key -> value of nested settings."""
    if not isinstance(value, dict):
        return {key: value}
    return {name: leaf for part, inner in value.items() for name, leaf in leaves(inner, f"{key}.{part}").items()}


@pytest.mark.parametrize("fidelity", ["authors", "modern"])
def test_every_training_switch_changes_something(fidelity: str) -> None:
    printed = leaves(TrainingSettings().model_dump(), "training")
    changed = leaves(TrainingSettings.model_validate(FIDELITIES[fidelity]["training"]).model_dump(), "training")
    switched = {switch.key for switch in SWITCHES[fidelity] if switch.key.startswith("training.")}
    assert {key for key in printed | changed if printed.get(key) != changed.get(key)} == switched


def test_the_authors_alpha_is_the_prints_shared_by_the_maps_of_a_window() -> None:
    printed, released = of("paper").normalisation, of("authors").normalisation
    assert released.alpha == pytest.approx(printed.alpha / printed.size, rel=1e-12)


@pytest.mark.parametrize(("fidelity", "falls", "epochs"), [("authors", [23, 51, 78], 93), ("modern", [30, 60], 90)])
def test_the_rate_falls_after_the_epochs_of_the_source(fidelity: str, falls: list[int], epochs: int) -> None:
    schedule = Schedule(TrainingSettings.model_validate(FIDELITIES[fidelity]["training"]), steps_per_epoch=1000)
    assert [round(step / 1000) for step in schedule.planned_falls] == falls
    assert schedule.total_steps == epochs * 1000


def test_an_unknown_fidelity_is_refused() -> None:
    with pytest.raises(UserError, match=r"'caffe'.*paper, authors, modern"):
        overrides("caffe")


def test_the_authors_net_has_the_papers_shapes() -> None:
    printed, released = (layer_table(of(name), 1000) for name in ("paper", "authors"))
    assert layers.parameters(printed) == layers.parameters(released)
    assert [layer.out_side for layer in printed] == [layer.out_side for layer in released]
    assert released[0].normalisation is not None
    assert released[0].normalisation.place == "before_activation"
    assert released[1].spatial_normalisation is not None


def test_modern_is_torchvisions_net() -> None:
    import torchvision  # takes seconds, for this test alone

    table = layer_table(of("modern"), 1000)
    assert layers.parameters(table) == 61_100_840
    ours = AlexNet(of("modern"), 10, 0).double().eval()
    theirs = torchvision.models.alexnet(num_classes=10).double().eval()
    own = ours.state_dict()
    with torch.no_grad():
        for mine, value in zip(own.values(), theirs.state_dict().values(), strict=True):
            mine.copy_(value)
        pictures = torch.randn(2, 3, 224, 224, dtype=torch.float64)
        torch.testing.assert_close(ours(pictures), theirs(pictures), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("fidelity", NAMES)
def test_the_text_fits_a_terminal_and_has_the_totals(fidelity: str) -> None:
    net = of(fidelity)
    text = describe_text(net, 1000)
    assert max(map(len, text.splitlines())) <= 100
    table = layer_table(net, 1000)
    totals = next(line for line in text.splitlines() if line.startswith("total"))
    assert f"{layers.parameters(table):,}" in totals
    assert f"{layers.neurons(table):,}" in totals
    assert f"{layers.multiply_adds(table):,}" in totals
    for layer in table:
        assert len(re.findall(rf"^{layer.name}\b", text, re.MULTILINE)) == 2


# Numbers to the right, what a layer reads and what follows it to the left.
# conv1: 23 + 2 - 5 + 1 = 21, pooled (21 - 3) // 2 + 1 = 10; 8 kernels of 75 weights at 21 x 21 places.
TINY_TEXT = """\
layer  kernels   size  stride  pad  reads      gives  then
-----  -------  -----  ------  ---  -------  -------  --------------------------
input                                        3x23x23
conv1    2 x 4  5x5x3       1  0+2  picture  8x21x21  relu, norm, pool 3/2 to 10
conv2    2 x 4  5x5x4       1    2  own      8x10x10  relu, norm, pool 3/2 to 4
conv3    2 x 6  3x3x8       1    1  both      12x4x4  relu
conv4    2 x 6  3x3x6       1    1  own       12x4x4  relu
conv5    2 x 4  3x3x6       1    1  own        8x4x4  relu, pool 3/2 to 1
fc6      2 x 8      8               both          16  relu, dropout 0.5
fc7      2 x 8      8               own           16  relu, dropout 0.5
fc8      3 + 2     16               both           5  softmax

layer  weights  biases  parameters      share  neurons  multiply-adds
-----  -------  ------  ----------  ---------  -------  -------------
conv1      600       8         608   16.149 %    3,528        264,600
conv2      800       8         808   21.461 %      800         80,000
conv3      864      12         876   23.267 %      192         13,824
conv4      648      12         660   17.530 %      192         10,368
conv5      432       8         440   11.687 %      128          6,912
fc6        128      16         144    3.825 %       16            128
fc7        128      16         144    3.825 %       16            128
fc8         80       5          85    2.258 %        5             80
total    3,680      85       3,765  100.000 %    4,877        376,040

Values that each tower sends the other for one picture, forward:
  64 for conv3, 4 for fc6, 8 for fc8

Departs from the paper in:
"""


def test_the_text_of_a_small_net_by_hand() -> None:
    text = describe_text(small_net(TINY, {"crossings": ["conv3", "fc6"]}), 5)
    assert text.startswith(TINY_TEXT)
    assert "\n  net.crossings: ['conv3', 'fc6'] (paper: ['conv3', 'fc6', 'fc7'])\n" in text


def test_the_paper_described_for_programs() -> None:
    record = json.loads(json.dumps(describe(NetSettings(), 1000)))
    assert record["input"] == [3, 224, 224]
    assert record["parameters"] == 60_965_224
    assert record["neurons"] == 659_272
    assert record["multiply_adds"] == 724_406_816
    assert record["deviations_from_paper"] == []
    assert record["traffic"][0] == {"reader": "conv3", "values": 21_632}
    assert sum(layer["share"] for layer in record["layers"]) == pytest.approx(1)
    assert record["layers"][0]["then"] == ["relu", "norm", "pool 3/2 to 27"]


def test_deviations_name_key_value_and_the_papers_value() -> None:
    changed = NetSettings.model_validate({"removed": ["conv3"], "dropout": {"probability": 0.0}})
    assert deviations_from_paper(changed) == [
        {"key": "net.dropout.probability", "value": 0.0, "paper": 0.5},
        {"key": "net.removed", "value": ["conv3"], "paper": []},
    ]
    assert "net.removed: ['conv3'] (paper: [])" in describe_text(changed, 1000)


def test_a_studys_net_is_described_with_the_studys_classes(place: Place) -> None:
    """Its last layer has a unit a class: five in the registered pictures, fewer where the study takes some of them."""

    def outputs(*options: str) -> int:
        layers = json.loads(did(place.root, "describe", *options, "--json").out)["layers"]
        (last,) = (layer for layer in layers if layer["name"] == "fc8")
        return int(last["kernels"])

    assert outputs("--study", "small") == 5
    assert outputs("--study", "small", "--classes", "7") == 7
    edit_yaml(place.root / "studies" / "small.yaml", data={"classes": 3})
    assert outputs("--study", "small") == 3
    assert outputs() == 1000

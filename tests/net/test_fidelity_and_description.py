"""The three fidelities, and the texts that `repro describe` prints."""

from __future__ import annotations

import json
import re

import pytest
import torch
import torchvision

from repro.errors import UserError
from repro.net.alexnet import AlexNet
from repro.net.table import layers
from repro.net.table.describe import describe, describe_text, deviations_from_paper
from repro.net.table.fidelity import FIDELITIES, NAMES, SWITCHES, overrides
from repro.net.table.layers import layer_table
from repro.net.table.settings import NetSettings
from repro.study.settings import TrainingSettings


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


def test_the_paper_described_for_programs() -> None:
    record = json.loads(json.dumps(describe(NetSettings(), 1000)))
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

"""The language of changes: what an operator does to a study's own values, and what it refuses."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.errors import UserError
from repro.net.table.layers import layer_table, multiply_adds
from repro.net.table.settings import NetSettings
from repro.settings import validated
from repro.study.changes import changed
from repro.study.settings import RunSettings
from tests.net.nets import SMALL, TINY, net

WHERE = "variants.yaml: example"
FACTORS = st.floats(0.01, 100, allow_nan=False)
EVEN = st.integers(1, 300).map(lambda half: 2 * half)


def run_settings(net_value: NetSettings | None = None, **training: Any) -> RunSettings:
    value = {
        "data": {"size": 256, "validation_per_class": 1},
        "net": (net_value or NetSettings()).model_dump(mode="json"),
        "training": training,
    }
    return validated(RunSettings, value, "test")


def after(base: RunSettings, changes: dict[str, Any]) -> RunSettings:
    return validated(RunSettings, changed(base, changes, WHERE), WHERE)


def test_no_changes_leave_the_base():
    base = run_settings()
    assert after(base, {}) == base


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("net.initial_values.biases.conv2", 0.25),
        ("training.schedule.patience", 3),
        ("training.pictures.share", 0.5),
        ("net.removed", ["conv4"]),
        ("training.augmentation.colour_noise_off_epoch", 3),
    ],
)
def test_a_plain_value_changes_that_key_alone(key, value):
    base = run_settings()
    now = changed(base, {key: value}, WHERE)
    expected: Any = base.model_dump(mode="json")
    *path, last = key.split(".")
    place = expected
    for part in path:
        place = place[part]
    assert place[last] != value
    place[last] = value
    assert now == expected
    assert after(base, {key: value}) != base


@given(decay=st.floats(1e-6, 1e3), factor=FACTORS)
def test_a_number_is_multiplied(decay, factor):
    base = run_settings(weight_decay=decay)
    assert after(base, {"training.weight_decay": {"times": factor}}).training.weight_decay == decay * factor


@given(epochs=st.integers(1, 1000), factor=FACTORS)
def test_a_whole_number_stays_one_and_is_at_most_a_half_away(epochs, factor):
    now = changed(run_settings(epochs=epochs), {"training.epochs": {"times": factor}}, WHERE)["training"]["epochs"]
    assert isinstance(now, int)
    assert abs(now - epochs * factor) <= 0.5


@given(widths=st.tuples(EVEN, EVEN, EVEN, EVEN, EVEN), factors=st.lists(FACTORS, min_size=5, max_size=5))
def test_widths_are_multiplied_one_by_one_and_stay_even(widths, factors):
    base = run_settings(net(SMALL, {"widths": {"conv": widths}}))
    now = after(base, {"net.widths.conv": {"times": factors}}).net.widths.conv
    for before, factor, width in zip(widths, factors, now, strict=True):
        assert width % 2 == 0
        assert width == 2 or abs(width - before * factor) <= 1


@given(widths=st.tuples(EVEN, EVEN, EVEN, EVEN, EVEN), factor=FACTORS)
def test_one_factor_is_a_factor_for_each(widths, factor):
    base = run_settings(net(SMALL, {"widths": {"conv": widths}}))
    one, each = ({"net.widths.conv": {"times": factors}} for factors in (factor, [factor] * 5))
    assert after(base, one) == after(base, each)


@given(order=st.permutations(["net.widths.conv", "net.widths.fc", "training.epochs", "net.removed"]))
def test_the_order_of_changes_does_not_matter(order):
    values = {
        "net.widths.conv": {"times_to_match": "multiply_adds"},
        "net.widths.fc": {"times": 0.5},
        "training.epochs": {"times": 2},
        "net.removed": ["conv2"],
    }
    base = run_settings(net(SMALL))
    assert after(base, {key: values[key] for key in order}) == after(base, values)


@given(
    own=st.sampled_from([SMALL, TINY, {}]),
    towers=st.sampled_from([1, 2]),
    removed=st.sampled_from(["conv1", "conv2", "conv3", "conv4", "conv5"]),
    widths=st.tuples(EVEN, EVEN, EVEN, EVEN, EVEN),
)
def test_matched_widths_come_nearest_to_the_multiply_adds(own, towers, removed, widths):
    """One step up or down in every factor is no nearer."""
    base = run_settings(net(own, {"towers": towers, "widths": {"conv": widths}}))
    changes = {"net.removed": [removed], "net.widths.conv": {"times_to_match": "multiply_adds"}}
    target = multiply_adds(layer_table(base.net, 2))
    found = after(base, changes).net
    miss = abs(multiply_adds(layer_table(found, 2)) - target)

    factors = sorted({width / before for width, before in zip(found.widths.conv, widths, strict=True)})
    for step, other in itertools.product((0.97, 0.99, 1.0, 1.01, 1.03), factors):
        conv = tuple(max(2, 2 * int(width * other * step / 2 + 0.5)) for width in widths)
        tried = found.model_copy(update={"widths": found.widths.model_copy(update={"conv": conv})})
        assert abs(multiply_adds(layer_table(tried, 2)) - target) >= miss


def test_the_full_net_without_conv4_gets_its_multiply_adds_back():
    own = NetSettings()
    changes = {"net.removed": ["conv4"], "net.widths.conv": {"times_to_match": "multiply_adds"}}
    found = after(run_settings(own), changes).net
    ratio = multiply_adds(layer_table(found, 1000)) / multiply_adds(layer_table(own, 1000))
    assert abs(ratio - 1) < 0.01
    assert found.widths.conv[0] > own.widths.conv[0]
    assert found.widths.fc == own.widths.fc


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"training.epochs": {"tims": 2}}, r"training\.epochs: unknown operator tims; allowed: times, times_to_match"),
        (
            {"training.schedule": {"kind": "steps"}},
            r"training\.schedule: unknown operator kind; .* below training\.schedule is changed by its own dotted key",
        ),
        ({"training.epochs": {}}, r"training\.epochs: \{\} must be one operator"),
        (
            {"net.widths.conv": {"times": 2, "times_to_match": "multiply_adds"}},
            r"net\.widths\.conv: .* must be one operator",
        ),
        ({"training.epochs": {"times": "half"}}, r"training\.epochs: times: 'half' is not a number"),
        ({"training.epochs": {"times": True}}, r"training\.epochs: times: True is not a number"),
        ({"training.epochs": {"times": float("nan")}}, r"training\.epochs: times: nan is not a number"),
        ({"training.epochs": {"times": [1, 2]}}, r"training\.epochs: times: \[1, 2\] is not a number"),
        ({"net.activation": {"times": 2}}, r"net\.activation: the study's 'relu' is not a number"),
        ({"net.removed": {"times": [2]}}, r"net\.removed: times: 1 factors do not fit the study's 0 values"),
        ({"training.decay_biases": {"times": 2}}, r"training\.decay_biases: the study's False is not a number"),
        (
            {"net.widths.conv": {"times": [1, 2]}},
            r"net\.widths\.conv: times: 2 factors do not fit the study's 5 values",
        ),
        ({"training.epoch": {"times": 2}}, r"training\.epoch: the study has no value there that could be multiplied"),
        ({"training.epochs.x": {"times": 2}}, r"training\.epochs\.x: the study has no value there"),
        ({"training.weight_decay_dose": {"times": 2}}, r"training\.weight_decay_dose: the study has no value there"),
        ({"training.epochs.x": 2}, r"training\.epochs\.x: epochs is one value and has no settings below it"),
        (
            {"net.widths.fc": {"times_to_match": "multiply_adds"}},
            r"net\.widths\.fc: times_to_match is for net\.widths\.conv",
        ),
        ({"net.widths.conv": {"times_to_match": "parameters"}}, r"net\.widths\.conv: .* can match multiply_adds alone"),
        ({"epochs": 2}, r"epochs must be a dotted key that begins with net\., training\. or data\."),
        ({"evaluation.batch": 2}, r"evaluation\.batch must be a dotted key"),
        ({"training": {"times": 2}}, r"training must be a dotted key"),
        ({"training.epochs": {"times": 0}}, r"training\.epochs: 0 is not allowed; .*greater than or equal to 1"),
        ({"training.nonsense": 2}, r"unknown key training\.nonsense; allowed here: .*epochs"),
        ({"net.removed": ["conv7"], "net.widths.conv": {"times_to_match": "multiply_adds"}}, r"conv7"),
    ],
)
def test_what_cannot_be_changed_is_named(changes, message):
    with pytest.raises(UserError, match=rf"^variants\.yaml: example: .*{message}"):
        after(run_settings(), changes)


@pytest.mark.parametrize(
    ("own", "changes", "message"),
    [
        ({"geometry": {"conv5_kernel": 9}}, {}, "maps vanish at conv5"),
        ({}, {"net.removed": ["conv1", "conv2", "conv3", "conv4", "conv5"]}, "leaves no convolutional layer"),
    ],
)
def test_a_net_that_cannot_be_built_cannot_be_matched(own, changes, message):
    with pytest.raises(UserError, match=rf"^variants\.yaml: example: net\.widths\.conv: .*{message}"):
        after(run_settings(net(SMALL, own)), {**changes, "net.widths.conv": {"times_to_match": "multiply_adds"}})

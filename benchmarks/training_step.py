"""A training step of the scaled and of the full net beside the same net as a PyTorch user writes it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from benchmarks.alternation import Measure, in_turns
from benchmarks.processes import Helper
from benchmarks.projects import resolved
from benchmarks.results import Record, compared, measured, number
from benchmarks.step_helper import SIDE
from repro.net.table.layers import layer_table
from repro.net.table.settings import NetSettings
from repro.study.settings import RunSettings

PLAIN = "the same net of torch's modules (NCHW, nn.LocalResponseNorm, groups=2, optim.SGD), started plainly"
CLASSES = {"decay": 10, "full": 1000}


def scaled(tiny: bool) -> Iterable[Record]:
    """The net of studies/decay.yaml: against the plain one, and against ours without normalisation."""
    settings = resolved("decay").settings["base"]
    bare = without_normalisation(settings)
    requests = {
        "ours": request("ours", settings, 10, 32),
        "plain": request("plain", settings, 10, 32),
        "bare": request("ours", bare, 10, 32),
        "product": {"form": "product"},
    }
    taken = timed(requests, rounds=1 if tiny else 9, steps=1 if tiny else 20)
    speeds = {name: [32 / seconds for seconds in values] for name, values in taken.items() if name != "product"}
    step = "forward, backward and update on one thread, batch 32, studies/decay.yaml's net"
    yield compared(
        "step of the scaled net",
        step,
        PLAIN,
        speeds["ours"],
        speeds["plain"],
        "pictures/s",
        ratio_of="ours / peer",
        target=4,
        note=rate_note(settings.net, 10, taken["ours"], taken["product"]),
    )
    yield compared(
        "step with normalisation",
        step,
        "ours without response normalisation",
        speeds["ours"],
        speeds["bare"],
        "pictures/s",
        ratio_of="ours / peer",
        target=0.75,
    )
    yield measured(
        "matrix product of a core",
        f"float32, {SIDE} x {SIDE} x {SIDE}, one thread: the limit of any step",
        [SIDE**3 / seconds / 1e9 for seconds in taken["product"]],
        "GMAC/s",
    )


def full(tiny: bool) -> Iterable[Record]:
    """The paper's net, batch 32, with dropout."""
    settings = resolved("full").settings["base"]
    batch = 1 if tiny else 32
    requests: dict[str, dict[str, Any]] = {
        "ours": request("ours", settings, 1000, batch),
        "plain": request("plain", settings, 1000, batch),
        "product": {"form": "product"},
    }
    taken = timed(requests, rounds=1 if tiny else 4, steps=1)
    yield compared(
        "step of the full net",
        f"forward, backward and update on one thread, batch {batch}, studies/full.yaml's net",
        PLAIN,
        [batch / seconds for seconds in taken["ours"]],
        [batch / seconds for seconds in taken["plain"]],
        "pictures/s",
        ratio_of="ours / peer",
        target=1.6,
        note=rate_note(settings.net, 1000, taken["ours"], taken["product"], batch),
    )


def without_normalisation(settings: RunSettings) -> RunSettings:
    """The same with the change that `no_normalisation` in variants.yaml makes."""
    value = settings.model_dump()
    value["net"]["normalisation"]["layers"] = []
    return RunSettings.model_validate(value)


def request(form: str, settings: RunSettings, classes: int, batch: int) -> dict[str, Any]:
    """What benchmarks/step_helper.py is asked for."""
    net, training = (part.model_dump(mode="json") for part in (settings.net, settings.training))
    return {"form": form, "settings": net, "training": training, "classes": classes, "batch": batch}


@contextlib.contextmanager
def helpers(requests: Mapping[str, dict[str, Any]]) -> Iterator[dict[str, Helper]]:
    """A process for each; all but the plain net's are started as the program starts its workers."""
    with contextlib.ExitStack() as stack:
        yield {
            name: stack.enter_context(
                Helper("benchmarks.step_helper", [json.dumps(asked)], keep_memory=asked["form"] != "plain")
            )
            for name, asked in requests.items()
        }


def timed(requests: Mapping[str, dict[str, Any]], rounds: int, steps: int) -> dict[str, list[float]]:
    """Processor seconds a step of each, in turns."""

    def measure(helper: Helper) -> Measure:
        return lambda: float(helper.ask(str(steps))["processor"])

    with helpers(requests) as started:
        return in_turns({name: measure(helper) for name, helper in started.items()}, rounds)


def multiply_adds(net: NetSettings, classes: int) -> int:
    """Of a training step, for one picture: three times forward, but that the picture's gradient is not wanted."""
    table = layer_table(net, classes)
    return 3 * sum(layer.multiply_adds for layer in table) - table[0].multiply_adds


def rate_note(net: NetSettings, classes: int, ours: list[float], product: list[float], batch: int = 32) -> str:
    """How near our step comes to what a core can do."""
    rate = batch * multiply_adds(net, classes) / sorted(ours)[len(ours) // 2] / 1e9
    peak = SIDE**3 / sorted(product)[len(product) // 2] / 1e9
    return f"Ours does {number(rate)} of the {number(peak)} GMAC/s that a core reaches in a matrix product."

"""A process that does training steps of one net on a fixed batch, as many as each line of its input says.

    python -m benchmarks.step_helper '{"form": "ours", "settings": {...}, "classes": 10, "batch": 32}'

Answers with seconds of the processor and of the clock a step. Whoever starts it chooses the allocator's settings.
`form` is ours, forward (our net's predictions alone), plain (benchmarks/plain_net.py with torch's own SGD) or product
(multiply-adds of matrices alone).
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.plain_net import plain_net
from repro.net.alexnet import AlexNet, DropoutKey
from repro.net.table.settings import NetSettings
from repro.study.settings import TrainingSettings
from repro.training.update_rule import PaperSGD, Rates

SIDE = 1024
"""Of the matrices whose product shows how many multiply-adds a core can do."""


def fixed_batch(settings: NetSettings, classes: int, batch: int) -> tuple[Tensor, Tensor]:
    """Pixels (batch, 3, crop, crop) in channels_last memory, and labels."""
    generator, side = torch.Generator().manual_seed(0), settings.geometry.crop
    pixels = torch.randn(batch, side, side, 3, generator=generator).permute(0, 3, 1, 2)
    return pixels, torch.randint(0, classes, (batch,), generator=generator)


def our_step(net: AlexNet, pixels: Tensor, labels: Tensor, training: TrainingSettings) -> Callable[[], None]:
    """Forward, backward and update as `repro.training.loop` does them."""
    rule, rate = PaperSGD(net.named_parameters(), training), training.learning_rate
    ids = torch.arange(len(labels))
    number = 0

    def step() -> None:
        nonlocal number
        number += 1
        dropout = DropoutKey(number, ids) if net.net.dropout.probability > 0 else None
        rule.zero_gradients()
        F.cross_entropy(net(pixels, dropout=dropout), labels).backward()  # type: ignore[no-untyped-call]
        rule.step(Rates(rate, rate))

    return step


def plain_step(net: nn.Module, pixels: Tensor, labels: Tensor, training: TrainingSettings) -> Callable[[], None]:
    """The same as most programs write it, on pixels in NCHW memory."""
    pixels = pixels.contiguous()
    decay = training.weight_decay
    optimiser = torch.optim.SGD(net.parameters(), training.learning_rate, training.momentum, weight_decay=decay)

    def step() -> None:
        optimiser.zero_grad()
        F.cross_entropy(net(pixels), labels).backward()  # type: ignore[no-untyped-call]
        optimiser.step()

    return step


def forward_step(net: AlexNet, pixels: Tensor) -> Callable[[], None]:
    """What a point of a learning curve takes for a batch."""

    @torch.inference_mode()
    def step() -> None:
        net(pixels)

    return step


def product_step() -> Callable[[], None]:
    """A product of two square matrices: SIDE to the third multiply-adds."""
    left, right, out = (torch.randn(SIDE, SIDE) for _ in range(3))

    def step() -> None:
        torch.mm(left, right, out=out)

    return step


def step_of(request: dict[str, Any]) -> Callable[[], None]:
    """The step that a request asks for."""
    if request["form"] == "product":
        return product_step()
    settings = NetSettings.model_validate(request["settings"])
    training = TrainingSettings.model_validate(request["training"])
    net = AlexNet(settings, request["classes"], 0)
    pixels, labels = fixed_batch(settings, request["classes"], request["batch"])
    if request["form"] == "ours":
        return our_step(net.train(), pixels, labels, training)
    if request["form"] == "forward":
        return forward_step(net.eval(), pixels)
    return plain_step(plain_net(net).train(), pixels, labels, training)


def main() -> None:
    torch.set_num_threads(1)
    step = step_of(json.loads(sys.argv[1]))
    for line in sys.stdin:
        steps = int(line)
        processor, clock = time.process_time(), time.perf_counter()
        for _ in range(steps):
            step()
        taken = (time.process_time() - processor) / steps, (time.perf_counter() - clock) / steps
        print(json.dumps({"processor": taken[0], "clock": taken[1]}), flush=True)


if __name__ == "__main__":
    main()

"""Speed of a training step: the project's net beside a plain one, in one process, alternating.

    OMP_NUM_THREADS=1 python benchmarks/training_step.py [--batch 32] [--rounds 8] [--full]

Prints pictures per CPU second (forward, backward, update) for the project's two forms and for two nets
written out by hand: NCHW with torch's own local_response_norm, and the fastest form known
(channels_last, grouped convolutions, this project's normalisation). The small net is that of the
scaled studies; --full takes the paper's. The allocator's settings are made by starting again.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable

ALLOCATOR = {
    "MALLOC_MMAP_THRESHOLD_": "1000000000",
    "MALLOC_TRIM_THRESHOLD_": "10000000000",
    "MALLOC_TOP_PAD_": "200000000",
}
if any(os.environ.get(key) != value for key, value in ALLOCATOR.items()):  # read by glibc at its start only
    os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **ALLOCATOR})

import torch  # noqa: E402
from torch import Tensor, nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402

from repro.net.alexnet import AlexNet, load_tower_state, tower_state  # noqa: E402
from repro.net.normalisation import CrossMapNormalisation  # noqa: E402
from repro.net.table.settings import NetSettings  # noqa: E402
from repro.net.towers import TowerNet  # noqa: E402

SMALL = {
    "geometry": {
        "crop": 48,
        "conv1_kernel": 5,
        "conv1_stride": 2,
        "conv1_padding": 2,
        "conv1_padding_kind": "symmetric",
    },
    "widths": {"conv": [48, 48, 64, 64, 48], "fc": [128, 128]},
    "dropout": {"probability": 0.0},
    "input_divisor": 64.0,
    "initial_values": {"rule": "he", "conv1_gain": 0.25},
}


class ByHand(nn.Module):
    """The same function written out; `plain` uses torch's normalisation, in NCHW."""

    def __init__(self, model: AlexNet, plain: bool) -> None:
        super().__init__()
        self.plain = plain
        self.table = model.table
        self.weights = nn.ParameterList([layer.weight.detach().clone() for layer in model.layers])
        self.biases = nn.ParameterList([layer.bias.detach().clone() for layer in model.layers])
        if plain:
            self.weights = nn.ParameterList([weight.detach().contiguous() for weight in self.weights])
        self.norms = nn.ModuleList(
            [
                CrossMapNormalisation(layer.normalisation, layer.out_maps, layer.towers)
                for layer in self.table
                if layer.normalisation
            ]
        )

    def forward(self, x: Tensor) -> Tensor:
        x = x.contiguous() if self.plain else x.contiguous(memory_format=torch.channels_last)
        for number, layer in enumerate(self.table):
            weight, bias = self.weights[number], self.biases[number]
            if layer.kind == "fc":
                x = F.linear(x.flatten(1), weight, bias)
                x = x if layer.activation is None else x.relu_()
                continue
            before, after = layer.padding
            if before != after:
                x = F.pad(x, (before, after, before, after))
            padding = before if before == after else 0
            x = F.conv2d(x, weight, bias, layer.stride, padding, groups=layer.groups).relu_()
            if layer.normalisation and self.plain:
                rule = layer.normalisation
                parts = x.chunk(layer.towers, 1)
                alpha = rule.alpha * rule.size
                x = torch.cat([F.local_response_norm(p, rule.size, alpha, rule.beta, rule.k) for p in parts], 1)
            elif layer.normalisation:
                x = self.norms[number](x)
            if layer.pool:
                x = F.max_pool2d(x, *layer.pool)
        return x


def step_of(model: nn.Module, pictures: Tensor, labels: Tensor) -> Callable[[], None]:
    """One step of the paper's update rule on a fixed batch."""
    parameters = list(model.parameters())
    velocities = [torch.zeros_like(parameter) for parameter in parameters]

    def step() -> None:
        for parameter in parameters:
            parameter.grad = None
        F.cross_entropy(model(pictures), labels).backward()
        with torch.no_grad():
            for parameter, velocity in zip(parameters, velocities, strict=True):
                assert parameter.grad is not None
                velocity.mul_(0.9).add_(parameter, alpha=-5e-6).add_(parameter.grad, alpha=-0.01)
                parameter.add_(velocity)

    return step


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--batch", type=int, default=32, help="pictures a step")
    parser.add_argument("--rounds", type=int, default=8, help="alternations; the best round of each counts")
    parser.add_argument("--steps", type=int, default=5, help="steps of a round")
    parser.add_argument(
        "--full", action="store_true", help="the paper's net (without dropout) instead of the small one"
    )
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    chosen = {"dropout": {"probability": 0.0}} if arguments.full else SMALL
    settings = NetSettings.model_validate(chosen)
    classes = 1000 if arguments.full else 10
    side = settings.geometry.crop
    generator = torch.Generator().manual_seed(0)
    pictures = torch.randn(arguments.batch, side, side, 3, generator=generator).permute(0, 3, 1, 2)
    labels = torch.randint(0, classes, (arguments.batch,), generator=generator)
    whole = AlexNet(settings, classes, 0)
    towers = TowerNet(settings, classes, 0)
    load_tower_state(towers, tower_state(whole))
    nets: dict[str, nn.Module] = {
        "NCHW, local_response_norm": ByHand(whole, plain=True),
        "by hand, channels_last": ByHand(whole, plain=False),
        "AlexNet (grouped)": whole,
        "TowerNet (two modules)": towers,
    }
    for name, net in nets.items():
        torch.testing.assert_close(net(pictures), whole(pictures), rtol=1e-4, atol=1e-4, msg=f"{name} differs")
    steps = {name: step_of(net, pictures, labels) for name, net in nets.items()}
    best = dict.fromkeys(steps, float("inf"))
    for number in range(arguments.rounds + 1):  # the first round warms up
        for name, step in steps.items():
            start = time.process_time()
            for _ in range(arguments.steps):
                step()
            if number:
                best[name] = min(best[name], (time.process_time() - start) / arguments.steps)
    slowest = best["NCHW, local_response_norm"]
    print(f"torch {torch.__version__}, {side} px, batch {arguments.batch}, one thread")
    for name, seconds in best.items():
        print(f"{name:28s} {arguments.batch / seconds:8.1f} pictures/s   {slowest / seconds:5.2f} x")


if __name__ == "__main__":
    main()

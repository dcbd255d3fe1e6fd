"""Facts about the net: who reads whom, normalisation, nonlinearity, dropout, initial values."""

from __future__ import annotations

import itertools
import math

import torch
from torch import Tensor

from repro import randomness
from repro.facts.fact import Fact, fact
from repro.net.alexnet import AlexNet
from repro.net.dropout import DropoutKey, keep_mask
from repro.net.layer_module import LayerModule
from repro.net.normalisation import CrossMapNormalisation
from repro.net.table.layer import Layer, NormalisationRule
from repro.net.table.layers import layer_table
from repro.net.table.settings import NetSettings

_PICTURES = 8
_BIASED = ("conv2", "conv4", "conv5", "fc6", "fc7")


def gradient_between_towers(net: AlexNet) -> Fact:
    """Per layer, how strongly tower 0's outputs depend on the maps of tower 1 that enter the layer."""
    largest = {}
    for module in net.layers[1:]:
        layer = module.layer
        shape = _input_shape(layer)
        x = _noise(layer.name, *shape).abs().requires_grad_()
        out = module(x)
        own = out[:, : len(layer.shares[0])]
        (gradient,) = torch.autograd.grad((own * _noise(layer.name, *own.shape)).sum(), x)
        largest[layer.name] = gradient[:, shape[1] // 2 :].abs().max()
    return fact(
        largest,
        "full-size net, one random input per layer: largest gradient of tower 0's outputs (normalised "
        "and pooled) "
        "with respect to the inputs from tower 1",
    )


def normalisation_between_towers(net: AlexNet) -> Fact:
    """Per normalised layer, how strongly tower 0's normalised maps depend on tower 1's maps."""
    largest = {}
    for module in net.layers:
        if module.normalisation is None:
            continue
        maps, half = module.layer.out_maps, len(module.layer.shares[0])
        a = (100 * _noise(module.layer.name, 1, maps, 2, 2).abs()).requires_grad_()
        (gradient,) = torch.autograd.grad(module.normalisation(a)[:, :half].sum(), a)
        largest[module.layer.name] = gradient[:, half:].abs().max()
    return fact(
        largest,
        "largest gradient of tower 0's normalised maps with respect to tower 1's maps, activities of about 100",
    )


def normalisation(rule: NormalisationRule) -> Fact:
    """Response normalisation against the formula as a loop, and what the formula implies."""
    maps, blocks = 14, 1 if rule.blocks == 1 else 2
    module = CrossMapNormalisation(rule, maps, blocks)
    a = 50 * _noise("normalisation", 1, maps, 1, 1).double().abs()
    order = torch.arange(maps - 1, -1, -1).roll(3)
    a.requires_grad_()
    rows = [torch.autograd.grad(value, a, retain_graph=True)[0].flatten() for value in module(a).flatten()]
    jacobian = torch.stack(rows)
    a = a.detach()
    block = torch.arange(maps) // (maps // blocks)
    apart = (torch.arange(maps)[:, None] - torch.arange(maps)[None, :]).abs()
    window = (apart <= rule.size // 2) & (block[:, None] == block[None, :])
    values = {
        "largest_difference_from_loop": (module(a).flatten() - _loop(rule, a.flatten(), maps // blocks)).abs().max(),
        "change_when_maps_are_permuted": (module(a[:, order]) - module(a)[:, order]).abs().max(),
        "largest_derivative_in_window": jacobian[window & (apart > 0)].max(),
        "largest_derivative_outside": jacobian[~window].abs().max(),
        "change_when_a_constant_is_added": (module(a + 10) - module(a)).abs().max(),
    }
    return fact(
        values,
        f"{maps} maps in {blocks} blocks with positive activities of about 50, float64: the module "
        "against the "
        "printed formula written as a loop, against itself with maps permuted, its Jacobian, and after "
        "adding 10",
    )


def _loop(rule: NormalisationRule, a: Tensor, maps: int) -> Tensor:
    """Section 3.3's formula, term by term; alpha multiplies the plain sum."""
    result = torch.empty_like(a)
    for i in range(len(a)):
        first, last = i // maps * maps, i // maps * maps + maps - 1
        low, high = max(first, i - rule.size // 2), min(last, i + rule.size // 2)
        total = sum(float(a[j]) ** 2 for j in range(low, high + 1))
        result[i] = float(a[i]) / (rule.k + rule.alpha * total) ** rule.beta
    return result


def relu_gradient(settings: NetSettings) -> Fact:
    """When a hidden unit learns: its weights' gradient with no, some and very large positive inputs."""
    module = LayerModule(_small_table(settings)["conv4"], range(settings.towers), 0, torch.float64)
    x = _noise("relu", _PICTURES, *_input_shape(module.layer)[1:]).double()
    with torch.no_grad():
        module.weight.copy_(_noise("relu weights", *module.weight.shape))
        module.bias.zero_()
        module.normalisation = None
    captured: dict[str, Tensor] = {}
    module(x, capture=captured)
    highest = captured["conv4.linear"].detach().amax((0, 2, 3))
    gradients = {}
    for name, bias in (
        ("none", -highest - 1),
        ("some", -highest + 1e-3),
        ("large", torch.full_like(highest, 1e6)),
    ):
        with torch.no_grad():
            module.bias.copy_(bias)
        out = module(x)
        gradients[name] = torch.autograd.grad(out.sum(), (module.weight, module.bias))
    per_unit = {name: gradient[0].abs().amax((1, 2, 3)) for name, gradient in gradients.items()}
    values = {
        "largest_without_positive_input": per_unit["none"].max(),
        "smallest_with_a_positive_input": per_unit["some"].min(),
        "at_a_large_input": (gradients["large"][1] / out[:, 0].numel()).mean(),
    }
    return fact(
        values,
        "units of a small conv4, biases set so that none or only the highest of their sums is above 0: "
        "gradient of "
        "their weights; and derivative of the output by the sum at a sum of about a million",
    )


def dropout(settings: NetSettings) -> Fact:
    """Shares of dropped units, and what dropped units pass on, forwards and backwards."""
    probability = settings.dropout.probability
    shares = {}
    for name, units in zip(("fc6", "fc7"), settings.widths.fc, strict=True):
        key = DropoutKey(randomness.key("facts"), torch.arange(64)).of_layer(name)
        shares[name] = 1 - keep_mask(key, range(units), probability).float().mean()
    module = LayerModule(_small_table(settings)["fc7"], range(settings.towers), 0, torch.float64).train()
    x = _noise("dropout", _PICTURES, module.layer.in_maps * module.layer.groups).double().abs()
    with torch.no_grad():
        module.weight.abs_()
    captured: dict[str, Tensor] = {}
    key = DropoutKey(randomness.key("facts"), torch.arange(_PICTURES))
    out = module(x, key, captured)
    (gradient,) = torch.autograd.grad(out.sum(), captured["fc7.activation"])
    drops = bool(module.layer.dropout)
    mask = keep_mask(key.of_layer("fc7"), range(module.layer.out_maps), module.layer.dropout)
    mask = mask if drops else torch.ones_like(mask)
    values = {
        "dropped_share": shares,
        "largest_output_of_dropped": out[~mask].abs().sum(),
        "largest_gradient_of_dropped": gradient[~mask].abs().sum(),
        "largest_gradient_of_kept": gradient[mask].abs().max(),
    }
    return fact(
        values,
        "masks of 64 pictures over the full layers; a small fc7 in training mode with positive "
        "activations: outputs "
        "and gradients where the mask drops a unit",
    )


def dropout_geometric_mean(settings: NetSettings) -> Fact:
    """Test-time scaling against the geometric mean over all masks of the last hidden layer, exactly."""
    units, classes = 10, 5
    table = _small_table(settings, fc=(16, units), classes=classes)
    towers = range(settings.towers)
    hidden, last = (LayerModule(table[name], towers, 0, torch.float64).eval() for name in ("fc7", "fc8"))
    with torch.no_grad():
        last.weight.copy_(_noise("geometric mean", *last.weight.shape))
    x = _noise("geometric mean", 4, hidden.layer.in_maps * hidden.layer.groups).double()
    captured: dict[str, Tensor] = {}
    with torch.no_grad():
        hidden.weight.mul_(100)
        scaled = hidden(x, capture=captured)
        masks = torch.tensor(list(itertools.product((0.0, 1.0), repeat=units)), dtype=torch.float64)
        activation = captured["fc7.activation"]
        if settings.dropout.rule == "inverted":
            activation = activation / (1 - settings.dropout.probability)
        logs = torch.log_softmax(last((activation[:, None] * masks).flatten(0, 1)), 1)
        geometric = torch.softmax(logs.view(len(x), len(masks), classes).mean(1), 1)
        tested = torch.softmax(last(scaled), 1)
    return fact(
        {
            "total_variation": 0.5 * (geometric - tested).abs().sum(1).max(),
            "units": units,
            "nets": len(masks),
        },
        f"all {len(masks)} masks of {units} hidden units directly before the softmax layer, float64: "
        "normalised "
        "geometric mean of their predictions against the net in evaluation mode",
    )


def initial_values(net: AlexNet) -> Fact:
    """Moments of the initial weights and the different initial biases, by layer."""
    values = {}
    for module in net.layers:
        weight = module.weight.detach()
        deviation = weight.std()
        values[module.layer.name] = {
            "deviation": deviation,
            "mean_in_se": (weight.mean() / (deviation / math.sqrt(weight.numel()))).abs(),
            "biases": sorted(set(module.bias.detach().tolist()))[:10],
        }
    return fact(
        values,
        "the full-size net of seed 0: standard deviation of each layer's weights, their mean in standard "
        "errors, and "
        "its different biases (at most 10)",
    )


def positive_inputs(net: AlexNet) -> Fact:
    """Share of positive weighted sums at the start, with biases of 1 and of 0 where the paper has 1."""
    side = net.table[0].in_side
    coarse = _noise("pictures", _PICTURES, 3, 8, 8)
    x = 60 * torch.nn.functional.interpolate(coarse, size=(side, side), mode="bicubic") / net.net.input_divisor
    modules = {module.layer.name: module for module in net.layers if module.layer.name in _BIASED}
    kept = {name: module.bias.detach().clone() for name, module in modules.items()}
    shares: dict[str, dict[str, Tensor]] = {name: {} for name in modules}
    for label, bias in (("biases_1", 1.0), ("biases_0", 0.0)):
        captured: dict[str, Tensor] = {}
        with torch.inference_mode():
            for module in modules.values():
                module.bias.fill_(bias)
            net(x, capture=captured)
        for name in modules:
            shares[name][label] = (captured[f"{name}.linear"] > 0).float().mean()
    with torch.no_grad():
        for name, module in modules.items():
            module.bias.copy_(kept[name])
    return fact(
        shares,
        f"the full-size net of seed 0 on {_PICTURES} smooth random pictures of about +-60 grey levels",
    )


def _small_table(settings: NetSettings, fc: tuple[int, int] = (64, 64), classes: int = 10) -> dict[str, Layer]:
    """The table of a narrow net with the same switches, on small pictures."""
    small = settings.model_copy(
        update={
            "geometry": settings.geometry.model_copy(update={"crop": 67}),
            "widths": settings.widths.model_copy(update={"conv": (8, 8, 8, 8, 8), "fc": fc}),
        }
    )
    return {layer.name: layer for layer in layer_table(small, classes)}


def _input_shape(layer: Layer) -> tuple[int, ...]:
    maps = layer.in_maps * layer.groups
    return (1, maps, layer.in_side, layer.in_side) if layer.kind == "conv" else (1, maps)


def _noise(purpose: str, *shape: int) -> Tensor:
    """Standard normal numbers, float32, that depend on the purpose alone."""
    return torch.from_numpy(randomness.generator("facts", purpose).standard_normal(shape)).float()

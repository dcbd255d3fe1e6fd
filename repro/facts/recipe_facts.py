"""Facts about the recipe: pictures, augmentation, views, loss, metric, update rule, learning rates."""

from __future__ import annotations

import numpy as np
import torch

from repro import randomness
from repro.data.augmentation import CropMeans, centre_batch, colour_shifts, draw, mean_to_subtract, training_batch
from repro.data.colour import ColourSums
from repro.data.packed import Colour
from repro.data.preparation.resizing import crop_offset, resize_and_crop, resized_shape
from repro.facts.fact import Fact, fact
from repro.measurement.predictions import views
from repro.net.alexnet import AlexNet
from repro.net.table.settings import NetSettings
from repro.study.settings import TrainingSettings
from repro.training.evaluation import Inputs, rank_of_label
from repro.training.schedule import Schedule
from repro.training.update_rule import PaperSGD, Rates

_SIZE = 256
_CROP = 224


def preparation(net: NetSettings, training: TrainingSettings) -> Fact:
    """Pictures of different shapes through the data stage, and the numbers that the net would read."""
    generator = randomness.generator("facts", "pictures")
    shapes = [(300, 400), (400, 300), (256, 256), (64, 100), (700, 300)]
    pictures = [generator.integers(0, 256, (*shape, 3), dtype=np.uint8) for shape in shapes]
    prepared = np.stack([resize_and_crop(picture, _SIZE) for picture in pictures])
    centres = []
    for height, width in shapes:
        for length in resized_shape(height, width, _SIZE):
            centres.append(abs(crop_offset(length, _SIZE) + _SIZE / 2 - length / 2))
    sums = ColourSums(_SIZE)
    sums.add(prepared)
    mean = mean_to_subtract(sums.mean_picture(len(prepared)), training.mean, _SIZE)
    batch = centre_batch(prepared, mean, _SIZE, 1 / net.input_divisor)
    values = {
        "side": list(prepared.shape[1:3]),
        "centre_offset": max(centres),
        "same_size_is_untouched": bool((prepared[2] == pictures[2]).all()),
        "largest_mean_after": np.abs(batch.mean(axis=0, dtype=np.float64)).max(),
        "lowest": batch.min(),
        "highest": batch.max(),
        "unscaled": bool(np.abs(batch + mean - prepared).max() < 1e-3),
    }
    return fact(
        values,
        f"{len(shapes)} random pictures of different shapes through resizing, cropping, the mean over "
        "them and its "
        "subtraction",
    )


def top_five_error() -> Fact:
    """The metric on scores whose order is known, against sorting, and with ties."""
    scores = torch.arange(10, 0, -1, dtype=torch.float64)[None]
    placed = [_top(scores, torch.tensor([label]), 5) for label in (5, 4, 0)]
    generator = randomness.generator("facts", "scores")
    logits = torch.from_numpy(generator.standard_normal((2000, 12)))
    labels = torch.from_numpy(generator.integers(0, 12, 2000))
    by_sorting = ~(logits.argsort(1, descending=True)[:, :5] == labels[:, None]).any(1)
    values = {
        "sixth_fifth_first": placed,
        "top5_minus_top1": _top(logits, labels, 5) - _top(logits, labels, 1),
        "disagreements_with_sorting": int(((rank_of_label(logits, labels) >= 5) != by_sorting).sum()),
        "error_with_five_classes": _top(logits[:, :5], labels % 5, 5),
        "error_when_all_scores_are_equal": _top(torch.zeros_like(logits), labels, 5),
    }
    return fact(values, "2000 random scores over 12 classes, and one list of scores in known order")


def _top(logits: torch.Tensor, labels: torch.Tensor, k: int) -> float:
    return float((rank_of_label(logits, labels) >= k).double().mean())


def loss() -> Fact:
    """The training loss against minus the mean log-probability of the label, written out."""
    generator = randomness.generator("facts", "loss")
    logits, labels = generator.standard_normal((64, 20)) * 5, generator.integers(0, 20, 64)
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    written_out = -np.log(probabilities[np.arange(64), labels]).mean()
    used = torch.nn.functional.cross_entropy(torch.from_numpy(logits), torch.from_numpy(labels))
    return fact({"largest_difference": abs(float(used) - written_out)}, "64 random scores over 20 classes, float64")


def ten_views(net: NetSettings) -> Fact:
    """The views of a 256-pixel picture, and predictions against the mean softmax over them."""
    generator = randomness.generator("facts", "views")
    pictures = generator.integers(0, 256, (2, _SIZE, _SIZE, 3), dtype=np.uint8)
    mean = generator.random((_SIZE, _SIZE, 3)).astype(np.float32)
    inputs = Inputs(mean, _CROP, 1.0, torch.device("cpu"), torch.float32)
    made = views.ten_views(pictures, inputs).permute(0, 1, 3, 4, 2).numpy()
    corners = [_top_left(pictures, mean, view) for view in made[:5]]
    small = net.model_copy(
        update={
            "geometry": net.geometry.model_copy(update={"crop": 67}),
            "widths": net.widths.model_copy(update={"conv": (8, 8, 8, 8, 8), "fc": (16, 16)}),
        }
    )
    model = AlexNet(small, 10, 0, dtype=torch.float64).eval()
    batch = torch.from_numpy(generator.standard_normal((views.VIEWS, 3, 3, 67, 67)) * 50)
    with torch.inference_mode():
        one_by_one = np.mean([torch.softmax(model(view), 1).numpy() for view in batch], axis=0)
    values = {
        "offsets": corners,
        "views": len(made),
        "difference_from_mirrored": np.abs(made[5:] - made[:5, :, :, ::-1]).max(),
        "difference_from_mean_softmax": np.abs(views.mean_probabilities(model, batch).numpy() - one_by_one).max(),
    }
    return fact(
        values,
        "two random 256-pixel pictures with a random mean picture: where each view lies in them; a small "
        "random net "
        "on ten inputs against the mean of its softmax outputs",
    )


def _top_left(pictures: np.ndarray, mean: np.ndarray, view: np.ndarray) -> list[int]:
    """Top and left of the only crop of the pictures, minus the mean, that equals the view."""
    span = pictures.shape[1] - view.shape[1] + 1
    whole = pictures.astype(np.float32) - mean
    corner = view[:, 0, 0]
    for top in range(span):
        for left in range(span):
            if np.array_equal(whole[:, top, left], corner):
                window = whole[:, top : top + view.shape[1], left : left + view.shape[2]]
                if np.array_equal(window, view):
                    return [top, left]
    return [-1, -1]


def colour_noise(training: TrainingSettings) -> Fact:
    """Colour shifts of many pictures against the covariance that section 4.1 prescribes."""
    generator = randomness.generator("facts", "colours")
    vectors = np.linalg.qr(generator.standard_normal((3, 3)))[0]
    deviations = np.array([120.0, 37.0, 20.0])
    colour = Colour(vectors @ np.diag(deviations**2) @ vectors.T, vectors, deviations)
    deviation = training.augmentation.colour_noise
    values: dict[str, object] = {"setting": deviation}
    if deviation:
        shifts = colour_shifts(deviation, colour, randomness.key("facts", "shifts"), np.arange(20_000))
        wanted = vectors @ np.diag((deviation * deviations) ** 2) @ vectors.T
        values["relative_error_of_covariance"] = np.linalg.norm(np.cov(shifts.T) - wanted) / np.linalg.norm(wanted)
    batches = [_grey_batch(training, colour, epoch) for epoch in (0, 1)]
    values["variation_within_a_picture"] = np.ptp(batches[0], axis=(1, 2)).max()
    values["difference_between_uses"] = np.abs(batches[1][:, 0, 0] - batches[0][:, 0, 0]).max(axis=1).min()
    return fact(
        values,
        "20,000 shifts with known components of deviations 120, 37 and 20; training batches of grey "
        "pictures in two "
        "epochs",
    )


def _grey_batch(training: TrainingSettings, colour: Colour, epoch: int) -> np.ndarray:
    pictures = np.full((4, 40, 40, 3), 128, dtype=np.uint8)
    samples = np.arange(4)
    draws = draw(training.augmentation, colour, seed=0, epoch=epoch, samples=samples, offset=0, size=40, crop=32)
    return training_batch(pictures, samples, draws, CropMeans(np.zeros(3, dtype=np.float32), 32), 1.0)


def update_rule(training: TrainingSettings) -> Fact:
    """The recipe's constants, and the rule against the printed recursion while the rate changes."""
    generator = randomness.generator("facts", "update rule")
    weight = torch.from_numpy(generator.standard_normal(50))
    rule = PaperSGD([("conv1.weight", weight)], training)
    w, v = weight.numpy().copy(), np.zeros(50)
    largest = 0.0
    for step in range(40):
        gradient = generator.standard_normal(50)
        rate = training.learning_rate * (0.1 if step >= 20 else 1.0)
        weight.grad = torch.from_numpy(gradient.copy())
        rule.step(Rates(weights=rate, biases=rate))
        v = training.momentum * v - training.weight_decay * rate * w - rate * gradient
        w = w + v
        largest = max(largest, float(np.abs(weight.numpy() - w).max()))
    values = {
        "batch_size": training.batch_size,
        "momentum": training.momentum,
        "weight_decay": training.weight_decay,
        "largest_difference_from_recursion": largest,
    }
    return fact(values, "50 weights over 40 steps with random gradients, the rate divided by 10 after 20, float64")


def learning_rates(net: AlexNet, training: TrainingSettings) -> Fact:
    """The rate of each parameter at the first step: how far a gradient of 1 moves a parameter at 0."""
    parameters = [(name, torch.zeros(1, dtype=torch.float64)) for name, _ in net.named_parameters()]
    for _, value in parameters:
        value.grad = torch.ones_like(value)
    PaperSGD(parameters, training).step(Schedule(training, steps_per_epoch=1).rates(0))
    return fact(
        {name: round(-float(value), 12) for name, value in parameters},
        "one step of the rule with every parameter at 0 and every gradient 1",
    )

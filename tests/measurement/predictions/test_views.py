"""Ten views, moved pictures, and other light: nets whose answers are known see what is done to their pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from repro.data.augmentation import mean_to_subtract
from repro.measurement.predictions import colour_shift, off_centre, views
from repro.measurement.predictions.views import mean_probabilities, offsets, ten_views, view_ranks
from repro.measurement.subject import Seen, Subject
from repro.randomness import generator
from repro.training.evaluation import Inputs, fixed_sample, rank_of_label
from tests.measurement.subjects import packed_of, small_packed, subject_of
from tests.small_runs import small_settings


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    exact = small_settings(precision="float64")
    return subject_of(small_packed(tmp_path_factory.mktemp("store"), held_out=64), exact, batch=16)


CPU = torch.device("cpu")


def seen(pictures: np.ndarray, mean: np.ndarray, crop: int, scale: float) -> np.ndarray:
    """The ten views with their channels last, as pictures have them."""
    inputs = Inputs(mean, crop, scale, CPU, torch.float32)
    return ten_views(pictures, inputs).permute(0, 1, 3, 4, 2).numpy()


def test_five_crops_and_their_mirror_images() -> None:
    assert offsets(256, 224) == ((0, 0), (0, 32), (32, 0), (32, 32), (16, 16))
    pictures = np.arange(2 * 6 * 6 * 3, dtype=np.uint8).reshape(2, 6, 6, 3)
    mean = np.linspace(0, 1, 6 * 6 * 3, dtype=np.float32).reshape(6, 6, 3)
    made = seen(pictures, mean, 4, 0.5)
    assert made.shape == (10, 2, 4, 4, 3)
    np.testing.assert_array_equal(made[2], (pictures - mean)[:, 2:, :4] * np.float32(0.5))
    np.testing.assert_array_equal(made[9], made[4][:, :, ::-1])
    by_channel = seen(pictures, np.ones(3, dtype=np.float32), 4, 1.0)
    np.testing.assert_array_equal(by_channel[0], pictures[:, :4, :4] - np.float32(1))


@pytest.mark.parametrize("kind", ["picture", "centre_of_picture", "channel"])
@pytest.mark.parametrize("scale", [1.0, 1 / 64])
@pytest.mark.parametrize(("crop", "far", "middle"), [(6, 0, 0), (5, 1, 0), (4, 2, 1), (3, 3, 1), (2, 4, 2)])
def test_views_of_any_size_lie_in_the_corners_and_the_middle(
    kind: Any, scale: float, crop: int, far: int, middle: int
) -> None:
    pictures = generator("views").integers(0, 256, (2, 6, 6, 3), dtype=np.uint8)
    mean = mean_to_subtract(np.linspace(0, 1, 6 * 6 * 3, dtype=np.float32).reshape(6, 6, 3), kind, crop)
    made = seen(pictures, mean, crop, scale)
    for number, (top, left) in enumerate([(0, 0), (0, far), (far, 0), (far, far), (middle, middle)]):
        for row, column in np.ndindex(crop, crop):
            less = {"picture": (top + row, left + column), "centre_of_picture": (row, column), "channel": ()}[kind]
            expected = (pictures[:, top + row, left + column] - mean[less]) * np.float32(scale)
            np.testing.assert_array_equal(made[number, :, row, column], expected)
            np.testing.assert_array_equal(made[5 + number, :, row, crop - 1 - column], expected)


def test_the_net_reads_views_as_it_reads_batches(subject: Subject) -> None:
    """In its own kind of number, with channels innermost in memory."""
    made = ten_views(np.asarray(subject.pictures.held_out.pictures[:3]), subject.inputs)
    assert made.dtype == torch.float64
    assert all(view.is_contiguous(memory_format=torch.channels_last) for view in made)


def test_ranks_are_those_of_the_mean_softmax_and_of_each_crop(subject: Subject) -> None:
    split, inputs = subject.pictures.held_out, subject.inputs
    sample = np.arange(11)
    found = view_ranks(subject.net, inputs, split, sample, batch=4)
    made = ten_views(np.asarray(split.pictures[sample]), inputs)
    with torch.inference_mode():
        each = torch.stack([torch.softmax(subject.net(view), 1) for view in made])
    labels = torch.from_numpy(split.labels[sample])
    np.testing.assert_array_equal(found[0], rank_of_label(each.mean(0), labels))
    for place in range(5):
        np.testing.assert_array_equal(found[1 + place], rank_of_label(each[place], labels))
    with pytest.raises(ValueError, match="at least one view"):
        mean_probabilities(subject.net, made[:0])


def test_views_are_compared_with_the_centre_on_the_same_pictures(subject: Subject) -> None:
    taken = views.measure(subject, view_pictures=40)
    sample = fixed_sample(subject.pictures.held_out, "views", 40)
    ten, centre = (
        np.unpackbits(taken.arrays[name], count=40).astype(bool)
        for name in ("ten_view_correct", "ten_view_centre_correct")
    )
    assert taken.scalars["view_pictures"] == 40
    assert taken.scalars["ten_view_error"] == pytest.approx(1 - ten.mean())
    right = subject.held_out.logits.argmax(1) == subject.held_out.labels
    np.testing.assert_array_equal(centre, right[sample])
    assert 0 < taken.scalars["ten_view_top5_error"] < 1
    corners = view_ranks(subject.net, subject.inputs, subject.pictures.held_out, sample)[1:5]
    assert taken.scalars["corner_error"] == pytest.approx((corners > 0).mean())
    whole = views.measure(subject, view_pictures=10**6)
    assert whole.scalars["view_pictures"] == 64


@given(st.integers(2, 12), st.data())
@settings(deadline=None, max_examples=40)
def test_a_moved_picture_is_the_mirrored_plane_seen_through_its_frame(size: int, data: Any) -> None:
    down, right = (data.draw(st.integers(-size + 1, size - 1)) for _ in range(2))
    picture = np.arange(size * size * 3).astype(np.uint8).reshape(1, size, size, 3)
    plane = np.pad(picture, ((0, 0), (size - 1,) * 2, (size - 1,) * 2, (0, 0)), mode="reflect")
    top, left = size - 1 - down, size - 1 - right
    np.testing.assert_array_equal(
        off_centre.moved(picture, down, right), plane[:, top : top + size, left : left + size]
    )


class _Eye(torch.nn.Module):
    """Answers by the column of the brightest pixel: 0 in the left third, 1 in the middle, 2 in the right one."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        columns = x.sum(1).amax(1)
        return torch.nn.functional.adaptive_max_pool1d(columns[:, None], 3)[:, 0]


def _seen_by_eye(pictures: np.ndarray, labels: np.ndarray) -> Subject:
    """A subject whose net is an eye with a place for each answer, on 24 px pictures."""
    packed = packed_of((pictures, labels), (pictures, labels), ("left", "middle", "right"))
    subject = subject_of(packed, small_settings(net={"geometry": _GEOMETRY}), batch=7)
    subject.net.forward = _Eye().forward  # type: ignore[method-assign]
    return subject


_GEOMETRY = {
    "crop": 16,
    "conv1_kernel": 3,
    "conv1_stride": 1,
    "conv1_padding": 1,
    "conv1_padding_kind": "symmetric",
    "conv2_kernel": 3,
    "conv2_padding": 1,
}


def test_an_eye_for_places_sees_that_pictures_moved() -> None:
    """A dot in the middle third moves by 4 of 16 pixels: out of it sideways, and stays in it up and down."""
    pictures = np.zeros((200, 20, 20, 3), dtype=np.uint8)
    pictures[:, 9, 9] = 255
    subject = _seen_by_eye(pictures, np.ones(200, dtype=np.int64))
    moved = off_centre.measure(subject, view_pictures=200).scalars["off_centre_error"]
    assert 0.35 < moved < 0.65  # two of four directions lead out of the third


class _Light(torch.nn.Module):
    """Answers by brightness alone: 0 below the mean picture, 1 above."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        bright = x.mean((1, 2, 3))
        return torch.stack([-bright, bright], 1)


class _Edges(torch.nn.Module):
    """Answers by differences of neighbouring pixels alone, which no shift of the whole picture changes."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        rough = (x[..., 1:] - x[..., :-1]).abs().mean((1, 2, 3))
        return torch.stack([-rough, rough], 1)


def test_other_light_changes_the_answers_of_a_net_that_reads_brightness() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (300, 20, 20, 3), dtype=np.uint8)
    packed = packed_of((noise, np.arange(300) % 2), (noise, np.arange(300) % 2), ("dark", "bright"))
    for module, low, high in ((_Light(), 0.2, 0.8), (_Edges(), 1.0, 1.0)):
        subject = subject_of(packed, small_settings(), batch=64)
        subject.net.forward = module.forward  # type: ignore[method-assign]
        subject.__dict__["held_out"] = _seen(subject)
        assert low <= colour_shift.measure(subject, view_pictures=300).scalars["colour_shift_agreement"] <= high


def _seen(subject: Subject) -> Seen:
    sample = np.arange(len(subject.pictures.held_out))
    parts = [subject.net(pixels) for pixels, _ in subject.inputs.batches(subject.pictures.held_out, sample, 64)]
    return Seen(sample, subject.pictures.held_out.labels, torch.cat(parts).numpy(), sample[:0], {})


def test_a_sample_is_the_same_for_every_run_and_grows(tmp_path: Path) -> None:
    packed = small_packed(tmp_path, held_out=64)
    small, large = (set(fixed_sample(packed.held_out, "views", n).tolist()) for n in (10, 40))
    assert small < large

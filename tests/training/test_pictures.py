"""What a run sees of the prepared pictures: parts that fit together, the same for training, errors and measurements."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from repro.data.augmentation import draw
from repro.data.chosen_pictures import pictures_of
from repro.data.packed import Packed, Split, open_packed
from repro.errors import UserError
from repro.measurement.measure import measure
from repro.study.settings import Augmentation, EvaluationSettings, PictureSettings
from repro.training.evaluation import fixed_sample, outcomes
from repro.training.loop import Training
from tests.packed_pictures import make_packed
from tests.small_runs import small_run, small_settings

CPU = torch.device("cpu")
TRAIN, HELD_OUT = 50, 26


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Path:
    store = tmp_path_factory.mktemp("store")
    make_packed(store, classes=5, train=TRAIN, held_out=HELD_OUT, validation=10)
    return store


@pytest.fixture(scope="module")
def packed(store) -> Packed:
    return open_packed(store / "pictures" / "pictures-key")


def seen(packed: Packed, **choice: Any) -> Packed:
    return pictures_of(PictureSettings(**choice), packed)


def ids(split: Split) -> set[int]:
    return set(split.ids_of(np.arange(len(split))).tolist())


def all_pixels(split: Split) -> np.ndarray:
    return np.stack([split.pictures[place] for place in range(len(split))])


choices = st.builds(
    PictureSettings,
    share=st.floats(0.01, 1),
    classes=st.sampled_from(["all", "first_half", "second_half"]),
    half_split=st.none() | st.integers(0, 5),
    colour=st.sampled_from(["rgb", "grey"]),
)


# ---- which pictures --------------------------------------------------------------------------------------


def test_by_default_the_pictures_are_those_of_the_store(packed):
    assert pictures_of(PictureSettings(), packed) is packed


@given(choice=choices)
def test_a_picture_keeps_its_label_and_its_place(packed, choice):
    view = pictures_of(choice, packed)
    for name in ("train", "validation", "held_out"):
        source = packed.train if name == "held_out" and choice.half_split is not None else getattr(packed, name)
        split = getattr(view, name)
        places = split.ids_of(np.arange(len(split)))
        assert len(split) == len(split.pictures)
        assert split.pictures.shape == (len(split), *source.pictures.shape[1:])
        assert (np.diff(places) > 0).all()
        np.testing.assert_array_equal(split.labels, source.labels[places])
        if choice.colour == "rgb":
            np.testing.assert_array_equal(all_pixels(split), np.asarray(source.pictures[places]))


@given(key=st.integers(0, 1000))
def test_a_half_split_cuts_the_training_pictures_in_two(packed, key):
    view = seen(packed, half_split=key)
    assert ids(view.train) | ids(view.held_out) == set(range(TRAIN))
    assert not ids(view.train) & ids(view.held_out)
    assert len(view.train) == TRAIN // 2
    assert ids(view.validation) == ids(packed.validation)


def test_other_keys_cut_otherwise(packed):
    halves = {frozenset(ids(seen(packed, half_split=key).train)) for key in range(10)}
    assert len(halves) == 10


def test_the_halves_of_the_classes_are_all_of_them(packed):
    first, second = (seen(packed, classes=half) for half in ("first_half", "second_half"))
    assert set(first.train.labels) == {0, 1}
    assert set(second.train.labels) == {2, 3, 4}
    assert len(first.classes) == 5, "the net keeps all outputs"
    for name in ("train", "validation", "held_out"):
        one, other, whole = (ids(getattr(view, name)) for view in (first, second, packed))
        assert one | other == whole
        assert not one & other
        assert not set(getattr(first, name).labels) & set(getattr(second, name).labels)


@given(small=st.floats(0.01, 1), large=st.floats(0.01, 1), half_split=st.none() | st.integers(0, 5))
def test_a_smaller_share_is_part_of_a_larger_and_every_class_has_its_share(packed, small, large, half_split):
    small, large = sorted((small, large))
    all_of_it = seen(packed, half_split=half_split)
    views = [seen(packed, share=share, half_split=half_split) for share in (small, large)]
    assert ids(views[0].train) <= ids(views[1].train) <= ids(all_of_it.train)
    assert all(ids(view.held_out) == ids(all_of_it.held_out) for view in views)
    before = np.bincount(all_of_it.train.labels, minlength=5)
    for share, view in zip((small, large), views, strict=True):
        after = np.bincount(view.train.labels, minlength=5)
        assert ((np.abs(after - before * share) <= 0.5) | (after == 1)).all()
        assert (after > 0).all()


@given(choice=choices)
def test_the_portion_says_about_how_many_are_trained_on(packed, choice):
    view = pictures_of(choice, packed)
    assert abs(len(view.train) - TRAIN * choice.portion) <= 8


def test_a_choice_that_leaves_nothing_is_named(tmp_path):
    packed = open_packed(tmp_path / make_packed(tmp_path, classes=4, train=4, held_out=1))
    with pytest.raises(UserError, match=r"training\.pictures: classes: second_half leaves no held_out pictures of .*"):
        seen(packed, classes="second_half")


def test_nothing_is_read_before_it_is_asked_for(packed):
    view = seen(packed, share=0.5, colour="grey")
    for name in ("train", "validation", "held_out"):
        assert isinstance(getattr(view, name).pictures.whole.base, np.memmap)


@pytest.mark.parametrize(
    ("choice", "first"),
    [
        ({"half_split": 1}, [1, 4, 6, 7, 8, 9, 10, 12]),
        ({"half_split": 2}, [0, 3, 4, 5, 6, 7, 8, 11]),
        ({"share": 0.2}, [7, 12, 13, 24, 25, 28, 29, 36]),
    ],
)
def test_choices_are_pinned(packed, choice, first):
    """If this fails on purpose: raise TRAINING_VERSION, since finished runs were trained on other pictures."""
    assert seen(packed, **choice).train.ids[:8].tolist() == first


# ---- what is done to them --------------------------------------------------------------------------------


@pytest.mark.parametrize("choice", [{"share": 0.5}, {"colour": "grey"}])
@settings(max_examples=30)
@given(data=st.data())
def test_a_view_is_indexed_as_the_array_of_its_pictures(packed, choice, data):
    split = seen(packed, **choice).train
    array = all_pixels(split)
    where = st.integers(0, len(split) - 1)
    which = data.draw(st.one_of(where, st.lists(where, min_size=1, max_size=4).map(np.array)))
    top, left = data.draw(st.integers(0, 4)), data.draw(st.integers(0, 4))
    window = (slice(top, top + 16), slice(left, left + 16))
    np.testing.assert_array_equal(split.pictures[which], array[which])
    np.testing.assert_array_equal(split.pictures[which, window[0], window[1]], array[which][..., *window, :])
    assert split.pictures[which].dtype == np.uint8


def test_grey_pictures_have_the_mean_of_the_channels_in_each(packed):
    view = seen(packed, colour="grey")
    before = np.asarray(packed.held_out.pictures).astype(float).mean(axis=-1)
    after = all_pixels(view.held_out)
    for channel in range(3):
        assert np.abs(after[..., channel] - before).max() <= 0.5
    np.testing.assert_allclose(view.mean_picture, packed.mean_picture.mean(axis=-1, keepdims=True).repeat(3, -1))


def test_the_colours_of_grey_pictures_lie_on_one_axis(packed):
    colour = seen(packed, colour="grey").colour
    grey = all_pixels(seen(packed, colour="grey").train).reshape(-1, 3).astype(float)
    np.testing.assert_allclose(colour.covariance, np.cov(grey.T), rtol=2e-3)
    np.testing.assert_allclose(colour.eigenvectors.T @ colour.eigenvectors, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(
        (colour.eigenvectors * colour.deviations**2) @ colour.eigenvectors.T, colour.covariance, rtol=1e-9
    )
    assert colour.deviations[1] == colour.deviations[2] == 0


# ---- training and measuring on them ----------------------------------------------------------------------


def training(store: Path, seed: int = 1, **choice: Any) -> Training:
    run = small_run(store, "pictures/pictures-key", small_settings(pictures=choice), seed=seed)
    return Training(run, open_packed(store / "pictures" / "pictures-key"), CPU)


def drawn(runner: Training, epoch: int) -> dict[int, torch.Tensor]:
    """What the net sees of each picture in an epoch, by the picture's place in the whole training split."""
    order = runner.batches.order(epoch)
    found = {}
    for place in range(0, runner.batches.pictures, runner.batches.size):
        pixels, _, places = runner.batches.at(epoch, order, place, runner.inputs)
        found |= dict(zip(places.tolist(), pixels, strict=True))
    return found


@pytest.mark.parametrize("choice", [{"share": 0.4}, {"classes": "second_half"}, {"half_split": 1}])
def test_a_picture_is_cropped_mirrored_and_coloured_alike_in_every_choice(store, choice):
    runner, whole = training(store, **choice), training(store)
    some, everything = drawn(runner, 1), drawn(whole, 1)
    assert set(some) == ids(runner.packed.train)
    assert set(everything) == set(range(TRAIN))
    for place, pixels in some.items():
        torch.testing.assert_close(pixels, everything[place], rtol=0, atol=0)


def test_a_run_on_chosen_pictures_never_reads_the_others(store, tmp_path):
    """Pictures outside the choice are noise in one of two stores: the same weights."""
    digests = []
    for name, spoil in (("one", False), ("other", True)):
        here = tmp_path / name
        pictures = make_packed(here, classes=5, train=TRAIN, held_out=HELD_OUT)
        runner = training_in(here, pictures, classes="first_half", share=0.5)
        if spoil:
            path = here / pictures / "train_pictures.npy"
            array = np.load(path)
            outside = [place for place in range(TRAIN) if place not in ids(runner.packed.train)]
            array[outside] = 255 - array[outside]
            np.save(path, array)
            runner = training_in(here, pictures, classes="first_half", share=0.5)
        runner.train()
        digests.append(runner.run.result()["weights_digest"])
    assert digests[0] == digests[1]


def training_in(store: Path, pictures: str, **choice: Any) -> Training:
    run = small_run(store, pictures, small_settings(pictures=choice, epochs=2))
    return Training(run, open_packed(store / pictures), CPU)


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ({"half_split": 2}, TRAIN - TRAIN // 2),
        ({"classes": "first_half"}, 11),
        ({"colour": "grey"}, HELD_OUT),
        ({"share": 0.2}, HELD_OUT),
    ],
)
def test_errors_are_of_the_chosen_pictures(tmp_path, choice, expected):
    pictures = make_packed(tmp_path, classes=5, train=TRAIN, held_out=HELD_OUT)
    runner = training_in(tmp_path, pictures, **choice)
    runner.train()
    packed = open_packed(tmp_path / pictures)
    found = measure(runner.run, packed, EvaluationSettings(train_sample=1000), CPU).scalars
    view = seen(packed, **choice)
    assert found["held_out_pictures"] == len(view.held_out) == expected
    assert found["train_sample"] == len(view.train)
    everything = np.arange(expected)
    assert found["held_out_error"] == outcomes(runner.net, runner.inputs, view.held_out, everything, batch=8).error
    sample = fixed_sample(view.held_out, "curve held_out", 16)
    last = runner.run.log()[-1]
    assert last["held_out_error"] == outcomes(runner.net, runner.inputs, view.held_out, sample, batch=8).error


def test_steps_follow_the_pictures_that_are_trained_on(store):
    assert training(store, share=0.5).steps_per_epoch == 4  # 25 in batches of 7
    assert training(store).steps_per_epoch == 8


# ---- the authors' released recipe ------------------------------------------------------------------------


def augmented(store: Path, *, batch_size: int = 7, **augmentation: Any) -> Training:
    settings = small_settings(batch_size=batch_size, augmentation=augmentation)
    run = small_run(store, "pictures/pictures-key", settings)
    return Training(run, open_packed(store / "pictures" / "pictures-key"), CPU)


@pytest.mark.parametrize("off", [0, 1, 2])
def test_without_colour_noise_the_division_that_goes_with_it_ends_too(store, packed, off):
    """From the epoch of the switch on pictures are plain; before it they are shifted, then divided by 1.1."""
    runner = augmented(
        store,
        crops="centre",
        reflections=False,
        colour_noise=0.1,
        colour_noise_off_epoch=off,
        divide_after_noise=1.1,
    )
    middle = slice(2, 18)
    plain = (packed.train.pictures[:, middle, middle] - packed.mean_picture[middle, middle]) / 64.0
    for epoch in range(3):
        for place, pixels in drawn(runner, epoch).items():
            seen_there = pixels.permute(1, 2, 0).numpy()
            if epoch < off:
                shift = seen_there * 1.1 - plain[place]
                assert np.abs(shift).max() > 1e-3
                np.testing.assert_allclose(shift, np.broadcast_to(shift[0, 0], shift.shape), atol=1e-5)
            else:
                np.testing.assert_allclose(seen_there, plain[place], atol=1e-6)


def test_pictures_that_never_are_shifted_never_are_divided(store, packed):
    runner = augmented(store, crops="centre", reflections=False, colour_noise=0.0, divide_after_noise=1.1)
    middle = slice(2, 18)
    plain = (packed.train.pictures[:, middle, middle] - packed.mean_picture[middle, middle]) / 64.0
    for place, pixels in drawn(runner, 0).items():
        np.testing.assert_allclose(pixels.permute(1, 2, 0).numpy(), plain[place], atol=1e-6)


def test_crops_that_32_pictures_share_follow_the_place_in_the_epoch_and_not_the_batch(store):
    """As the authors' code cut them: whatever the size of batches, and anew for the next 32."""
    recipe: dict[str, Any] = {"crops": "per_32", "colour_noise": 0.0}
    whole = drawn(augmented(store, batch_size=TRAIN, **recipe), 0)
    for batch_size in (7, 16, 32):
        in_parts = drawn(augmented(store, batch_size=batch_size, **recipe), 0)
        for place, pixels in whole.items():
            torch.testing.assert_close(in_parts[place], pixels, rtol=0, atol=0)
    places = [
        draw(
            Augmentation(**recipe),
            open_packed(store / "pictures" / "pictures-key").colour,
            seed=1,
            epoch=0,
            samples=np.arange(8),
            offset=first,
            size=256,
            crop=224,
        )
        for first in range(0, 64, 8)
    ]
    crops = [{(top, left) for top, left in zip(part.top, part.left, strict=True)} for part in places]
    assert len(crops[0]) == 1
    assert crops[0] == crops[1] == crops[2] == crops[3]
    assert crops[4] == crops[5] == crops[6] == crops[7]
    assert crops[0] != crops[4]

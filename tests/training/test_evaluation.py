"""What a net's scores come to: ranks, errors, samples; and that evaluating leaves the net as it was."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from repro.data.augmentation import Draws
from repro.data.packed import open_packed
from repro.training.evaluation import Inputs, Outcomes, fixed_sample, outcomes, rank_of_label
from repro.training.loop import Training
from tests.packed_pictures import make_packed
from tests.small_runs import small_run

NAN, INF = math.nan, math.inf


@pytest.mark.parametrize(
    ("scores", "label", "rank"),
    [
        ([4.0, 3.0, 2.0, 1.0], 0, 0),
        ([4.0, 3.0, 2.0, 1.0], 2, 2),
        ([4.0, 3.0, 2.0, 1.0], 3, 3),
        ([4.0, 3.0, 3.0, 1.0], 1, 2),  # a tie counts against the net
        ([2.0, 2.0, 2.0, 2.0], 0, 3),
        ([-INF, 1.0, -INF, 0.0], 1, 0),
        ([NAN, NAN, NAN, NAN], 0, 3),  # what is no number is the last of four classes
        ([NAN, 3.0, 2.0, 1.0], 0, 3),
        ([INF, 3.0, 2.0, 1.0], 0, 3),
        ([-INF, 3.0, 2.0, 1.0], 0, 3),
    ],
)
def test_the_rank_is_how_many_classes_score_at_least_as_high(scores: list[float], label: int, rank: int) -> None:
    found = rank_of_label(torch.tensor([scores, scores]), torch.tensor([label, label]))
    assert found.tolist() == [rank, rank]


def test_errors_count_ranks_from_one_and_from_five() -> None:
    """Of five pictures one is right at once, and two more among the first five."""
    predictions = np.array([2, 2, 2, 2, 3])
    seen = Outcomes(np.array([0.5, 1.0, 1.5, 2.0, 2.5]), np.array([0, 1, 4, 5, 9]), predictions)
    assert (seen.error, seen.top5_error, seen.loss) == (4 / 5, 2 / 5, 1.5)
    assert not seen.constant
    assert Outcomes(seen.losses[:4], seen.ranks[:4], predictions[:4]).constant


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Training:
    store: Path = tmp_path_factory.mktemp("store")
    pictures = make_packed(store)
    return Training(small_run(store, pictures), open_packed(store / pictures), torch.device("cpu"))


@pytest.mark.parametrize("training", [True, False])
def test_evaluating_leaves_the_net_in_the_mode_that_it_was_in(begun: Training, training: bool) -> None:
    begun.net.train(training)
    outcomes(begun.net, begun.inputs, begun.packed.held_out, np.arange(3), batch=2)
    assert begun.net.training is training
    assert all(module.training is training for module in begun.net.modules())


def test_the_size_of_batches_changes_no_outcome(begun: Training) -> None:
    sample = fixed_sample(begun.packed.held_out, "any", 13)
    whole, parts = (outcomes(begun.net, begun.inputs, begun.packed.held_out, sample, batch=batch) for batch in (256, 4))
    np.testing.assert_array_equal(whole.ranks, parts.ranks)
    np.testing.assert_array_equal(whole.predictions, parts.predictions)
    np.testing.assert_allclose(whole.losses, parts.losses, rtol=1e-6)
    assert len(parts.ranks) == 13


def test_a_fixed_sample_is_some_of_a_split_ascending_and_another_for_another_purpose(begun: Training) -> None:
    split = begun.packed.train
    some = fixed_sample(split, "one", 20)
    assert (np.diff(some) > 0).all()
    assert len(some) == 20
    assert set(some.tolist()) <= set(range(48))
    assert set(fixed_sample(split, "one", 10).tolist()) < set(some.tolist())
    assert some.tolist() != fixed_sample(split, "other", 20).tolist()
    assert fixed_sample(split, "one", 1000).tolist() == list(range(48))


def test_the_divisor_of_an_epoch_divides_the_pictures_once_more() -> None:
    """The authors divide inputs, and by 1.1 besides while there is colour noise."""
    pictures = np.full((2, 4, 4, 3), 100, dtype=np.uint8)
    inputs = Inputs(np.full(3, 20.0, dtype=np.float32), 2, 0.5, torch.device("cpu"), torch.float64)
    whole = Draws(np.zeros(2, dtype=np.int64), np.zeros(2, dtype=np.int64), np.zeros(2, dtype=bool), np.zeros((2, 3)))
    pixels = inputs.training(pictures, np.arange(2), whole, divisor=4.0)
    assert isinstance(pixels, torch.Tensor)
    assert torch.equal(pixels, torch.full((2, 3, 2, 2), (100 - 20) * 0.5 / 4, dtype=torch.float64))

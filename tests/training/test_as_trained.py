"""Loss and error of the batches as training sees them: what they are of, and that nothing loses count."""

from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from repro.data.packed import open_packed
from repro.measurement.run_record import as_trained, recorded_scalars
from repro.runs.store import Run
from repro.training.evaluation import rank_of_label
from repro.training.loop import Interrupted, Training
from repro.training.records.checkpoint import load_checkpoint, save_checkpoint
from tests.packed_pictures import make_packed
from tests.small_runs import small_run, small_settings

CPU = torch.device("cpu")
EPOCHS, PICTURES = 3, 48


def begun(run: Run) -> Training:
    return Training(run, open_packed(run.store / run.spec().pictures), CPU)


def fresh(store, **training) -> Run:
    pictures = "pictures/pictures-key" if (store / "pictures").exists() else make_packed(store)
    return small_run(store, pictures, small_settings(**training))


def stopped_after(run: Run, steps: int) -> None:
    calls = itertools.count(1)
    with pytest.raises(Interrupted):
        begun(run).train(should_stop=lambda: next(calls) > steps)


def test_each_pass_has_the_error_of_its_batches_before_their_updates(tmp_path):
    """Counted here by hand: the scores that each step's own forward pass gave, with its crops and its dropout."""
    training = begun(fresh(tmp_path))
    scores: list[torch.Tensor] = []
    training.net.register_forward_hook(lambda net, inputs, output: scores.append(output.detach().clone()))
    expected = []
    for epoch in range(EPOCHS):
        order, wrong = training.batches.order(epoch), 0
        for place in range(0, PICTURES, training.settings.batch_size):
            labels = training.batches.at(epoch, order, place, training.inputs)[1]
            scores.clear()
            training.one_step(epoch, order)
            assert len(scores) == 1
            wrong += int((rank_of_label(scores[0], labels) > 0).sum())
        expected.append(wrong / PICTURES)
        training.end_epoch(epoch, 0.1)
    assert [row["batch_error"] for row in training.run.log()] == expected
    assert 0 < min(expected) < 1


def test_a_net_that_says_the_same_of_all_classes_is_wrong(tmp_path):
    training = begun(fresh(tmp_path))
    with torch.no_grad():
        for value in training.net.parameters():
            value.zero_()
    training.one_step(0, training.batches.order(0))
    assert training.sums.error == 1


def test_a_checkpoint_without_errors_leaves_the_pass_that_it_broke_without_one(tmp_path):
    """A version that counted no errors wrote it: the broken pass has none, the next ones have theirs."""
    whole = fresh(tmp_path / "whole")
    begun(whole).train()
    run = fresh(tmp_path / "old")
    stopped_after(run, 3)
    path = run.folder / "checkpoint.pt"
    state = load_checkpoint(path, run.identity)
    assert state is not None
    del state["wrong_sum"], state["wrong_count"]
    save_checkpoint(path, state)
    begun(run).train()
    assert ["batch_error" in row for row in run.log()] == [False, True, True]
    assert run.log()[1:] == whole.log()[1:]
    assert run.result()["weights_digest"] == whole.result()["weights_digest"]


def test_a_run_has_the_mean_of_its_last_passes(tmp_path):
    run = fresh(tmp_path)
    begun(run).train()
    scalars = recorded_scalars(run, run.result(), 4, PICTURES)
    last = run.log()[-1]
    assert scalars["train_error_as_trained"] == last["batch_error"]
    assert scalars["train_loss_as_trained"] == last["train_loss"] == run.result()["final_train_loss"]


def test_a_diverged_run_has_none(tmp_path):
    run = fresh(tmp_path, learning_rate=1e6)
    begun(run).train()
    scalars = recorded_scalars(run, run.result(), 4, PICTURES)
    assert scalars["train_error_as_trained"] is scalars["train_loss_as_trained"] is None


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60))
def test_the_last_tenth_of_the_passes_counts_and_points_between_do_not(errors):
    rows = []
    for place, error in enumerate(errors):
        rows += [{"epoch": place + 0.5, "train_error": 0.9}, {"epoch": place + 1, "train_loss": 2 * error}]
        rows[-1]["batch_error"] = error
    last = errors[-max(1, round(len(errors) / 10)) :]
    found = as_trained(rows, diverged=False)
    assert found["train_error_as_trained"] == pytest.approx(sum(last) / len(last))
    assert found["train_loss_as_trained"] == pytest.approx(2 * sum(last) / len(last))


def test_a_pass_without_its_error_leaves_the_mean_open():
    rows = [{"train_loss": 1.0, "batch_error": 0.5} for _ in range(20)]
    del rows[-2]["batch_error"]
    assert as_trained(rows, diverged=False) == {"train_error_as_trained": None, "train_loss_as_trained": 1.0}
    del rows[0]["batch_error"], rows[-2]["train_loss"]
    assert as_trained(rows, diverged=False)["train_error_as_trained"] == 0.5

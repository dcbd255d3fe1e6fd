"""What two ranks compute, written to files: started once by torchrun, read by many tests.

Each rank writes FOLDER/rank0.pt or rank1.pt. The stores under FOLDER are made before the launch.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import torch
import torch.distributed as dist

from repro.net.rank_joins import LostRankError
from repro.net.towers import TowerNet
from repro.training.devices.ranks import Ranks, joined_ranks
from repro.training.loop import Interrupted
from tests.placement.traces import NETS, PRECISIONS, sent, settings_of, trace, training
from tests.placement.wrong_joins import WRONG_RANKS, WrongRanks

STEPS_WRONG = 2
STOP_AFTER = 9
SEPARATE_STORES = ("interrupted", "resumed", "whole")
"""Beside the common store `steps`: runs that are trained by the loop, each in a store of its own."""


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    found: dict[str, Any] = {}
    with joined_ranks(int(os.environ["RANK"]), "cpu") as placement:
        group = placement._group
        for net, precision in itertools.product(NETS, PRECISIONS):
            run = training(folder / "steps", settings_of(net, precision), placement)
            found[f"{net} {precision}"] = trace(run)
            assert isinstance(run.net, TowerNet)
            found[f"{net} {precision} parameters"] = sum(value.numel() for value in run.net.parameters())
        odd = training(folder / "steps", settings_of("as in the paper", "float32"), placement, classes=5)
        found["odd classes"] = trace(odd)

        found["limit"] = group._get_backend(torch.device("cpu")).options._timeout.total_seconds()
        for case, precision, classes in (("sent", "float32", 4), ("sent, odd classes, float64", "float64", 5)):
            counted = training(folder / "steps", settings_of("as in the paper", precision), placement, classes=classes)
            with collectives() as given:
                trace(counted, 1)
            found[case], found[f"{case}, given to collectives"] = sent(counted), given

        for wrong in WRONG_RANKS:
            run = training(
                folder / "steps", settings_of("as in the paper", "float64"), WrongRanks(placement, wrong, group)
            )
            found[wrong.__name__] = trace(run, STEPS_WRONG)

        checkpoints(folder, placement)
        found["lost"] = lost(placement)
    torch.save(found, folder / f"rank{placement.rank}.pt")


@contextlib.contextmanager
def collectives() -> Iterator[list[int]]:
    """The bytes that each collective of this process was given in the block; no other than all_gather may be called."""
    given: list[int] = []
    gather = dist.all_gather

    def counted(tensors: list[torch.Tensor], tensor: torch.Tensor, group: dist.ProcessGroup) -> Any:
        given.append(tensor.numel() * tensor.element_size())
        return gather(tensors, tensor, group=group)

    def refused(*arguments: Any, **options: Any) -> None:
        raise AssertionError("a collective that the joins do not use")

    others = ("all_reduce", "broadcast", "reduce_scatter", "all_to_all", "send", "recv", "gather", "scatter")
    with contextlib.ExitStack() as replaced:
        replaced.enter_context(mock.patch.object(dist, "all_gather", counted))
        for name in others:
            replaced.enter_context(mock.patch.object(dist, name, refused))
        yield given


def checkpoints(folder: Path, placement: Ranks) -> None:
    """A run that stops after some steps, one that begins where another placement stopped, and a whole one."""
    settings = settings_of("as in the paper", "float64")
    stopped = training(folder / "interrupted", settings, placement)
    with contextlib.suppress(Interrupted):  # only one of the processes is asked to stop
        stopped.train(should_stop=lambda: placement.rank == 1 and stopped.step >= STOP_AFTER)
    training(folder / "resumed", settings, placement).train()
    placement._accelerators = ["a card", "a card"]  # so that its batches are timed at the end, by both
    training(folder / "whole", settings, placement).train(checkpoint_seconds=0)
    placement._accelerators = []


def lost(placement: Ranks) -> str:
    """What rank 0 is told when rank 1 hangs. Rank 1 stops itself and is woken when that is over."""
    impatient = dist.new_group(timeout=timedelta(seconds=3))
    assert isinstance(impatient, dist.ProcessGroup)
    partner = placement._gathered(os.getpid())[1]
    placement._group = impatient
    try:
        if placement.rank == 1:
            os.kill(os.getpid(), signal.SIGSTOP)
        placement.agree(False)
    except LostRankError as error:
        told = str(error)
    else:
        told = "nothing"
    if placement.rank == 0:
        os.kill(partner, signal.SIGCONT)
    return told


if __name__ == "__main__":
    main(Path(sys.argv[1]))

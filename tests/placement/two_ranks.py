"""What two ranks compute, written to files: started once by torchrun, read by many tests.

Each rank writes FOLDER/rank0.pt or rank1.pt. The stores under FOLDER are made before the launch.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

from repro.net.rank_joins import LostRankError
from repro.net.towers import TowerNet
from repro.training.loop import Interrupted
from repro.training.ranks import Ranks, joined_ranks
from tests.placement.traces import NETS, PRECISIONS, sent, settings_of, trace, training
from tests.placement.wrong_joins import WRONG_RANKS, WrongRanks

STEPS_WRONG = 2
STOP_AFTER = 9
SEPARATE_STORES = ("interrupted", "resumed", "whole")
"""Beside the common store `steps`: runs that are trained by the loop, each in a store of its own."""


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    found: dict[str, Any] = {}
    with joined_ranks(int(os.environ["RANK"]), "cpu") as place:
        group = place._group
        for net, precision in itertools.product(NETS, PRECISIONS):
            run = training(folder / "steps", settings_of(net, precision), place)
            found[f"{net} {precision}"] = trace(run)
            assert isinstance(run.net, TowerNet)
            found[f"{net} {precision} parameters"] = sum(value.numel() for value in run.net.parameters())
        odd = training(folder / "steps", settings_of("as in the paper", "float32"), place, classes=5)
        found["odd classes"] = trace(odd)

        counted = training(folder / "steps", settings_of("as in the paper", "float32"), place)
        trace(counted, 1)
        found["sent"] = sent(counted)
        counted = training(folder / "steps", settings_of("as in the paper", "float64"), place, classes=5)
        trace(counted, 1)
        found["sent, odd classes, float64"] = sent(counted)

        for wrong in WRONG_RANKS:
            run = training(folder / "steps", settings_of("as in the paper", "float64"), WrongRanks(place, wrong, group))
            found[wrong.__name__] = trace(run, STEPS_WRONG)

        checkpoints(folder, place)
        found["lost"] = lost(place)
    torch.save(found, folder / f"rank{place.rank}.pt")


def checkpoints(folder: Path, place: Ranks) -> None:
    """A run that stops after some steps, one that begins where another placement stopped, and a whole one."""
    settings = settings_of("as in the paper", "float64")
    stopped = training(folder / "interrupted", settings, place)
    with contextlib.suppress(Interrupted):  # only one of the processes is asked to stop
        stopped.train(should_stop=lambda: place.rank == 1 and stopped.step >= STOP_AFTER)
    training(folder / "resumed", settings, place).train()
    place._accelerators = ["a card", "a card"]  # so that its batches are timed at the end, by both
    training(folder / "whole", settings, place).train(checkpoint_seconds=0)
    place._accelerators = []


def lost(place: Ranks) -> str:
    """What rank 0 is told when rank 1 hangs. Rank 1 stops itself and is woken when that is over."""
    impatient = dist.new_group(timeout=timedelta(seconds=3))
    assert isinstance(impatient, dist.ProcessGroup)
    partner = place._gathered(os.getpid())[1]
    place._group = impatient
    try:
        if place.rank == 1:
            os.kill(os.getpid(), signal.SIGSTOP)
        place.agree(False)
    except LostRankError as error:
        told = str(error)
    else:
        told = "nothing"
    if place.rank == 0:
        os.kill(partner, signal.SIGCONT)
    return told


if __name__ == "__main__":
    main(Path(sys.argv[1]))

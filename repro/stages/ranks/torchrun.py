"""Whether `torchrun` started this process, read from the environment variables that it sets."""

from __future__ import annotations

import os
from typing import NoReturn

from repro.errors import UserError
from repro.net.table.placement import Placement

LAUNCH = "torchrun --nproc-per-node=2 -m repro train STUDY --variant V --seed S --placement ranks"


def launched_rank(placement: Placement) -> int | None:
    """Which of torchrun's processes this is, None without torchrun.

    Raises UserError when placement and launch do not fit, in the first process; the others end silently.
    """
    size, rank = _number("WORLD_SIZE", 1), _number("RANK", 0)
    mistake = None
    if placement == "ranks" and size != 2:
        started = f"torchrun started {size} processes" if "RANK" in os.environ else "this process was started alone"
        mistake = f"--placement ranks takes two processes and {started}: {LAUNCH}"
    elif placement != "ranks" and size > 1:
        mistake = f"torchrun started {size} processes, which --placement {placement} does not use: {LAUNCH}"
    if mistake:
        tell_once(rank, mistake)
    return rank if placement == "ranks" else None


def _number(variable: str, otherwise: int) -> int:
    said = os.environ.get(variable)
    try:
        return otherwise if said is None else int(said)
    except ValueError:
        raise UserError(f"{variable}={said} is no number; torchrun sets this variable: unset it") from None


def tell_once(rank: int, mistake: str) -> NoReturn:
    """UserError in the first process; the others, which see the same mistake, end without a word."""
    if rank > 0:
        raise SystemExit(2)
    raise UserError(mistake)

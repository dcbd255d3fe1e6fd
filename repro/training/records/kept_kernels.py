"""The first layer's kernels at the points of a run's learning curve: `kernels/step-00001234.npy` in its folder.

They say when kernels of one kind appear, and in which tower (section 6.1), which no final weights can. A run that was
interrupted writes a point again when it comes past it again, with the same bytes.
"""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from repro.errors import UserError
from repro.files import write_bytes
from repro.net.alexnet import tower_state
from repro.net.initial_values import parameter_name
from repro.training.devices.run_placement import AnyNet, RunPlacement

FOLDER = "kernels"
_NAME = re.compile(r"step-(\d{8,})\.npy")


def keep_kernels(folder: Path, step: int, net: AnyNet, placement: RunPlacement) -> None:
    """Write the kernels (n, 3, h, w) of the layer that reads the picture, tower 0's first, as float32.

    Every process of a run calls this; the leading one gathers the kernels and writes.
    """
    first = net.table[0]
    names = [parameter_name(tower, first.name, "weight") for tower in range(first.towers)]
    here = {name: value for name, value in tower_state(net).items() if name in names}
    whole = placement.whole(net, here, names)
    if not placement.leads:
        return
    content = io.BytesIO()
    kernels = np.concatenate([whole[name].cpu().numpy() for name in names])
    np.save(content, kernels.astype(np.float32), allow_pickle=False)
    write_bytes(folder / FOLDER / f"step-{step:08d}.npy", content.getvalue())


def kept_kernels(folder: Path) -> dict[int, npt.NDArray[Any]]:
    """By step, ascending, what was kept of a run; nothing for runs of versions that kept none."""
    candidates = ((_NAME.fullmatch(path.name), path) for path in (folder / FOLDER).glob("*.npy"))
    steps = {int(match[1]): path for match, path in candidates if match}
    kernels = {}
    for step in sorted(steps):
        try:
            kernels[step] = np.load(steps[step], allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise UserError(
                f"{steps[step]} is damaged ({error}); delete it to measure the run without that point"
            ) from None
    return kernels

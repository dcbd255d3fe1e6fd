"""A run's update as one CUDA graph, for `--device cuda:0+graph`.

A small net's update is one or two hundred short kernels, and starting one can take the host longer than running it
takes the device. A graph is recorded once, and starts them all at once. What was recorded is fixed: tensors are read
where they lay then, and Python's numbers are those of then. So a batch is copied to where the graph reads it, keys of
dropout lie in a tensor, and when a learning rate changes, the graph is recorded anew, which happens a few times in a
run.

Nothing here changes a number: the same kernels read the same values. No GPU was at hand, so that no graph of CUDA's
has been recorded; the tests replay one that records the same operations on the CPU.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from repro.net.alexnet import AlexNet, DropoutKey
from repro.net.dropout import HeldKeys
from repro.training.evaluation import Pixels
from repro.training.update import PlainUpdate
from repro.training.update_rule import Rates

Work = Callable[[], None]
Record = Callable[[Work, Sequence[Tensor]], Work]
"""(work, what it changes) -> what repeats it. Recording may do the work, but leaves what it changes as it was."""
_WARMING = 3
"""Times that the work is done before it is recorded: libraries choose kernels and take memory in the first."""


class GraphedUpdate:
    """`update` of whole batches of `size` pictures, recorded; a smaller batch, at an epoch's end, is not."""

    def __init__(self, update: PlainUpdate, size: int, record: Record) -> None:
        assert isinstance(update.net, AlexNet)
        self._update, self._size, self._record = update, size, record
        self._dropping = [layer.name for layer in update.net.table if layer.dropout]
        self._recorded: _Recorded | None = None

    def __call__(self, pixels: Pixels, labels: Tensor, dropout: DropoutKey | None, rates: Rates) -> None:
        assert isinstance(pixels, Tensor)
        if len(labels) != self._size:
            self._update(pixels, labels, dropout, rates)
            return
        keys = None if dropout is None else dropout.held(self._dropping)
        if self._recorded is None or self._recorded.rates != rates:
            self._recorded = None  # its memory is free for the next
            self._recorded = _Recorded(self._update, pixels, labels, keys, rates, self._record)
        self._recorded.repeat(pixels, labels, keys)


class _Recorded:
    """A recorded update, and the tensors that it reads."""

    def __init__(
        self,
        update: PlainUpdate,
        pixels: Tensor,
        labels: Tensor,
        keys: HeldKeys | None,
        rates: Rates,
        record: Record,
    ) -> None:
        self.rates = rates
        self._pixels, self._labels = pixels.clone(), labels.clone()
        self._keys = keys and HeldKeys(keys.layers, keys.bits.clone(), keys.sample_ids.clone())
        self._replay = record(lambda: update(self._pixels, self._labels, self._keys, rates), update.state)

    def repeat(self, pixels: Tensor, labels: Tensor, keys: HeldKeys | None) -> None:
        """The same on another batch."""
        self._pixels.copy_(pixels)
        self._labels.copy_(labels)
        if self._keys is not None and keys is not None:
            self._keys.bits.copy_(keys.bits)
            self._keys.sample_ids.copy_(keys.sample_ids)
        self._replay()


@torch.no_grad()
def cuda_graph(work: Work, changed: Sequence[Tensor]) -> Work:
    """`work` as a CUDA graph on the device of what it changes."""
    device = changed[0].device
    before = [value.clone() for value in changed]
    with torch.cuda.device(device), torch.enable_grad():
        aside = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(_WARMING):
                work()
        torch.cuda.current_stream().wait_stream(aside)
    for value, old in zip(changed, before, strict=True):
        value.copy_(old)
    with torch.cuda.device(device), torch.enable_grad():
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            work()

    def replay() -> None:
        with torch.cuda.device(device):
            graph.replay()

    return replay

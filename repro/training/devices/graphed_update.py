"""A run's update as one CUDA graph, for `--device cuda:0+graph`.

A small net's update is one or two hundred short kernels, and starting one can take the host longer than running it
takes the device. A graph is captured, and each replay starts all of its kernels together. What was captured is fixed:
tensors are read where they lay then, and Python's numbers are those of then. So a batch is copied to where the graph
reads it, keys of dropout lie in a tensor, and when a learning rate changes, a new graph is captured, which happens a
few times in a run.

Nothing here changes a number: the same kernels read the same values. No GPU was at hand, so that no graph of CUDA's
has been captured; the tests replay one that holds the same operations on the CPU.
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
MakeGraph = Callable[[Work, Sequence[Tensor]], Work]
"""(work, what it changes) -> what replays it. The work may be done meanwhile, but what it changes is put back."""
_WARMING = 3
"""Times that the work is done before it is captured: libraries choose kernels and take memory in the first."""


class GraphedUpdate:
    """`update` of whole batches of `size` pictures as a graph; a smaller batch, at an epoch's end, is done plainly."""

    def __init__(self, update: PlainUpdate, size: int, make_graph: MakeGraph) -> None:
        assert isinstance(update.net, AlexNet)
        self._update, self._size, self._make_graph = update, size, make_graph
        self._dropping = [layer.name for layer in update.net.table if layer.dropout]
        self._graph: _Graph | None = None

    def __call__(self, pixels: Pixels, labels: Tensor, dropout: DropoutKey | None, rates: Rates) -> None:
        assert isinstance(pixels, Tensor)
        if len(labels) != self._size:
            self._update(pixels, labels, dropout, rates)
            return
        keys = None if dropout is None else dropout.held(self._dropping)
        if self._graph is None or self._graph.rates != rates:
            self._graph = None  # first of all, so that two graphs never hold memory
            self._graph = _Graph(self._update, pixels, labels, keys, rates, self._make_graph)
        self._graph.replay(pixels, labels, keys)


class _Graph:
    """A captured update, and the tensors that it reads."""

    def __init__(
        self,
        update: PlainUpdate,
        pixels: Tensor,
        labels: Tensor,
        keys: HeldKeys | None,
        rates: Rates,
        make_graph: MakeGraph,
    ) -> None:
        self.rates = rates
        self._pixels, self._labels = pixels.clone(), labels.clone()
        self._keys = keys and HeldKeys(keys.layers, keys.bits.clone(), keys.sample_ids.clone())
        self._replay = make_graph(lambda: update(self._pixels, self._labels, self._keys, rates), update.state)

    def replay(self, pixels: Tensor, labels: Tensor, keys: HeldKeys | None) -> None:
        """The same update from another batch."""
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
        # Warmed and captured on one stream: what libraries take for a stream is then taken before the graph's memory.
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
        with torch.cuda.graph(graph, stream=aside):
            work()

    def replay() -> None:
        with torch.cuda.device(device):
            graph.replay()

    return replay

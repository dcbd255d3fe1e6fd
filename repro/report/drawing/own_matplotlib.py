"""matplotlib with its own defaults, whatever the caller's shell, notebook or matplotlibrc say.

A process that a notebook started inherits MPLBACKEND, which may name a module that this environment has not, and then
importing matplotlib fails. Figures are drawn without any backend, so the variable is hidden while it is imported.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator


@contextlib.contextmanager
def _hidden_settings() -> Iterator[None]:
    """No backend is named, and an empty file stands in for the user's matplotlibrc, which may not even be text."""
    names = ("MPLBACKEND", "MATPLOTLIBRC")
    callers = {name: os.environ.pop(name) for name in names if name in os.environ}
    os.environ["MATPLOTLIBRC"] = os.devnull
    try:
        yield
    finally:
        del os.environ["MATPLOTLIBRC"]
        os.environ.update(callers)


with _hidden_settings():
    import matplotlib
    from matplotlib.axes import Axes as Axes
    from matplotlib.figure import Figure as Figure

_STYLE = sorted(set(matplotlib.rcParamsDefault) - {"backend"})


def default_style() -> contextlib.AbstractContextManager[None]:
    """In the block figures have matplotlib's own style, also where a notebook has set another before."""
    return matplotlib.rc_context({key: matplotlib.rcParamsDefault[key] for key in _STYLE})

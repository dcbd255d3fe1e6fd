"""A reproduction harness for AlexNet (Krizhevsky, Sutskever, Hinton, NIPS 2012) with a paper-claim test suite."""

from typing import TYPE_CHECKING, Any

from repro.version import VERSION

__version__ = VERSION
__all__ = ["__version__", "load_run"]

if TYPE_CHECKING:
    from repro.stages.finished.load_run import load_run


def __getattr__(name: str) -> Any:
    """`repro.load_run` on first use: importing the package must not import torch."""
    if name == "load_run":
        from repro.stages.finished.load_run import load_run

        return load_run
    raise AttributeError(f"module 'repro' has no attribute {name!r}")

"""`pytest claims` in the test's own process: a process of its own imports for seconds what is imported here already.

What is about the process (torch is not imported, plugins that the shell switches off, several workers) is tested with
real ones in verdicts/test_plugin.py.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import io
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.small_project import Answer

PLUGINS: tuple[str, ...] = ("-p", "no:cacheprovider")
"""Options of every `pytest claims` of the tests; the plugin is named where the package is not installed."""
if not importlib.metadata.entry_points(group="pytest11", name="repro_claims"):
    PLUGINS += ("-p", "repro.verdicts.plugin")


def pytest_here(here: Path, *arguments: str | Path) -> Answer:
    """`pytest ARGUMENTS` in the folder `here`, 80 columns wide and without colours."""
    out, err = io.StringIO(), io.StringIO()
    # The process's own handlers of faults and of forgotten exceptions are those of the pytest that runs this test.
    alone = ("--capture=sys", *(f"-pno:{name}" for name in ("faulthandler", "unraisableexception", "threadexception")))
    with pytest.MonkeyPatch.context() as patch, _imports_undone(here), contextlib.chdir(here):
        patch.setenv("COLUMNS", "80")
        patch.setenv("NO_COLOR", "1")
        patch.delenv("PYTEST_ADDOPTS", raising=False)
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = pytest.main([*PLUGINS, *alone, *map(str, arguments)])
    return Answer(int(code), out.getvalue(), err.getvalue())


@contextlib.contextmanager
def _imports_undone(here: Path) -> Iterator[None]:
    """After the block the claims of `here` are imported no more: another project's have the same names."""
    before, path = set(sys.modules), sys.path.copy()
    yield
    sys.path[:] = path
    for name in set(sys.modules) - before:
        file = getattr(sys.modules[name], "__file__", None)
        if file is not None and Path(file).parent.name == "claims":
            del sys.modules[name]

"""Brings the plugin that judges the claims, where pytest has not loaded it, and sees that it is this checkout's.

pytest finds the plugin by the installed package. That finds none where the shell switches plugins off, and that of
another checkout where the other one's environment is active.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]
PLUGIN = "repro.verdicts.plugin"


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    if not any(getattr(plugin, "__name__", None) == PLUGIN for plugin in pluginmanager.get_plugins()):
        if (PROJECT / "repro").is_dir():
            sys.path.insert(0, str(PROJECT))
        pluginmanager.import_plugin(PLUGIN)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    own, loaded = PROJECT / "repro" / "verdicts" / "plugin.py", Path(str(sys.modules[PLUGIN].__file__)).resolve()
    if own.is_file() and own.resolve() != loaded:
        pytest.exit(
            f"the plugin that pytest has loaded is that of {loaded.parents[2]}, and these are the claims of {PROJECT}: "
            f"use {PROJECT}/.venv/bin/python -m pytest (`make environment` makes it), or python -m pytest in {PROJECT}",
            2,
        )

"""The project's own registry and claims, and facts measured once on the project's own code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from repro.verdicts.claim import Claim, load_claims
from repro.verdicts.registry import Registry, load_registry

CLAIMS = Path(__file__).resolve().parents[2] / "claims"


@pytest.fixture(scope="session")
def registry() -> Registry:
    return load_registry(CLAIMS / "statements.yaml")


@pytest.fixture(scope="session")
def claims() -> dict[str, Claim]:
    return load_claims(CLAIMS)


@pytest.fixture(scope="session")
def facts() -> dict[str, Any]:
    from repro.measurement.facts import measure_facts

    return {"paper": measure_facts("paper")}

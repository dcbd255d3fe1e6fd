"""The promise: on null evidence any wrong verdict in at most 5 % of families (a short, seeded version)."""

from __future__ import annotations

import math

import pytest

from benchmarks.verdict_errors import found, wrong_families

FAMILIES = 300
BOUND = 0.05 + 3 * math.sqrt(0.05 * 0.95 / FAMILIES)


@pytest.mark.parametrize("shape", ["normal", "t3", "collapse"])
@pytest.mark.parametrize("n", [3, 6, 10])
def test_thirty_null_claims(shape: str, n: int) -> None:
    assert wrong_families("direction", shape, n, FAMILIES, [41, n]) <= BOUND


@pytest.mark.parametrize("shape", ["normal", "collapse"])
def test_two_looks_at_thirty_null_claims(shape: str) -> None:
    assert wrong_families("direction", shape, 12, FAMILIES, [42], looks="two") <= BOUND


@pytest.mark.parametrize("n", [6, 10])
def test_every_form_at_its_boundary(n: int) -> None:
    assert wrong_families("mixed", "normal", n, FAMILIES // 2, [43]) <= BOUND


def test_true_effects_are_found() -> None:
    assert found(1.4, 0.2, 6, 10, [44]) == 1.0
    assert found(1.4, 0.5, 6, 60, [45]) == pytest.approx(0.68, abs=0.1)

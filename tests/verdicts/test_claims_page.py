"""docs/claims.md is what the registry says today, and says all of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from repro.verdicts.registry.registry import Registry
from repro.verdicts.telling.claims_page import PAGE, claims_page
from repro.verdicts.telling.how_tested import picked_in_words

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def page(registry: Registry) -> str:
    return claims_page(registry)


@pytest.fixture(scope="module")
def told(page: str) -> dict[str, str]:
    """What the page says of each statement."""
    parts = re.split(r"^\*\*(S\d\d[a-f]?)\*\*", page, flags=re.MULTILINE)[1:]
    return {name: " ".join(text.split("\n## ")[0].split()) for name, text in zip(parts[::2], parts[1::2], strict=True)}


def test_the_committed_page_is_current(page: str) -> None:
    assert (ROOT / PAGE).read_text() == page, "run `make docs`"


def test_every_statement_is_there_in_order(told: dict[str, str], registry: Registry) -> None:
    assert list(told) == [entry.id for entry in registry]
    for entry in registry:
        assert " ".join(entry.statement.split()) in told[entry.id]


def test_each_says_how_it_is_tested_or_why_it_is_not(told: dict[str, str], registry: Registry) -> None:
    for entry in registry:
        said = told[entry.id].lower()
        if entry.test is not None:
            assert f"test: {entry.test.form.replace('_', ' ')}" in said
            assert picked_in_words(entry.test).lower().rstrip(".") in said
        if entry.repeats is not None:
            assert f"repeats {entry.repeats}".lower() in said
        for note in (entry.untestable, entry.known_erratum, entry.part, entry.paper, entry.source):
            assert note is None or " ".join(note.split()).lower() in said


def test_thresholds_and_margins_are_named(told: dict[str, str], page: str) -> None:
    assert "at paper scale lower 1 points, upper 3 points" in told["S90"]
    assert "least division 0.3333" in told["S78"]
    assert "smallest effect at paper scale 1 points" in told["S12"]
    assert "more than 5 points" in told["S60a"]
    assert "halves_excess near 0 points, within 0.1 points" in told["S67"]
    assert "gates: trained, settled, dose" in told["S61c"].lower()
    assert re.search(r"\*\*dose\*\*: Weight decay acted.*\. Thresholds: decay dose at least 0\.1\.", page)
    assert "fall at most 0.05 (of the held-out error, in the last quarter" in page


def test_a_gate_without_thresholds_says_what_it_asks_and_a_symbol_keeps_its_capital(page: str) -> None:
    assert re.search(r"\*\*tuned\*\*: Every compared variant.*tried\.$", page, flags=re.MULTILINE)
    assert re.search(r"\*\*tower contrast\*\* \(\d+\): J, the division of labour", page)

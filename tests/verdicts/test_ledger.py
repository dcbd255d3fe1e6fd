"""What the ledger adds to a verdict: caveats that are the statement's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from repro.verdicts.judging.ledger import make_ledger
from tests.made_up import ALIKE, SPLIT, MadeUp, Towers

CLAIMS = Path(__file__).resolve().parents[2] / "claims"
DECIDABLE = ("supported", "contradicted", "inconclusive")


@pytest.mark.parametrize(
    ("towers", "seeds", "outcome", "flagged"),
    [
        (SPLIT, 12, "supported", True),
        (ALIKE, 12, "contradicted", True),
        ([SPLIT, ALIKE] * 6, 12, "inconclusive", True),
        (SPLIT, 0, "not_evaluated", False),
    ],
)
def test_a_statement_that_is_tested_in_part_says_so_however_it_comes_out(
    towers: Towers | list[Towers], seeds: int, outcome: str, flagged: bool, tmp_path: Path
) -> None:
    """S77 reads "largely" as two thirds. Of what was not evaluated no part was tested."""
    made = MadeUp(variants=("base", "dense"), towers={"base": towers, "dense": ALIKE}, family=("S77",))
    if not seeds:
        made.missing = {"base": made.seeds}
    ledger = make_ledger(CLAIMS, [made.write(tmp_path / "made")])
    verdict = ledger.find("S77", ledger.studies[0]).verdict
    assert verdict is not None
    assert verdict.outcome == outcome, verdict.reason
    assert ("part_tested" in verdict.flags) == flagged
    for entry in ledger.entries:
        if entry.verdict is not None and entry.standing == "judged":
            has_caveat = entry.statement.part is not None and entry.verdict.outcome in DECIDABLE
            assert ("part_tested" in entry.verdict.flags) == has_caveat, entry.statement.id

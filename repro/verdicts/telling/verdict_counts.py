"""How many verdicts of each kind there are, counted apart by what decided them: arithmetic proves nothing of nets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from repro.verdicts.judging.ledger import Entry, Ledger

ERRATUM = "false as printed"
WORDS = ("supported", "contradicted", "inconclusive", "not evaluated", ERRATUM)
"""Outcomes in the order in which they are shown."""
_BASES = ("as built", "on record", "by evidence", "exploratory")


def outcome_in_words(entry: Entry) -> str:
    """The verdict's word; a known erratum that comes out contradicted, as it should, has its own."""
    if entry.verdict is None:
        return "no claim yet"
    if entry.statement.known_erratum is not None and entry.verdict.outcome == "contradicted":
        return ERRATUM
    return entry.verdict.outcome.replace("_", " ")


def counts_apart(ledger: Ledger, entries: Iterable[Entry]) -> dict[str, Counter[str]]:
    """Outcomes by what they rest on, then by study where there are several; without repeats and untestable statements.

    As built: definitions, computed from the layer table, facts and printed numbers. On record: what a study's data and
    logs say, without statistics. By evidence: trained runs, for the statements that the study named beforehand as its
    family. Exploratory: all else that trained runs were asked.
    """
    judged = [entry for entry in entries if entry.standing == "judged" and entry.verdict is not None]
    groups: dict[tuple[int, int, str], Counter[str]] = {}
    for entry in judged:
        basis = _basis(ledger, entry)
        several = len(ledger.studies) > 1 and entry.study in ledger.studies
        name = f"{basis}, {entry.study}" if several else basis
        index = ledger.studies.index(entry.study) if several and entry.study is not None else 0
        groups.setdefault((_BASES.index(basis), index, name), Counter())[outcome_in_words(entry)] += 1
    return {name: counts for (_, _, name), counts in sorted(groups.items())}


def _basis(ledger: Ledger, entry: Entry) -> str:
    assert entry.verdict is not None
    if entry.statement.scope != "statistical":
        return "on record" if entry.statement.scope == "record" else "as built"
    if "exploratory" in entry.verdict.flags or not ledger.in_family(entry):
        return "exploratory"
    return "by evidence"


def standings(entries: Iterable[Entry]) -> str:
    """How many of the paper's statements have a claim, in one phrase."""
    standing = {}
    for entry in entries:
        standing[entry.statement.id] = "repeats" if entry.statement.repeats is not None else entry.standing
    counts = Counter(standing.values())
    without = f", {counts['no_claim_yet']} without a claim yet" if counts["no_claim_yet"] else ""
    return (
        f"{len(standing)} statements: {counts['judged']} with a claim, {counts['repeats']} repeat another, "
        f"{counts['untestable']} untestable{without}"
    )

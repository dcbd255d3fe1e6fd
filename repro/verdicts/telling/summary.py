"""The summary at the end of `pytest claims/`: a line a statement and study, by section, counts last."""

from __future__ import annotations

from collections.abc import Collection

from repro.verdicts.judging.ledger import NO_EVIDENCE, Entry, Ledger
from repro.verdicts.judging.reasons import shown_estimate
from repro.verdicts.telling.verdict_counts import ERRATUM, WORDS, counts_apart, outcome_in_words, standings

WIDTH = 80
SECTIONS = {
    "abstract": "Abstract",
    "1": "1 Introduction",
    "2": "2 The dataset",
    "3": "3 The architecture",
    "4": "4 Reducing overfitting",
    "5": "5 Details of learning",
    "6": "6 Results",
    "7": "7 Discussion",
}
MARKS = {
    "exploratory": ("x", "exploratory: not registered like this before its runs (repro explain)"),
    "fragile": ("f", "fragile: leaving out one seed, or a permutation test, would undo it"),
    "few_seeds": ("w", "3 or 4 seeds per arm: only very large effects are decided"),
    "part_tested": ("p", "a part of the statement was tested (repro explain says which)"),
    "collapsed_runs": ("c", "collapsed runs are counted with their error"),
}
Key = tuple[str, str | None]
Line = tuple[str, str | None]


def summary_lines(ledger: Ledger, shown: Collection[Key], *, verbose: bool = False) -> list[Line]:
    """The summary as lines of at most 80 columns, each with its colour (None: plain).

    shown: (statement, study) of the claims that ran. Repeated statements stand beside the ones that they
    repeat; statements that are untestable are listed when every claim ran.
    """
    keys = set(shown)
    entries = sorted((entry for entry in ledger.entries if _belongs(ledger, entry, keys)), key=_section)
    lines: list[Line] = []
    section = None
    for entry in entries:
        top = section_of(entry)
        if top != section:
            section = top
            lines.append((SECTIONS.get(top, top), "bold"))
        lines.extend(_entry_lines(entry, verbose))
    lines.extend(_legend(entries))
    lines.append(("", None))
    lines.extend((line, "bold") for line in _counts(ledger, entries))
    lines.extend((line, None) for line in _wrapped(standings(ledger.entries)))
    return lines


def section_of(entry: Entry) -> str:
    """The number of the paper's section that a statement stands in, without subsections; or `abstract`."""
    return entry.statement.section.split(".")[0]


def _section(entry: Entry) -> int:
    """The index of a statement's section in the paper: statements are not always numbered in its order."""
    return list(SECTIONS).index(section_of(entry)) if section_of(entry) in SECTIONS else len(SECTIONS)


def _belongs(ledger: Ledger, entry: Entry, keys: set[Key]) -> bool:
    if entry.standing == "no_claim_yet":
        return False
    if entry.standing == "untestable":
        judged = {(e.statement.id, e.study) for e in ledger.entries if e.standing == "judged"}
        return judged <= keys
    return (ledger.registry.original(entry.statement.id), entry.study) in keys


def _entry_lines(entry: Entry, verbose: bool) -> list[Line]:
    verdict = entry.verdict
    assert verdict is not None
    word = outcome_in_words(entry).replace(ERRATUM, "erratum")
    marks = "".join(letter for flag, (letter, _) in MARKS.items() if flag in verdict.flags)
    study = "" if entry.study in (None, NO_EVIDENCE) else entry.study
    reason = verdict.reason
    head = f"  {entry.statement.id:<5}{_cut(study or '', 10):<11}{word:<14}{_cut(marks, 3):<4}"
    colour = {"supported": "green", "contradicted": "red"}.get(verdict.outcome, "yellow")
    text = reason
    if verdict.outcome in ("supported", "contradicted") and entry.title:
        finding = verdict.finding
        text = f"{entry.title}: {reason}" if finding is None else f"{shown_estimate(verdict, finding)}: {entry.title}"
    lines: list[Line] = [(_cut(head + text, WIDTH).rstrip(), colour)]
    if verbose:
        lines += [(f"       {line}", None) for line in _wrapped(entry.statement.statement, WIDTH - 7)]
        lines += [(f"       {line}", None) for line in _wrapped(reason, WIDTH - 7)]
    return lines


def _legend(entries: list[Entry]) -> list[Line]:
    used = {flag for entry in entries if entry.verdict is not None for flag in entry.verdict.flags}
    legend = [f"  {letter}  {meaning}" for flag, (letter, meaning) in MARKS.items() if flag in used]
    return [("", None), *((line, None) for line in legend)] if legend else []


def _counts(ledger: Ledger, entries: list[Entry]) -> list[str]:
    """A line for each kind of verdict, its outcomes side by side."""
    counted = [(_cut(name, 34), counts) for name, counts in counts_apart(ledger, entries).items()]
    width = max((len(name) for name, _ in counted), default=0)
    lines = ["Verdicts, by what they rest on:" if counted else "Verdicts: none"]
    for name, counts in counted:
        said = ", ".join(f"{counts[word]} {word}" for word in WORDS if counts[word])
        for index, row in enumerate(_wrapped(said, WIDTH - width - 4)):
            lines.append(f"  {'' if index else name:<{width}}  {row}")
    return lines


def _cut(text: str, width: int) -> str:
    text = " ".join(text.split()) if "\n" in text else text
    return text if len(text) <= width else text[: width - 1] + "…"


def _wrapped(text: str, width: int = WIDTH) -> list[str]:
    lines, line = [], ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}".strip()
    return [*lines, line] if line else lines

"""The statements as a reader meets them: by section of the paper, each with its verdicts and their figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from repro.report.cases.rows import NO_CLAIM, VERDICTS
from repro.report.drawing.words import signed
from repro.report.page.judgements import Basis, Judgement, judgement
from repro.verdicts.registry.literature import LaterFinding
from repro.verdicts.registry.papers_evidence import papers_evidence
from repro.verdicts.registry.registry import Registry
from repro.verdicts.registry.statement import Statement
from repro.verdicts.telling.how_tested import Rule, form_in_words, rules

SECTIONS = {
    "abstract": "Abstract",
    "1": "Introduction",
    "2": "The dataset",
    "3": "The architecture",
    "3.1": "ReLU nonlinearity",
    "3.2": "Training on multiple GPUs",
    "3.3": "Local response normalization",
    "3.4": "Overlapping pooling",
    "3.5": "Overall architecture",
    "4": "Reducing overfitting",
    "4.1": "Data augmentation",
    "4.2": "Dropout",
    "5": "Details of learning",
    "6": "Results",
    "6.1": "Qualitative evaluations",
    "7": "Discussion",
}
Literature = Mapping[str, tuple[LaterFinding, ...]]


@dataclass(frozen=True)
class PaperNoise:
    """Whether the paper's own comparison, one run against one run, exceeds noise, and the figures."""

    exceeds: bool
    said: str


@dataclass(frozen=True)
class StatementEntry:
    """One statement with a judgement for each study that judged it, or one that needs no study."""

    id: str
    section: str
    statement: str
    kind: str
    paper: str | None
    authors: str | None
    authors_file: str | None
    paper_noise: tuple[PaperNoise, ...]
    literature: tuple[LaterFinding, ...]
    erratum: str | None
    part: str | None
    repeats: str | None
    form: str | None
    tested_how: str | None
    rules: tuple[Rule, ...]
    judgements: tuple[Judgement, ...]

    @property
    def verdicts(self) -> tuple[str, ...]:
        """All its verdicts, each once."""
        return tuple(dict.fromkeys(item.verdict for item in self.judgements))


@dataclass(frozen=True)
class Section:
    """A section of the paper with its statements."""

    key: str
    number: str
    title: str
    anchor: str
    entries: tuple[StatementEntry, ...]


def statement_entry(bases: Sequence[Basis], registry: Registry, literature: Literature) -> StatementEntry:
    """One statement from its rows: one a study, or one that needs no study."""
    first = bases[0].row
    statement: Statement | None = registry.statements.get(first["id"])
    original = registry.statements.get(statement.repeats or statement.id) if statement else None
    test = original.test if original else None
    authors = first["authors"] if isinstance(first["authors"], Mapping) else {}
    name, several = str(first["id"]), len(bases) > 1
    return StatementEntry(
        id=name,
        section=str(first["section"]),
        statement=str(first["statement"]),
        kind=str(first["kind"]),
        paper=first["paper"],
        authors=authors.get("number"),
        authors_file=authors.get("file"),
        paper_noise=_paper_noise(original),
        literature=literature.get(original.id, ()) if original else (),
        erratum=statement.known_erratum if statement else None,
        part=statement.part if statement else None,
        repeats=statement.repeats if statement else None,
        form=None if test is None else form_in_words(type(test)),
        tested_how=_picked(test),
        rules=() if test is None else rules(test),
        judgements=tuple(
            judgement(basis, statement, test, registry.gates, f"{name}-{number}" if several else name)
            for number, basis in enumerate(bases, 1)
        ),
    )


def sections(entries: Sequence[StatementEntry]) -> tuple[Section, ...]:
    """Entries by section, in the paper's order; sections that the paper does not have come last."""
    grouped: dict[str, list[StatementEntry]] = {}
    for entry in entries:
        grouped.setdefault(entry.section, []).append(entry)
    order = {number: index for index, number in enumerate(SECTIONS)}
    numbers = sorted(grouped, key=lambda number: order.get(number, len(order)))
    return tuple(
        Section(
            key=number,
            number="" if number == "abstract" else number,
            title=SECTIONS.get(number, f"Section {number}"),
            anchor=f"section-{index}",
            entries=tuple(grouped[number]),
        )
        for index, number in enumerate(numbers)
    )


def counts(judgements: Sequence[Judgement]) -> tuple[tuple[str, int], ...]:
    """(verdict, how many), those without a claim yet last; zeros too."""
    return tuple((name, sum(item.verdict == name for item in judgements)) for name in (*VERDICTS, NO_CLAIM))


def _picked(test: Any) -> str | None:
    """What the test looks at, as a sentence."""
    arms, reads = getattr(test, "arms", None), getattr(test, "reads", None)
    said = str(arms) if arms else f"reads: {reads}" if reads else ""
    return f"{said[:1].upper()}{said[1:].rstrip('.')}." if said else None


def _paper_noise(original: Statement | None) -> tuple[PaperNoise, ...]:
    return tuple(_noise(errors) for errors in getattr(original, "paper_errors", ()))


def _noise(errors: Any) -> PaperNoise:
    computed = papers_evidence(errors)
    runs = computed["z_runs"]
    difference = signed(f"{100 * computed['difference']:+.2f}")
    said = (
        f"top-{computed['guesses']}: {difference} points, {'one run each' if runs else 'the same net in two ways'}; "
        f"{computed['z_pictures']:.1f} standard errors of {computed['pictures']:,} test pictures"
    )
    if runs:
        errors_of_runs = ", ".join(f"{z:.1f}" for z in runs.values())
        said += f"; {errors_of_runs} if runs spread by {', '.join(runs)} points"
    if computed["assumed"]:
        said += f" (assumed: {computed['assumed']})"
    return PaperNoise(bool(computed["exceeds_noise"]), said)

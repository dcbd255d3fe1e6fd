"""docs/results.md: what the recorded evidence says of every statement, and the README's table of headlines.

Made by `make docs` from everything under `evidence/`, `claims/headline.yaml` and the registry. Verdicts that decide
nothing are described at the same length as the others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from statistics import fmean, stdev

from repro.evidence.directory import Evidence
from repro.verdicts.finding import amount, number
from repro.verdicts.forms.form import RunValues
from repro.verdicts.forms.table import form_of
from repro.verdicts.judging.ledger import NO_EVIDENCE, Entry
from repro.verdicts.judging.verdict import Verdict
from repro.verdicts.readings.learning_curves import fall_from_guessing
from repro.verdicts.registry.test_types import StatisticalTest
from repro.verdicts.statistics.estimates import welch
from repro.verdicts.telling.explain import what_would_decide
from repro.verdicts.telling.headline import HeadlineRow, Recorded, effect_of, verdict_word
from repro.verdicts.telling.summary import SECTIONS

HEAD = """<!-- Made by `make docs` from evidence/, claims/headline.yaml and the registry; change those instead. -->
# Results

What the evidence recorded in this repository says, by the [protocol](protocol.md) that was fixed before its runs and by
the rules in [verdicts.md](verdicts.md). A verdict holds for its study's pictures and its scale, and for no other.
`repro explain ID --evidence evidence/STUDY` shows one of them with every run's number.
"""
LEGEND = """\
The effect is turned so that a positive number speaks for the statement: here the mean error without decay or without
a layer less that of the base, and for S76 J of two towers less J of dense nets. A negative effect of `remove_conv4`
means that nets without conv4 err less. The interval is at the level at which the statement is tested, after the
correction for the family and the look, so it leaves 0 out exactly where the statement is decided; of "in most runs"
and "in every run" it is that of the rate. A statement that needs several variants at once is tested by the smallest
of their effects: the variant with it is named, and the interval is that of the smallest effect, not of this variant
alone. Seeds: runs of each arm that the verdict rests on, of those registered; fewer than all where the first look
decided."""
COUNTED = """\
Statements that repeat another are not counted twice. An exploratory verdict is on a statement that the study did not
register for these runs. Points are percentage points of error. An adjusted p is held against 5 %, in a study with two
looks against 2 % at the first and 3 % at the second."""
NONE = "–"
DECIDED = ("supported", "contradicted")


def results_page(recorded: Recorded) -> str:
    """docs/results.md as Markdown."""
    lines = [HEAD, "## Headlines", "", *headline_table(recorded.headlines), "", *LEGEND.splitlines(), ""]
    for row in recorded.headlines:
        lines += [*_headline(row), ""]
    lines += ["## Evidence", ""]
    lines += [_described(evidence) for evidence in recorded.evidences.values()] or ["None is recorded."]
    lines += ["", "## Every statement", "", *_counts(recorded)]
    section = None
    for entries in _by_statement(recorded):
        top = entries[0].statement.section.split(".")[0]
        if top != section:
            section = top
            lines += ["", f"### {SECTIONS.get(top, top)}"]
        lines += ["", *_statement(entries)]
    return "\n".join(lines) + "\n"


def headline_table(rows: Sequence[HeadlineRow]) -> list[str]:
    """A line a headline statement: verdict, effect, seeds, the paper's number."""
    lines = [
        "| statement | study | verdict | effect [interval] at its level | seeds | in print |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        cells = (
            f"**{row.statement.id}** {row.statement.statement}",
            f"`{row.study}`",
            f"**{row.word}**",
            row.came_out,
            row.seeds,
            row.statement.paper or NONE,
        )
        lines.append(f"| {' | '.join(_in_cell(cell) for cell in cells)} |")
    return lines


# ---- headlines -------------------------------------------------------------------------------------


def _headline(row: HeadlineRow) -> list[str]:
    """A heading, what the evidence shows and what would decide, and what it cannot say."""
    shows = [_on_study(row)]
    if row.evidence is not None:
        shows += _arms(row.evidence, row)
        shows += _still_learning(row.evidence, row)
    if (wanted := _wanted(row)) is not None:
        shows.append(f"What would decide: {wanted}.")
    part = [] if row.statement.part is None else [f"Tested: {_flat(row.statement.part).rstrip('.')}."]
    cannot = [*part, _flat(row.limits)]
    return [f"### {row.statement.id}: {row.statement.statement.rstrip('.')}", "", " ".join(shows), "", " ".join(cannot)]


def _on_study(row: HeadlineRow) -> str:
    scale = ""
    if row.evidence is not None:
        study = row.evidence.study
        counts = study.data["counts"]
        scale = f" ({study.classes} classes, {counts['train']:,} training and {counts['held_out']:,} held-out pictures)"
    return f"On `{row.study}`{scale} the verdict is **{row.word}**: {_flat(row.verdict.reason).rstrip('.')}."


def _wanted(row: HeadlineRow) -> str | None:
    if row.evidence is None:
        return f"the runs of `{row.study}`, of which {len(row.registered)} seeds are registered"
    missing = _missing(row, row.evidence)
    wanted = what_would_decide(row.verdict)
    if row.verdict.outcome in DECIDED or not missing:
        return wanted
    return f"first of all the registered seeds that are missing ({missing})" + (f"; {wanted}" if wanted else "")


def _missing(row: HeadlineRow, evidence: Evidence) -> str:
    names = [name for name in getattr(row.statement.test, "variants", ()) if name in evidence.study.variants]
    lacks = {name: evidence.missing(name) for name in names}
    return "; ".join(f"{name} {_seeds(seeds)}" for name, seeds in lacks.items() if seeds)


def _seeds(seeds: Sequence[int]) -> str:
    whole = len(seeds) > 2 and list(seeds) == list(range(seeds[0], seeds[-1] + 1))
    return f"{seeds[0]} to {seeds[-1]}" if whole else ", ".join(map(str, seeds))


def _arms(evidence: Evidence, row: HeadlineRow) -> Iterator[str]:
    """Mean and spread of each arm; where nothing was tested, differences with a plain 95 % interval."""
    test = row.statement.test
    arms = list(form_of(test).values(evidence, test)) if isinstance(test, StatisticalTest) else []
    metrics = dict.fromkeys(values.metric for values in arms)
    means = [f"`{name}` {', '.join(_arm(arm) for arm in arms if arm.metric == name)}" for name in metrics]
    if means:
        rests = max(row.verdict.n or (0,))
        fewer = 0 < rests < max(len(arm.values) for arm in arms)
        which = f" (the verdict rests on the first {rests} seeds of them)" if fewer else ""
        yield f"Means of all recorded runs{which}: {'; '.join(means)}."
    if row.verdict.outcome == "not_evaluated" and (lines := list(_differences(arms, row))):
        yield f"Differences, which no verdict rests on, with plain uncorrected 95 % intervals: {'; '.join(lines)}."


def _still_learning(evidence: Evidence, row: HeadlineRow) -> Iterator[str]:
    """How far each arm's errors still fell, where the gate `settled` reads one curve of all arms together."""
    test = row.statement.test
    if not isinstance(test, StatisticalTest) or "settled" not in test.gates:
        return
    said = []
    for title, curve in (("held-out error", None), ("training error", "train_error")):
        falls = {
            name: fall_from_guessing(evidence, evidence.of(name), 1, curve)
            for name in test.variants
            if name in evidence.study.variants
        }
        known = [f"{100 * fall:.1f} % in {name}" for name, fall in falls.items() if isinstance(fall, float)]
        if known:
            said.append(f"the {title} still fell by {', '.join(known)}")
    if said:
        yield (
            "How far each arm had come to rest: in the last quarter of the steps at the first learning rate, in shares "
            f"of the whole fall from guessing, {'; '.join(said)}."
        )


def _arm(arm: RunValues) -> str:
    spread = f", sd {number(stdev(arm.values), arm.unit)}" if len(arm.values) > 1 else ""
    seeds = "1 seed" if len(arm.values) == 1 else f"{len(arm.values)} seeds"
    return f"{amount(fmean(arm.values), arm.unit)} in {arm.variant} ({seeds}{spread})"


def _differences(arms: Sequence[RunValues], row: HeadlineRow) -> Iterator[str]:
    """Each registered arm less the one that stands last, for each metric that the test names."""
    last = getattr(row.statement.test, "variants", ("",))[-1]
    for reference in (arm for arm in arms if arm.variant == last):
        for arm in arms:
            if arm.metric == reference.metric and arm.variant != last:
                estimate = welch(arm.values, reference.values)
                low, high = (number(end, arm.unit) for end in estimate.interval(0.05))
                what = f"`{arm.metric}` {arm.variant} less {last}"
                yield f"{what} {amount(estimate.value, arm.unit)} [{low}, {high}]"


# ---- evidence --------------------------------------------------------------------------------------


def _described(evidence: Evidence) -> str:
    """Where a study's evidence comes from: runs, pictures, versions, machine, commit."""
    study = evidence.study
    runs = ", ".join(f"{len(evidence.of(name))} of {len(study.seeds)} {name}" for name in study.variants)
    versions = ", ".join(
        f"{name} {study.versions[name]}" for name in ("python", "torch", "numpy") if name in study.versions
    )
    commit, _, changed = (study.git_commit or "unknown").partition("+")
    where = f"{study.machine.get('processor', 'an unnamed processor')} ({study.device})"
    return (
        f"- **`evidence/{study.study}`**: {study.summary} Runs: {runs}. Pictures: {study.data['name']}, digest "
        f"`{study.data['digest'][:16]}`. Measured on {study.created[:10]} with {versions} on {where}, at commit "
        f"`{commit[:12]}`{' with changes' if changed else ''}."
    )


# ---- every statement -------------------------------------------------------------------------------


def _by_statement(recorded: Recorded) -> Iterator[list[Entry]]:
    """Entries of each statement, in the order of the paper's sections."""
    by_statement: dict[str, list[Entry]] = {}
    for entry in recorded.ledger.entries:
        by_statement.setdefault(entry.statement.id, []).append(entry)
    order = list(SECTIONS)
    yield from sorted(
        by_statement.values(), key=lambda entries: order.index(entries[0].statement.section.split(".")[0])
    )


def _statement(entries: Sequence[Entry]) -> list[str]:
    """Statement, printed and logged numbers, and a line for each verdict; equal reasons share one."""
    statement = entries[0].statement
    lines = [f"**{statement.id}** {_flat(statement.statement)}"]
    if statement.paper is not None:
        lines.append(f"- In print: {_flat(statement.paper)}.")
    if statement.authors is not None:
        lines.append(f"- In the authors' log: {_flat(statement.authors.number)}; `{statement.authors.file}`.")
    shared: dict[str, list[str]] = {}
    for entry in entries:
        shared.setdefault(_verdict(entry), []).append("" if entry.study in (None, NO_EVIDENCE) else f"`{entry.study}`")
    for sentence, studies in shared.items():
        on = ", ".join(study for study in studies if study)
        lines.append(f"- {on + ': ' if on else ''}{sentence}")
    return lines


def _verdict(entry: Entry) -> str:
    verdict = entry.verdict
    if verdict is None:
        return "no claim yet."
    word = verdict_word(verdict)
    if entry.statement.known_erratum is not None and verdict.outcome == "contradicted":
        word += ", as expected of a statement that is false as printed"
    reason = _flat(verdict.reason).rstrip(".").replace(f"{entry.study} has no", "it has no")
    if not reason.startswith(str(entry.study)) and "_" not in reason.partition(" ")[0]:  # a variant keeps its spelling
        reason = reason[:1].upper() + reason[1:]
    return f"**{word}**. {_shown(verdict)}{reason}."


def _shown(verdict: Verdict) -> str:
    """The effect, where the reason does not begin with it."""
    effect = effect_of(verdict)
    return "" if effect is None or effect in verdict.reason else f"{effect}. "


def _counts(recorded: Recorded) -> list[str]:
    """How many statements came out how, by study, repeats left out."""
    counted: dict[str, Counter[str]] = {}
    explored: Counter[tuple[str, str]] = Counter()
    for entry in recorded.ledger.entries:
        if entry.standing != "repeats" and entry.verdict is not None:
            study, word = entry.study or "no study needed", entry.verdict.outcome
            counted.setdefault(study, Counter())[word] += 1
            explored[study, word] += "exploratory" in entry.verdict.flags
    words = ("supported", "contradicted", "inconclusive", "not_evaluated", "untestable")
    lines = [f"| judged on | {' | '.join(word.replace('_', ' ') for word in words)} |", f"|{'---|' * (len(words) + 1)}"]
    for study, counts in counted.items():
        cells = [f"{counts[word]}" + (f" ({n} exploratory)" if (n := explored[study, word]) else "") for word in words]
        lines.append(f"| {study} | {' | '.join(cells)} |")
    return [*lines, "", *COUNTED.splitlines()]


def _in_cell(text: str) -> str:
    return _flat(text).replace("|", "\\|")


def _flat(text: str) -> str:
    return " ".join(text.split())

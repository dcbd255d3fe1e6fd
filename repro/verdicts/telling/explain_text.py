"""The text of `repro explain`: an explanation (`repro.verdicts.telling.explain`) for a person at a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean, stdev
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from repro.verdicts.finding import amount, number, percent
from repro.verdicts.judging.reasons import shown_p

WIDTH = 80
LABEL = 24
VALUES = 50
"""Columns for values by seed, so that none is cut off from its seed."""
COLOURS = {"supported": "green", "contradicted": "red", "for": "green", "against": "red", "open": "green"}
_NOTED = {
    "paper": "the paper",
    "part": "tested part",
    "known_erratum": "known erratum",
    "untestable": "untestable",
    "repeats": "repeats",
    "repeated_by": "repeated by",
}
"""Labels of the registry's notes; a note without one here is shown under its own name."""
_SHOWN_ELSEWHERE = frozenset({"id", "section", "statement", "kind", "paper", "authors", "paper_evidence"})
_MAPPINGS = frozenset({"test", "studies", "evidence", "literature", "tested_as"})
Pair = tuple[str, RenderableType]


def console_for(stream: Any = None) -> Console:
    """Colours and the terminal's width, up to 100 columns; plain and 80 columns elsewhere."""
    console = Console(file=stream, highlight=False)
    console.width = min(console.width, 100) if console.is_terminal else WIDTH
    return console


def print_explanation(explained: Mapping[str, Any], console: Console) -> None:
    """The whole statement; without the blanks that fill a line where there is no terminal."""
    if console.is_terminal:
        _print(explained, console)
        return
    with console.capture() as captured:
        _print(explained, console)
    lines = captured.get().splitlines()
    console.file.write("".join(f"{line.rstrip()}\n" for line in lines))


def _print(explained: Mapping[str, Any], console: Console) -> None:
    section = explained["section"] if explained["section"] == "abstract" else f"section {explained['section']}"
    console.print(Text(f"{explained['id']}  {section}, {explained['kind']}", style="bold"))
    console.print(explained["statement"], markup=False)
    _block(console, None, _noted(explained))
    if explained["test"] is None:
        if explained["untestable"] is None:
            console.print(f"\n{explained['tested_as']}", markup=False)
    else:
        _test(console, explained["test"])
    if explained["studies"]:
        _block(console, "Studies that can speak about it", _studies(explained["studies"]))
    for judged in explained["evidence"]:
        if judged["verdict"] not in (None, "untestable"):
            _evidence(console, judged)
    if explained["literature"]:
        rows = [
            (Text(row["direction"], COLOURS.get(row["direction"], "yellow")), _cited(row))
            for row in explained["literature"]
        ]
        _block(console, "Later work", rows)


def _block(console: Console, title: str | None, rows: Iterable[tuple[str | Text, RenderableType]]) -> None:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(width=LABEL, overflow="fold")
    grid.add_column()
    count = 0
    for label, value in rows:
        grid.add_row(label, value)
        count += 1
    if count:
        console.print()
        if title is not None:
            console.print(Text(title, style="bold"))
        console.print(Padding(grid, (0, 0, 0, 2)))


def _noted(explained: Mapping[str, Any]) -> Iterable[Pair]:
    """What the registry notes for readers, the paper's and the authors' numbers first."""
    if explained["paper"]:
        yield _NOTED["paper"], Text(explained["paper"])
    if explained["authors"]:
        yield "the authors' log", Text(f"{explained['authors']['number']}\n{explained['authors']['file']}")
    for evidence in explained["paper_evidence"]:
        yield f"its own, top-{evidence['guesses']}", Text(_papers_evidence(evidence))
    for name, value in explained.items():
        if value and name not in _SHOWN_ELSEWHERE | _MAPPINGS:
            yield _NOTED.get(name, name.replace("_", " ")), Text(_plain(value))


def _papers_evidence(evidence: Mapping[str, Any]) -> str:
    """Whether the paper's one run against one run exceeds noise."""
    said = f"{100 * evidence['difference']:.2f} points on {evidence['pictures']:,} pictures, "
    said += "beyond noise" if evidence["exceeds_noise"] else "within noise"
    said += f": z {evidence['z_pictures']:.1f} by pictures"
    if runs := evidence["z_runs"]:
        said += f"; {', '.join(f'{z:.1f}' for z in runs.values())} by runs, if their sd is {', '.join(runs)} points"
    return said + (f" ({evidence['assumed']})" if evidence["assumed"] else "")


def _test(console: Console, test: Mapping[str, Any]) -> None:
    gates = [
        (name, Text(", ".join(f"{key.replace('_', ' ')} {_plain(value)}" for key, value in rule.items())))
        for name, rule in test["gates"].items()
    ]
    rows: list[Pair] = [("in words", Text(test["in_words"]))]
    if test["picks"]:
        rows.append(("arms" if "arms" in test["registered"] else "reads", Text(test["picks"])))
    for rule in test["rules"]:
        if rule["name"] != "variants":
            said = Text(rule["value"])
            if rule["meaning"]:
                said.append(f"  ({rule['meaning']})", style="dim")
            rows.append((rule["name"].replace("_", " "), said))
    _block(console, f"Tested as: {test['form'].replace('_', ' ')}", rows)
    variants = [
        (name, Text(variant["summary"] + _changes(variant["changes"]))) for name, variant in test["variants"].items()
    ]
    _block(console, "Variants", variants)
    _block(console, "Gates, without which nothing is judged", gates)


def _changes(changes: Mapping[str, Any]) -> str:
    if not changes:
        return ""
    return "\n" + "\n".join(f"{key}: {_plain(value)}" for key, value in changes.items())


def _studies(studies: Sequence[Mapping[str, Any]]) -> Iterable[Pair]:
    for study in studies:
        if study["lacks"] and not study["in_family"]:
            continue
        plan = f"{len(study['seeds'])} seeds, " + ("two looks" if study["looks"] == "two" else "fixed")
        said = [plan, "in its family" if study["in_family"] else "not in its family: exploratory"]
        if study["lacks"]:
            said.append(f"lacks {', '.join(study['lacks'])}")
        yield study["study"], Text("; ".join(said))
    if all(study["lacks"] and not study["in_family"] for study in studies):
        yield "none", Text("no study of this project has all of its variants")


def _evidence(console: Console, judged: Mapping[str, Any]) -> None:
    rows: list[Pair] = []
    for gate in judged.get("gates", ()):
        said = Text.assemble((gate["state"], COLOURS.get(gate["state"], "yellow")), f": {gate['reading']}")
        rows.append((f"gate {gate['gate'].replace('_', ' ')}", said))
    rows += _values(judged)
    rows += _numbers(judged)
    word = judged["verdict"].replace("_", " ")
    rows.append(("verdict", Text(word, f"bold {COLOURS.get(word, 'yellow')}")))
    rows.append(("because", Text(judged["reason"])))
    for flag in judged["flags"]:
        meaning = judged["flags_mean"].get(flag)
        rows.append(("remark", Text(flag.replace("_", " ") + (f": {meaning}" if meaning else ""))))
    if judged["error"]:
        rows.append(("the claim failed", Text(judged["error"])))
    if judged["what_would_decide"]:
        rows.append(("what would decide", Text(judged["what_would_decide"])))
    where = f"Evidence: {judged['study']} ({judged['path']})" if "path" in judged else "Evidence"
    _block(console, where, rows)


def _values(judged: Mapping[str, Any]) -> Iterable[Pair]:
    """Per-seed values; where a test reads no plain metric, what its form noted of each run."""
    values = judged.get("values", ())
    several = {key: len({row[key] for row in values}) > 1 for key in ("variant", "metric")}
    for row in values:
        unit = row["unit"]
        spread = f", sd {number(stdev(row['values']), unit)}" if len(row["values"]) > 1 else ""
        pairs = zip(row["seeds"], row["values"], strict=True)
        each = _side_by_side([f"{seed}: {number(value, unit)}" for seed, value in pairs])
        label = [row["variant"]] if several["variant"] or not several["metric"] else []
        label += [row["metric"].replace("_", " ")] if several["metric"] else []
        yield ", ".join(label), Text(f"mean {number(fmean(row['values']), unit)}{spread}\n{each}")
    variants = {row["variant"] for row in values}
    details = judged.get("details", {})
    for name, part in (details.get("parts") or {}).items():
        unit = part.get("unit", judged["unit"])
        low, high = part.get("interval", (None, None))
        said = f"{number(part.get('estimate'), unit)} [{number(low, unit)}, {number(high, unit)}] {unit} (95 %)"
        yield name if name in variants else name.replace("_", " "), Text(said)
    if not values:
        n = set(judged.get("n") or ())
        for name, value in details.items():
            if isinstance(value, list) and len(value) in n:
                yield name.replace("_", " "), Text("  ".join(_plain(item) for item in value))


def _side_by_side(items: Sequence[str]) -> str:
    """As many in a line as fit, in columns."""
    width = max(len(item) for item in items) + 2
    each = max(1, (VALUES + 2) // width)
    lines = [items[start : start + each] for start in range(0, len(items), each)]
    return "\n".join("".join(item.ljust(width) for item in line).rstrip() for line in lines)


def _numbers(judged: Mapping[str, Any]) -> Iterable[Pair]:
    if judged["p_adjusted"] is None:
        return
    unit = judged["unit"] or ""
    yield "estimate", Text(amount(judged["estimate"], unit))
    if judged["interval"] and None not in judged["interval"]:
        low, high = (number(end, unit) for end in judged["interval"])
        level = "" if judged["confidence"] is None else f" at {percent(judged['confidence'])}"
        yield "interval", Text(f"{low} to {high}{level}, the level at which the statement is tested")
    yield "p", Text(f"{judged['p']:.2g}, {shown_p(judged['p_adjusted'])}")
    yield "n", Text(" + ".join(map(str, judged["n"])) + (f", look {judged['look']}" if judged["look"] else ""))
    if judged["detectable"] is not None:
        yield "detectable", Text(f"{amount(judged['detectable'], unit)}, with 80 % power")
    if judged["seeds_needed"] is not None:
        yield "seeds needed", Text(str(judged["seeds_needed"]))


def _cited(row: Mapping[str, str]) -> RenderableType:
    return Group(Text(row["found"]), Text(row["source"], style="dim"))


def _plain(value: Any) -> str:
    """A value of YAML or JSON as a person writes it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_plain(part)}" for key, part in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(_plain(part) for part in value) or "none"
    return "none" if value is None else str(value)

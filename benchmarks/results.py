"""What the benchmarks found: `results.json` for programs, and RESULTS.md, made from it, for people."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, TypeAdapter, ValidationError, model_validator

from benchmarks.alternation import Ratio
from repro.cores import processor_name, usable_cores
from repro.errors import UserError
from repro.files import write_json, write_text

FOLDER = Path(__file__).parent
RESULTS, PAGE = FOLDER / "results.json", FOLDER / "RESULTS.md"
Positive = Annotated[FiniteFloat, Field(gt=0)]


class Record(BaseModel):
    """One thing that was measured. With `peer` the target is for the ratio, without for `ours`.

    `error` says why nothing was measured; then there are no numbers.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    benchmark: str
    name: str
    what: str
    """What of ours was measured."""
    against: str | None = None
    """What the peer is."""
    ours: Positive | None = None
    peer: Positive | None = None
    unit: str = ""
    ratio: Positive | None = None
    ratio_of: Literal["peer / ours", "ours / peer"] | None = None
    target: Positive | None = None
    goal: Literal["at least", "at most"] = "at least"
    spread: tuple[Positive, Positive] | None = None
    """Lowest and highest of the rounds: of the ratio, without a peer of `ours`."""
    note: str = ""
    machine: str = ""
    error: str | None = None

    @model_validator(mode="after")
    def _whole(self) -> Record:
        if self.error is None and (self.ours is None or self.spread is None or not self.unit):
            raise ValueError("a record without an error has ours, its unit and a spread")
        if (self.peer is None) != (self.ratio is None) or (self.peer is None) != (self.ratio_of is None):
            raise ValueError("peer, ratio and ratio_of go together")
        if self.peer is not None and self.against is None:
            raise ValueError("a peer has a name: against")
        return self

    @property
    def judged(self) -> float | None:
        """What the target is for."""
        return self.ours if self.ratio is None else self.ratio

    @property
    def met(self) -> bool | None:
        """Whether the target was reached; None where there is none. What could not be measured did not reach it."""
        if self.target is None:
            return None
        if self.judged is None:
            return False
        return self.judged >= self.target if self.goal == "at least" else self.judged <= self.target


_RECORDS = TypeAdapter(list[Record])


def compared(
    name: str,
    what: str,
    against: str,
    ours: Sequence[float],
    peer: Sequence[float],
    unit: str,
    *,
    ratio_of: Literal["peer / ours", "ours / peer"] = "peer / ours",
    target: float | None = None,
    goal: Literal["at least", "at most"] = "at least",
    note: str = "",
) -> Record:
    """Medians of both, and the ratio taken round by round."""
    above, below = (peer, ours) if ratio_of == "peer / ours" else (ours, peer)
    ratio = Ratio.of(list(above), list(below))
    return Record(
        benchmark="",
        name=name,
        what=what,
        against=against,
        ours=median(ours),
        peer=median(peer),
        unit=unit,
        ratio=ratio.value,
        ratio_of=ratio_of,
        target=target,
        goal=goal,
        spread=ratio.spread,
        note=note,
    )


def measured(
    name: str,
    what: str,
    values: Sequence[float],
    unit: str,
    *,
    target: float | None = None,
    goal: Literal["at least", "at most"] = "at most",
    note: str = "",
) -> Record:
    """The median of `values`, with nothing beside it."""
    return Record(
        benchmark="",
        name=name,
        what=what,
        ours=median(values),
        unit=unit,
        target=target,
        goal=goal,
        spread=(min(values), max(values)),
        note=note,
    )


def failed(benchmark: str, about: str, error: str) -> Record:
    """What stands in place of a benchmark's records when it broke. It has missed whatever it was to reach."""
    return Record(benchmark=benchmark, name=benchmark, what=about, error=error, machine=machine())


def machine() -> str:
    """Where this was measured: processor, cores, versions, and how busy it was."""
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
    parts = (
        f"{processor_name()}, {usable_cores()} cores",
        f"{platform.system()} {platform.machine()}",
        f"Python {platform.python_version()}",
        *(f"{name} {version(name)}" for name in ("torch", "pillow", "numpy")),
        f"load {load}",
    )
    return "; ".join(parts)


def read_records(path: Path) -> list[Record]:
    """What was measured last; nothing where there is no file yet. UserError where it holds something else."""
    try:
        return _RECORDS.validate_json(path.read_bytes())
    except FileNotFoundError:
        return []
    except (ValidationError, json.JSONDecodeError) as error:
        first = str(error).splitlines()
        raise UserError(
            f"{path} is not what the benchmarks write ({' '.join(first[:3])}); remove it and measure again"
        ) from error


def merged(before: Iterable[Record], fresh: Iterable[Record], order: Sequence[str]) -> list[Record]:
    """`fresh` in place of what their benchmarks left before, all in the order in which benchmarks are listed."""
    new = list(fresh)
    again = {record.benchmark for record in new}
    kept = [record for record in before if record.benchmark not in again and record.benchmark in order]
    return sorted([*kept, *new], key=lambda record: order.index(record.benchmark))


def write_results(records: Sequence[Record], results: Path, page: Path) -> None:
    """Both files."""
    write_json(results, _RECORDS.dump_python(list(records), mode="json"))
    write_text(page, page_of(records))


def page_of(records: Sequence[Record]) -> str:
    """RESULTS.md."""
    missed = [record for record in records if record.met is False]
    broken = [record for record in records if record.error is not None]
    aimed = sum(record.target is not None for record in records)
    lines = [
        "# What the benchmarks found",
        "",
        "Made by `make bench` from `results.json`; not edited by hand. Ours and what a user would take instead are",
        "measured in turns in one run; figures are medians, ratios are taken round by round, and in brackets stand the",
        "lowest and the highest. [docs/performance.md](../docs/performance.md) says what is measured and why.",
        "",
        f"{aimed} targets, {aimed - len(missed)} met, {len(missed)} missed; {len(broken)} benchmarks failed.",
        "",
        "| benchmark | ours | against | ratio | target | |",
        "|---|---|---|---|---|---|",
        *(_row(record) for record in records),
        "",
        "| benchmark | what was measured, against what |",
        "|---|---|",
        *(f"| {record.name} | {_told(record)} |" for record in records if record.error is None),
        "",
        "Measured on:",
        "",
        *(f"- {machine_name}: {', '.join(names)}" for machine_name, names in _by_machine(records).items()),
    ]
    return "\n".join(lines) + "\n"


def _row(record: Record) -> str:
    if record.error is not None:
        return f"| {record.name} | **failed** | | | | {record.error} |"
    ours = f"{number(record.ours)} {record.unit}"
    spread = "" if record.spread is None else f" [{number(record.spread[0])}, {number(record.spread[1])}]"
    if record.peer is None:
        ours, peer, ratio = ours + spread, "", ""
    else:
        peer, ratio = f"{number(record.peer)} {record.unit}", f"{number(record.ratio)}{spread}"
    target = "" if record.target is None else f"{record.goal} {number(record.target)}"
    verdict = {None: "", True: "met", False: "**missed**"}[record.met]
    return f"| {record.name} | {ours} | {peer} | {ratio} | {target} | {verdict} |"


def _told(record: Record) -> str:
    against = "" if record.against is None else f"; against {record.against} ({record.ratio_of})"
    return f"{record.what}{against}{'. ' + record.note if record.note else ''}"


def _by_machine(records: Iterable[Record]) -> dict[str, list[str]]:
    by_machine: dict[str, list[str]] = {}
    for record in records:
        names = by_machine.setdefault(record.machine, [])
        if record.benchmark not in names:
            names.append(record.benchmark)
    return by_machine


def number(value: float | None) -> str:
    """Three digits, and no more zeros than these need."""
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"

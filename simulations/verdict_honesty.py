"""How often is a verdict wrong where the statements lie on the edge of being true? (minutes, by hand)

    python -m simulations.verdict_honesty                     # prints the figures of docs/verdicts.md
    python -m simulations.verdict_honesty --write             # and puts them there

Draws the evidence of whole studies (`simulations/null_evidence.py`) from worlds in which the registry's statements
lie exactly on the edge of what they claim (`simulations/null_world.py`), judges it with the project's own registry,
claims and decision code, and shows the share of families with any wrong supported or contradicted. Then it plants
effects as large as the paper's and shows how many are found, beside the power that the verdicts state.
"""

from __future__ import annotations

import argparse
import math
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass

from repro.cores import usable_cores
from repro.files import write_text
from repro.verdicts.judging.decision import Looks
from repro.verdicts.statistics.estimates import T_CAUTION
from repro.verdicts.statistics.power import minimum_detectable_effect
from simulations.null_evidence import SHAPES
from simulations.null_family import (
    EVERYTHING,
    FULL_SCALE,
    ROOT,
    Design,
    first_step,
    record_of,
    shares_supported,
    stated_power,
    wrong_families,
)
from simulations.null_world import Kind

PAGE = ROOT / "docs" / "verdicts.md"
BEGIN, END = "<!-- figures: python -m simulations.verdict_honesty --write -->", "<!-- end of figures -->"
DESIGNS: tuple[tuple[int, Looks], ...] = ((3, "fixed"), (6, "fixed"), (10, "fixed"), (20, "fixed"), (12, "two"))
OWN = "procedural"
"""A study that is also judged as it stands: its own variants, seeds, looks and family."""
PROMISE = 0.05
EFFECTS = {"S30": 1.7, "S38": 1.4, "S55c": 1.0, "S41": 0.4}
"""Statements on two variants, and the points of top-1 error that the paper gives for each."""
AT_DETECTABLE = "S38"
RUN_SDS = (0.2, 0.5, 1.0)
CHUNK = 250


@dataclass(frozen=True)
class PlantedCell:
    """Families with planted effects, of one number of seeds and one deviation between runs (points)."""

    sd: float
    seeds: int
    detectable: float
    """The effect that verdicts would state as detectable at the family's first step."""
    at_detectable: Future[dict[str, float]]
    at_the_papers: Future[dict[str, float]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--families", type=int, default=2000, help="drawn a cell (default 2000)")
    parser.add_argument("--planted", type=int, default=200, help="families with planted effects a cell (default 200)")
    parser.add_argument("--workers", type=int, default=usable_cores(), help="processes (default: all cores)")
    parser.add_argument("--write", action="store_true", help=f"put the figures into {PAGE.relative_to(ROOT)}")
    options = parser.parse_args()
    start = time.monotonic()
    lines = []
    with ProcessPoolExecutor(options.workers) as pool:
        for line in figures(pool, options.families, options.planted):
            print(line, flush=True)
            lines.append(line)
    print(f"\n{time.monotonic() - start:.0f} s")
    if options.write:
        page = PAGE.read_text()
        before, rest = page.split(BEGIN)
        _, after = rest.split(END)
        write_text(PAGE, "\n".join([before + BEGIN, *lines, END + after]))


def figures(pool: ProcessPoolExecutor, families: int, planted: int) -> Iterable[str]:
    """Both tables as lines of Markdown."""
    rows: list[tuple[Design, Kind]] = [(Design(EVERYTHING, n, looks), "one") for n, looks in DESIGNS]
    rows += [(Design(EVERYTHING, 6, "fixed"), "nothing"), (Design(FULL_SCALE, 6, "fixed"), "one"), (Design(OWN), "one")]
    cells = {
        (design, kind): [_chunks(pool, design, kind, shape, families) for shape in SHAPES] for design, kind in rows
    }
    level = PROMISE / first_step(rows[0][0])
    planted_cells = _planted(pool, planted, level)
    yield f"Families with any wrong verdict, in percent of {families:,} (above 5 % beyond chance: *)."
    yield ""
    yield f"| study | statements | edge | seeds | {' | '.join(SHAPES)} |"
    yield "|---|---|---|---|" + "---|" * len(SHAPES)
    worst: Counter[str] = Counter()
    for (design, kind), row in cells.items():
        record = record_of(design)
        seeds = "6, 12" if record.looks == "two" else str(len(record.seeds))
        shown = []
        for cell in row:
            wrong = sum((chunk.result() for chunk in cell), Counter())
            shown.append(_percent(wrong["any"] / families, families))
            worst.update({name: count for name, count in wrong.items() if name != "any"})
        yield f"| {design.study} | {len(record.family)} | {kind} | {seeds} | {' | '.join(shown)} |"
    yield ""
    total = sum(worst.values())
    often = ", ".join(f"{name} {100 * count / total:.0f} %" for name, count in worst.most_common(5))
    yield f"Of all wrong verdicts: {often}." if total else "No verdict was wrong."
    yield ""
    yield from _power(planted_cells, planted, level)


def _chunks(
    pool: ProcessPoolExecutor, design: Design, kind: Kind, shape: str, families: int
) -> list[Future[Counter[str]]]:
    sizes = [CHUNK] * (families // CHUNK) + ([families % CHUNK] if families % CHUNK else [])
    return [pool.submit(wrong_families, design, kind, shape, size, chunk) for chunk, size in enumerate(sizes)]


def _percent(share: float, families: int) -> str:
    beyond = share > PROMISE + 2 * math.sqrt(PROMISE * (1 - PROMISE) / families)
    return f"{100 * share:.1f}" + ("*" if beyond else "")


def _planted(pool: ProcessPoolExecutor, families: int, level: float) -> list[PlantedCell]:
    cells = []
    for sd in RUN_SDS:
        for seeds in (n for n, looks in DESIGNS if looks == "fixed"):
            design, detectable = (
                Design(EVERYTHING, seeds, "fixed"),
                minimum_detectable_effect(sd, seeds, level / T_CAUTION),
            )
            at_detectable = pool.submit(shares_supported, design, sd, families, {AT_DETECTABLE: detectable}, 1)
            at_the_papers = pool.submit(shares_supported, design, sd, families, EFFECTS)
            cells.append(PlantedCell(sd, seeds, detectable, at_detectable, at_the_papers))
    return cells


def _power(cells: Sequence[PlantedCell], families: int, level: float) -> Iterable[str]:
    """Share of the paper's effects found, beside what the verdicts state, in families that are null otherwise."""
    yield f"Planted effects found, in percent of {families} families with normal noise; in brackets as verdicts state."
    yield ""
    effects = " | ".join(f"{effect} ({name})" for name, effect in EFFECTS.items())
    yield f"| run sd | seeds | stated as detectable | found at it (80) | {effects} |"
    yield "|---|---|---|---|" + "---|" * len(EFFECTS)
    for cell in cells:
        shares = cell.at_the_papers.result()
        at_it = cell.at_detectable.result()[AT_DETECTABLE]
        shown = [
            f"{100 * shares[name]:.0f} ({100 * stated_power(effect, cell.sd, cell.seeds, level):.0f})"
            for name, effect in EFFECTS.items()
        ]
        yield f"| {cell.sd} | {cell.seeds} | {cell.detectable:.2f} | {100 * at_it:.0f} | {' | '.join(shown)} |"


if __name__ == "__main__":
    main()

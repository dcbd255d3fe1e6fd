"""How often is a verdict wrong where the statements lie on the edge of being true? (minutes, by hand)

    python -m benchmarks.verdict_honesty                     # prints the figures of docs/verdicts.md
    python -m benchmarks.verdict_honesty --write             # and puts them there

Draws the evidence of whole studies (`benchmarks/null_evidence.py`) from worlds in which the registry's statements
lie exactly on the edge of what they claim (`benchmarks/null_world.py`), judges it with the project's own registry,
claims and decision code, and shows the share of families with any wrong supported or contradicted. Then it plants
effects as large as the paper's and shows how many are found, beside the power that the verdicts state.
"""

from __future__ import annotations

import argparse
import math
import os
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass

from benchmarks.null_evidence import SHAPES
from benchmarks.null_family import EVERYTHING, FULL_SCALE, ROOT, Design, found, record_of, stated_power, wrong_families
from benchmarks.null_world import Kind
from repro.files import write_text
from repro.verdicts.decision import Looks
from repro.verdicts.power import mde

PAGE = ROOT / "docs" / "verdicts.md"
BEGIN, END = "<!-- figures: python -m benchmarks.verdict_honesty --write -->", "<!-- end of figures -->"
DESIGNS: tuple[tuple[int, Looks], ...] = ((3, "fixed"), (6, "fixed"), (10, "fixed"), (20, "fixed"), (12, "two"))
KINDS: tuple[Kind, ...] = ("nothing", "one")
OWN = ("smoke", "mini", "procedural")
"""Studies that are also judged as they stand: their own variants, seeds, looks and family."""
PROMISE = 0.05
EFFECTS = {"S30": 1.7, "S38": 1.4, "S55c": 1.0, "S41": 0.4}
"""Statements on two variants, and the points of top-1 error that the paper gives for each."""
AT_DETECTABLE = "S38"
RUN_SDS = (0.2, 0.5, 1.0)
CHUNK = 250


@dataclass(frozen=True)
class NullCell:
    """Families drawn in one world, of one design and shape."""

    chunks: Sequence[Future[Counter[str]]]

    def wrong(self) -> Counter[str]:
        return sum((chunk.result() for chunk in self.chunks), Counter())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--families", type=int, default=2000, help="drawn a cell (default 2000)")
    parser.add_argument("--planted", type=int, default=400, help="families with planted effects a cell (default 400)")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="processes (default: all cores)")
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
    designs = [Design(study, n, looks) for study in (EVERYTHING, FULL_SCALE) for n, looks in DESIGNS]
    designs += [Design(study) for study in OWN]
    cells = {
        (design, kind): [NullCell(_chunks(pool, design, kind, shape, families)) for shape in SHAPES]
        for design in designs
        for kind in KINDS
    }
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
            wrong = cell.wrong()
            share = wrong.pop("any") / families
            shown.append(_percent(share, families))
            worst.update(wrong)
        yield f"| {design.study} | {len(record.family)} | {kind} | {seeds} | {' | '.join(shown)} |"
    yield ""
    total = sum(worst.values())
    often = ", ".join(f"{name} {100 * count / total:.0f} %" for name, count in worst.most_common(5))
    yield f"Of all wrong verdicts: {often}." if total else "No verdict was wrong."
    yield ""
    yield from _power(pool, planted)


def _chunks(
    pool: ProcessPoolExecutor, design: Design, kind: Kind, shape: str, families: int
) -> list[Future[Counter[str]]]:
    sizes = [CHUNK] * (families // CHUNK) + ([families % CHUNK] if families % CHUNK else [])
    return [pool.submit(wrong_families, design, kind, shape, size, place) for place, size in enumerate(sizes)]


def _percent(share: float, families: int) -> str:
    beyond = share > PROMISE + 2 * math.sqrt(PROMISE * (1 - PROMISE) / families)
    return f"{100 * share:.1f}" + ("*" if beyond else "")


def _power(pool: ProcessPoolExecutor, planted: int) -> Iterable[str]:
    """Share of the paper's effects found, beside what the verdicts state, in families that are null otherwise."""
    designs = [Design(EVERYTHING, n, "fixed") for n, looks in DESIGNS if looks == "fixed"]
    level = 0.05 / len(record_of(designs[0]).family)
    cells = []
    for sd in RUN_SDS:
        for design in designs:
            assert design.seeds is not None
            detectable = mde(sd, design.seeds, level)
            at_it = pool.submit(found, design, sd, planted, {AT_DETECTABLE: detectable}, 1)
            cells.append((sd, design.seeds, detectable, at_it, pool.submit(found, design, sd, planted, EFFECTS)))
    yield f"Percent of planted effects found in {planted} families, normal noise, in brackets what verdicts state."
    yield ""
    effects = " | ".join(f"{effect} ({name})" for name, effect in EFFECTS.items())
    yield f"| run sd | seeds | stated as detectable | found at it (80) | {effects} |"
    yield "|---|---|---|---|" + "---|" * len(EFFECTS)
    for sd, n, detectable, at_it, future in cells:
        shares = future.result()
        shown = [
            f"{100 * shares[name]:.0f} ({100 * stated_power(effect, sd, n, level):.0f})"
            for name, effect in EFFECTS.items()
        ]
        yield f"| {sd} | {n} | {detectable:.2f} | {100 * at_it.result()[AT_DETECTABLE]:.0f} | {' | '.join(shown)} |"


if __name__ == "__main__":
    main()

"""`python -m benchmarks` lists the benchmarks, `python -m benchmarks NAME ...` runs some, `--all` runs most.

Results go into benchmarks/results.json, in place of what the same benchmarks left before, and benchmarks/RESULTS.md is
made from it. A benchmark that breaks is reported there, and the others go on; then the exit code is 1.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from benchmarks.catalogue import BENCHMARKS, NAMES
from benchmarks.results import FOLDER, PAGE, RESULTS, Record, merged, number, read_records, write_results
from repro.errors import UserError


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="which; without any they are listed")
    parser.add_argument("--all", action="store_true", help="all that `make bench` runs")
    parser.add_argument("--growth", action="store_true", help="how cost grows: what `make bench-growth` runs")
    parser.add_argument("--tiny", action="store_true", help="as small as can be, to see that they work; writes no file")
    parser.add_argument("--into", type=Path, default=FOLDER, help="folder of results.json and RESULTS.md")
    options = parser.parse_args(arguments)
    try:
        if options.growth:
            from benchmarks.growth.measuring import measure_growth

            return measure_growth(options.tiny)
        if not options.names and not options.all:
            print("\n".join(listed()))
            return 0
        return run(options.names, options.all, options.tiny, options.into)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def listed() -> list[str]:
    """A line a benchmark."""
    lines = [f"{'NAME':<10} {'about':>6}  what is measured"]
    for benchmark in BENCHMARKS:
        aside = "" if benchmark.by_default else " (not by make bench)"
        lines.append(f"{benchmark.name:<10} {benchmark.seconds:>4} s  {benchmark.about}{aside}")
    return lines


def run(names: list[str], everything: bool, tiny: bool, into: Path) -> int:
    """Run them one after another; what is found is written after each."""
    if unknown := [name for name in names if name not in NAMES]:
        raise UserError(f"there is no benchmark {unknown[0]!r}; there are {', '.join(NAMES)}")
    chosen = [item for item in BENCHMARKS if item.name in names or (everything and item.by_default)]
    results, page = into / RESULTS.name, into / PAGE.name
    read_records(results)  # what is wrong with it is reported before anything is measured
    broken = False
    for benchmark in chosen:
        start = time.monotonic()
        records = benchmark.records(tiny)
        broken |= any(record.error for record in records)
        print(f"{benchmark.name}: {time.monotonic() - start:.0f} s")
        for record in records:
            print(f"  {line_of(record)}", flush=True)
        if not tiny:
            write_results(merged(read_records(results), records, NAMES), results, page)
    return 1 if broken else 0


def line_of(record: Record) -> str:
    """A record in a line."""
    if record.error is not None:
        return f"{record.name}: FAILED: {record.error}"
    line = f"{number(record.ours)} {record.unit}"
    if record.ratio is not None:
        line += f", peer {number(record.peer)}, ratio {number(record.ratio)}"
    if record.target is None:
        return f"{record.name}: {line}"
    return f"{record.name}: {line} ({record.goal} {number(record.target)}: {'met' if record.met else 'MISSED'})"


if __name__ == "__main__":
    sys.exit(main())

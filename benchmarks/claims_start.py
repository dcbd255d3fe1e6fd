"""How long does `pytest claims/` take on recorded evidence? (a minute, by hand)

    python benchmarks/claims_start.py --variants 30 --seeds 10

Makes up evidence of a study with that many variants and seeds, a third of whose claims are true, and times the
whole command in fresh processes: start, collection, every verdict, summary. Prints seconds of the clock and of
the processor, the best of several, and where the time goes.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from repro.verdicts.registry.registry import load_registry  # noqa: E402
from tests.made_up import LEVELS, MadeUp  # noqa: E402


def made_up_study(variants: int, seeds: int) -> MadeUp:
    """A study of the variants that most claims read; every third of them differs from the base in everything."""
    registry = load_registry(ROOT / "claims" / "statements.yaml")
    tests = [entry.test for entry in registry if entry.scope == "statistical"]
    named = [name for test in tests for name in getattr(test, "variants", ())]
    chosen = sorted(dict.fromkeys(named), key=lambda name: (name != "base", -named.count(name)))[:variants]
    effects = {metric: 8 * 0.004 * factor for metric, (_, factor) in LEVELS.items()}
    family = tuple(entry.id for entry in registry if entry.scope == "statistical")
    return MadeUp(
        seeds=tuple(range(seeds)),
        variants=tuple(chosen),
        family=family,
        registry={name: registry.digest(name) for name in family},
        effects=dict.fromkeys(chosen[1::3], effects),
        arrival={"tanh": 1500.0, "sigmoid": 1500.0},
    )


def timed(evidence: Path, options: list[str]) -> tuple[float, float, str]:
    """Seconds of the clock and of the processor, and the output of one run."""
    command = [sys.executable, "-m", "pytest", "claims/", "--report-only", "-q", "-p", "no:cacheprovider"]
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    run = subprocess.run(
        [*command, "--evidence", str(evidence), *options],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if run.returncode != 0:
        raise SystemExit(run.stdout + run.stderr)
    return time.monotonic() - start, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, run.stdout


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--variants", type=int, default=30)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        evidence = made_up_study(options.variants, options.seeds).write(Path(folder) / "made")
        size = sum(path.stat().st_size for path in evidence.iterdir()) / 1e6
        runs = [timed(evidence, []) for _ in range(options.repeats)]
        only_start = [timed(evidence, ["-k", "S04", "--collect-only"]) for _ in range(options.repeats)]
        clock, processor, output = min(runs)
        print(f"{options.variants} variants x {options.seeds} seeds, {size:.1f} MB of evidence")
        print(f"pytest claims/             {clock:6.1f} s   processor {processor:6.1f} s   best of {options.repeats}")
        clock, processor, _ = min(only_start)
        print(f"  of which collection    {clock:6.1f} s   processor {processor:6.1f} s   (every verdict is made then)")
        print(output[output.index("Verdicts:") :].split("statements:")[0].rsplit("\n", 1)[0])


if __name__ == "__main__":
    main()

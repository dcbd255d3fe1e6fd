"""How often does the decision code give a wrong verdict when nothing is true? (minutes, by hand)

    python benchmarks/verdict_errors.py --replications 2000

Draws metrics of whole families of claims from null hypotheses, judges them with the real forms and the real
`decide`, and prints the share of families with any wrong verdict. Three families:

direction   30 claims "variant is worse than base", no variant differs from the base that all share
quiet base  the same, the base's sd fixed at 0.3 points: the worst case for skewed noise, where nothing in the
            base balances the variants' long tails
mixed       20 such, 3 "any of five" with four huge effects and one null, 3 "about x" exactly on the margin's
            edge, 2 "in every run" with a true recurrence of exactly p0, 2 ratios of exactly 1
Runs' sd is drawn per variant between 0.3 and 1.5 points. Shapes: normal; t3 (heavy tails, three degrees of
freedom); skew (exponential); collapse (normal, 3 % of runs lose another 20 to 50 points).
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import numpy.typing as npt

from repro.verdicts.count_forms import RunState, every_run
from repro.verdicts.decision import FindingFor, Looks, decide
from repro.verdicts.finding import Finding
from repro.verdicts.forms import about, any_of, direction

Floats = npt.NDArray[np.float64]
SHAPES = ("normal", "t3", "skew", "collapse")
POINT = 0.01
KINDS = ("direction", "quiet base", "mixed")
DESIGNS: tuple[tuple[int, Looks], ...] = (
    (3, "fixed"),
    (6, "fixed"),
    (10, "fixed"),
    (20, "fixed"),
    (12, "two"),
)
EFFECTS = (2.0, 1.4, 1.0, 0.4)


def noise(shape: str, size: tuple[int, ...], rng: np.random.Generator) -> Floats:
    """Standardised noise, mean 0 and sd 1; collapses are added by `arm`."""
    if shape == "t3":
        return rng.standard_t(3, size) / np.sqrt(3.0)
    if shape == "skew":
        return rng.exponential(1.0, size) - 1.0
    return rng.standard_normal(size)


def arm(shape: str, n: int, sd: float, mean: float, rng: np.random.Generator) -> Floats:
    """Errors of n runs (fractions); sd and mean in points."""
    errors = mean + sd * noise(shape, (n,), rng)
    if shape == "collapse":
        errors += (rng.random(n) < 0.03) * rng.uniform(20.0, 50.0, n)
    return errors * POINT


def compared(values: Floats, base: Floats) -> FindingFor:
    """The claim that `values` are larger errors than the base's."""
    return lambda seeds: direction(values[list(seeds)], base[list(seeds)], larger="first")


def null_family(kind: str, shape: str, n: int, rng: np.random.Generator) -> dict[str, FindingFor]:
    """One draw of a family of 30 claims, none of which may be decided (see the module for each)."""

    def variant(shift: float = 0.0) -> Floats:
        return arm(shape, n, rng.uniform(0.3, 1.5), 40.0 + shift, rng)

    base = arm(shape, n, 0.3, 40.0, rng) if kind == "quiet base" else variant()
    cases: dict[str, FindingFor] = {}

    def ratio(values: Floats) -> FindingFor:
        return lambda seeds: direction(values[list(seeds)], base[list(seeds)], larger="first", ratio=True)

    def margin(values: Floats) -> FindingFor:
        return lambda seeds: about(
            values[list(seeds)], base[list(seeds)], lo=1 * POINT, hi=3 * POINT, larger="first"
        )

    def layers(parts: list[Floats]) -> FindingFor:
        return lambda seeds: any_of({str(i): compared(part, base)(seeds) for i, part in enumerate(parts)})

    def recurrence(shown: npt.NDArray[np.bool_]) -> FindingFor:
        def finding_for(seeds: Sequence[int]) -> Finding:
            states: list[RunState] = ["yes" if shown[seed] else "unclear" for seed in seeds]
            return every_run(states, p0=0.5, p_yes=[1e-6] * len(seeds), p_no=[1.0] * len(seeds))

        return finding_for

    directions = 20 if kind == "mixed" else 30
    for number in range(directions):
        cases[f"direction{number}"] = compared(variant(), base)
    if kind == "mixed":
        for number in range(3):
            cases[f"any_of{number}"] = layers([variant(30.0 if i else 0.0) for i in range(5)])
            cases[f"about{number}"] = margin(variant(3.0))
        for number in range(2):
            cases[f"every{number}"] = recurrence(rng.random(n) < 0.5)
            cases[f"ratio{number}"] = ratio(variant())
    return cases


def wrong_families(
    kind: str, shape: str, n: int, replications: int, seed: list[int], looks: Looks = "fixed"
) -> float:
    """Share of null families in which any claim is supported or contradicted."""
    rng = np.random.default_rng(seed)
    wrong = 0
    for _ in range(replications):
        cases = null_family(kind, shape, n, rng)
        verdicts = decide(cases, list(cases), list(range(n)), looks=looks)
        wrong += any(verdict.outcome in ("supported", "contradicted") for verdict in verdicts.values())
    return wrong / replications


def found(effect: float, sd: float, n: int, replications: int, seed: list[int]) -> float:
    """Share of true effects found in a family of 30, half of which are true (points, normal noise)."""
    rng = np.random.default_rng(seed)
    hits = 0
    for _ in range(replications):
        base = arm("normal", n, sd, 40.0, rng)
        cases: dict[str, FindingFor] = {}
        for number in range(30):
            values = arm("normal", n, sd, 40.0 + (effect if number < 15 else 0.0), rng)
            cases[str(number)] = compared(values, base)
        verdicts = decide(cases, list(cases), list(range(n)))
        hits += sum(verdicts[str(number)].outcome == "supported" for number in range(15))
    return hits / (15 * replications)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--replications", type=int, default=2000, help="families a cell (default 2000)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="processes (default: all cores)")
    options = parser.parse_args()
    start = time.monotonic()
    n_families, few = options.replications, max(1, options.replications // 20)
    with ProcessPoolExecutor(options.workers) as pool:
        wrong = {
            (kind, design): [
                pool.submit(
                    wrong_families, kind, shape, design[0], n_families, [options.seed, cell], design[1]
                )
                for cell, shape in enumerate(SHAPES)
            ]
            for kind in KINDS
            for design in DESIGNS
        }
        power = {
            (sd, n): [pool.submit(found, effect, sd, n, few, [options.seed, n]) for effect in EFFECTS]
            for sd in (0.2, 0.5, 1.0)
            for n in (3, 6, 10, 20)
        }
        print(f"Share of null families with any wrong verdict ({n_families} families a cell)")
        print(f"{'family':<11} {'seeds':<9}" + "".join(f"{shape:>10}" for shape in SHAPES))
        for (kind, (n, looks)), shares in wrong.items():
            label = str(n) if looks == "fixed" else "6, 12"
            cells = "".join(f"{share.result():>10.3f}" for share in shares)
            print(f"{kind:<11} {label:<9}{cells}", flush=True)
        print(f"\nShare of true effects found, 15 of 30 claims true, normal noise ({few} families a cell)")
        print(f"{'run sd':<11} {'seeds':<9}" + "".join(f"{effect:>8} pt" for effect in EFFECTS))
        for (sd, n), shares in power.items():
            cells = "".join(f"{share.result():>11.2f}" for share in shares)
            print(f"{sd:<11} {n:<9}{cells}", flush=True)
    print(f"\n{time.monotonic() - start:.0f} s")


if __name__ == "__main__":
    main()

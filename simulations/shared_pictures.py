"""How often two methods of equal error on all possible pictures differ "clearly" on the test pictures at hand.

    python -m simulations.shared_pictures

Two methods err equally often on the population of pictures, but each finds other pictures hard: a share of a
picture's difficulty is its own. Both are trained from several seeds and judged on the same test pictures by Welch's t
at 5 %, which knows the luck of seeds and not that of pictures. Shown is how often it calls them different: the size
of the error that a claim about *other* pictures would make (docs/verdicts.md).
"""

from __future__ import annotations

import numpy as np
from scipy import special

from repro.randomness import generator
from repro.verdicts.statistics.estimates import welch

PICTURES, SEEDS, STUDIES = 3_500, 12, 2_000
LEVEL, ERROR = 0.05, 0.4
RUN_SD = 0.009
"""Of a run's error: what ten classes of Tiny-ImageNet show."""
OWN_SHARES = (0.0, 0.1, 0.2, 0.3)
"""Share of the variance of a picture's difficulty that is the method's own."""
DIFFICULTY = 3.0
"""Deviation of the difficulty, in logits."""


def main() -> None:
    print(f"{STUDIES} studies, {SEEDS} seeds, {PICTURES} pictures, run sd {100 * RUN_SD:.1f} points")
    for own in OWN_SHARES:
        print(f"own share of difficulty {own:.0%}: called different in {100 * called_different(own):.1f} % of studies")


def called_different(own: float) -> float:
    """Share of studies in which Welch's t calls the two methods different at 5 %, as verdicts do."""
    rng = generator("shared pictures", str(own))
    wrong = 0
    for _ in range(STUDIES):
        common = rng.standard_normal(PICTURES) * DIFFICULTY * np.sqrt(1 - own)
        arms = []
        for _ in range(2):
            difficulty = common + rng.standard_normal(PICTURES) * DIFFICULTY * np.sqrt(own)
            mean = special.expit(difficulty + _OFFSET).mean()
            arms.append(mean + rng.standard_normal(SEEDS) * RUN_SD)
        wrong += 2 * min(welch(*arms).tails()) <= LEVEL
    return wrong / STUDIES


def _offset() -> float:
    """The logit that gives the population its error, by bisection on a fixed large sample."""
    sample = generator("shared pictures", "population").standard_normal(200_000) * DIFFICULTY
    low, high = -10.0, 10.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if special.expit(sample + middle).mean() < ERROR else (low, middle)
    return low


_OFFSET = _offset()

if __name__ == "__main__":
    main()

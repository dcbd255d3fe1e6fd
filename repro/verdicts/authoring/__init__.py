"""What the author of a claim imports: `from repro.verdicts.authoring import CannotSay, all_of, claim`."""

from repro.verdicts.authoring.claim import CannotSay, claim
from repro.verdicts.authoring.comparison import (
    above,
    all_of,
    at_least,
    at_most,
    below,
    between,
    equal,
    estimate,
    shown,
    true,
)
from repro.verdicts.authoring.definition import SECONDS_PER_DAY
from repro.verdicts.authoring.timing import said

__all__ = [
    "SECONDS_PER_DAY",
    "CannotSay",
    "above",
    "all_of",
    "at_least",
    "at_most",
    "below",
    "between",
    "claim",
    "equal",
    "estimate",
    "said",
    "shown",
    "true",
]

"""How the paper's recipe is scaled down. One place, the same for all variants of a study.

The printed initial deviation of 0.01 is a statement about the full net's fan-in: taken literally in a
net a hundred times smaller it leaves the logits without a signal and the loss at chance. Each rule
below names every departure; `docs/scaling.md` says why. Values are overrides of `RunSettings` fields,
applied after the fidelity and before the study's own.
"""

from __future__ import annotations

from typing import Any

from repro.errors import UserError

SCALING_RULES: dict[str, dict[str, Any]] = {
    # The paper's own values; the only rule for studies at its scale.
    "none": {},
    # Nets of some 10^5 parameters on pictures of 32 to 64 px, a few thousand steps.
    "small": {
        "net": {
            # The same function as 0-255 inputs: normalisation's alpha is multiplied by the square.
            "input_divisor": 64.0,
            # Each layer passes on the variance it gets, so the net leaves chance within a few hundred
            # steps; conv1 starts at a quarter, or its initial noise hides what it learns (section 6.1).
            "initial_values": {"rule": "he", "conv1_gain": 0.25, "last_deviation": 0.01, "he_bias": 0.0},
            # With dropout the first epochs of a short run stay at chance; its claims need long runs.
            "dropout": {"probability": 0.0},
        },
        "training": {
            "batch_size": 32,
            "schedule": {"kind": "steps", "at": [0.8]},
            # A short run's colour noise is a separate question (S55c), as dropout is.
            "augmentation": {"colour_noise": 0.0},
        },
    },
}


def scaling_rule(name: str) -> dict[str, Any]:
    """The overrides of a rule; UserError when there is no such rule."""
    if name not in SCALING_RULES:
        raise UserError(f"scaling: {name!r} is not a rule; allowed: {', '.join(sorted(SCALING_RULES))}")
    return SCALING_RULES[name]

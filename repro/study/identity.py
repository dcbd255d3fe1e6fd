"""The identity of a run: a digest of what decides its numbers, and of nothing else."""

from __future__ import annotations

from repro.files import digest_of
from repro.study.settings import RunSettings

TRAINING_VERSION = 1
"""Goes up when the same settings, seed and pictures would give other numbers; a golden test forces it."""


CURVE_KEYS = ("curve_every", "curve_every_steps", "curve_pictures")
"""Settings of `training` that say how a learning curve is sampled: they change no weight."""


def run_identity(
    settings: RunSettings, seed: int, data_digest: str, parent: str | None = None, *, version: int = TRAINING_VERSION
) -> str:
    """20 hexadecimal digits that name a run.

    Not in it, but recorded with the run: library versions, machine, device, placement, number of
    workers, the study's and the variant's name. `settings.data` enters through the digest of the prepared
    pictures, so two ways of saying the same choice are the same run; how often a learning curve is
    sampled changes no weight and stays out too. Settings at their defaults are left out, so that a new
    switch leaves finished runs finished; a changed default must raise TRAINING_VERSION (a test pins them).
    """
    training = settings.training.model_dump(mode="json", exclude_defaults=True)
    for key in CURVE_KEYS:
        training.pop(key, None)
    return digest_of(
        {
            "net": settings.net.model_dump(mode="json", exclude_defaults=True),
            "training": training,
            "seed": seed,
            "parent": parent,
            "data": data_digest,
            "training_version": version,
        }
    )[:20]

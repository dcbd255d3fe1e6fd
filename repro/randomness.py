"""Random numbers as functions of what they are for, never of a global stream.

Every draw is keyed by words such as (seed, purpose, epoch, sample id). So resuming a run, moving a
tower to another device or changing the number of workers cannot change a number, and there is no
generator state to store. The integer mixing is splitmix64, which no library version can change.
"""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt

UInt64Array = npt.NDArray[np.uint64]
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)


def key(*words: int | str) -> int:
    """A 64-bit key for `words`, for instance key(seed, "crop", epoch)."""
    text = "\x1f".join(f"{type(word).__name__}:{word}" for word in words)
    # A picture's name may be bytes that are no text: those are hashed as they are.
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()[:8], "little")


def mix(values: UInt64Array) -> UInt64Array:
    """One splitmix64 step of each element."""
    with np.errstate(over="ignore"):
        values = values + _GOLDEN
        values = (values ^ (values >> np.uint64(30))) * _MIX_1
        values = (values ^ (values >> np.uint64(27))) * _MIX_2
    return values ^ (values >> np.uint64(31))


def hash64(key: int, *indices: npt.ArrayLike) -> UInt64Array:
    """Hash of (key, index, index, ...) for each element; the indices broadcast against each other."""
    state = np.asarray(np.uint64(key & 0xFFFFFFFFFFFFFFFF))
    for index in indices:
        state = mix(state ^ mix(np.asarray(index).astype(np.uint64)))
    return state


def uniform(key: int, *indices: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Uniform numbers in [0, 1) for (key, indices), 53 bits each."""
    return (hash64(key, *indices) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def generator(*words: int | str) -> np.random.Generator:
    """A numpy generator whose stream depends on `words` alone."""
    return np.random.Generator(np.random.Philox(key=key(*words)))


def permutation(key: int, n: int) -> npt.NDArray[np.int64]:
    """A permutation of range(n) that depends on `key` alone."""
    return np.argsort(hash64(key, np.arange(n)), kind="stable")

"""A cache of what is read off evidence, kept for as long as the evidence itself."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

from repro.evidence.directory import Evidence

Arguments = ParamSpec("Arguments")
Reading = TypeVar("Reading")


def kept(
    read: Callable[Concatenate[Evidence, Arguments], Reading],
) -> Callable[Concatenate[Evidence, Arguments], Reading]:
    """`read` with a cache: each evidence is read once for the same arguments (hashable ones, and lists of seeds).

    A study's claims ask for the same readings again and again: each claim, and each with one seed left out. What a
    function returned is shared by all who ask, so nobody may change it.
    """
    of_evidence: WeakKeyDictionary[Evidence, dict[Hashable, Reading]] = WeakKeyDictionary()

    @wraps(read)
    def once(evidence: Evidence, /, *args: Arguments.args, **named: Arguments.kwargs) -> Reading:
        readings = of_evidence.setdefault(evidence, {})
        key = (*map(_hashable, args), *sorted(named.items()))
        if key not in readings:
            readings[key] = read(evidence, *args, **named)
        return readings[key]

    return once


def _hashable(value: Any) -> Hashable:
    return tuple(value) if isinstance(value, list | range) else value

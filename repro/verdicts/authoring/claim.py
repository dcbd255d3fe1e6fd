"""Claims: functions in `claims/` that stand for one statement each.

    @claim("S61c")
    def test_weight_decay_lowers_the_training_error(evidence):
        return evidence.samples()

Variants, metric, form, sign, margin and gates stand in the registry; the claim says what cannot be said there,
above all which studies cannot speak about its statement. Its one parameter says what it reads: `evidence` for one
study's evidence, `definition` for the layer table, the facts and the printed numbers. It returns samples
(`repro.verdicts.authoring.samples`) or comparisons (`repro.verdicts.authoring.comparison`), or raises `CannotSay`.
"""

from __future__ import annotations

import importlib.util
import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from repro.errors import UserError
from repro.verdicts.finding import NotEvaluated, WhyNot

Function = TypeVar("Function", bound=Callable[..., Any])
ATTRIBUTE = "__claim__"


class CannotSay(Exception):
    """Raised by a claim when the evidence that it gets cannot speak about the statement."""

    def __init__(self, code: WhyNot, reason: str) -> None:
        super().__init__(reason)
        self.why = NotEvaluated(code, reason)


@dataclass(frozen=True)
class Claim:
    """The executable test of a statement: a function in `claims/`."""

    statement: str
    function: Callable[..., Any]
    path: Path

    @property
    def name(self) -> str:
        """The function's name."""
        return self.function.__name__

    @property
    def reads(self) -> str:
        """What the claim reads, by the name of its parameter: `evidence` or `definition`."""
        return next(iter(inspect.signature(self.function).parameters), "")


def claim(statement: str) -> Callable[[Function], Function]:
    """Mark a function as the claim of a statement. Nothing about the function changes."""

    def marked(function: Function) -> Function:
        setattr(function, ATTRIBUTE, statement)
        return function

    return marked


def load_claims(folder: Path) -> dict[str, Claim]:
    """All claims of `folder`, by statement, whatever of it pytest has been asked to run.

    The files are executed under names of their own, so pytest's import of the same files is another one
    and changes nothing here. Raises UserError when a statement has two claims, or a claim does not take
    exactly one of `evidence` and `definition`.
    """
    claims: dict[str, Claim] = {}
    for path in sorted(folder.glob("test_*.py")):
        for value in vars(_executed(path)).values():
            statement = getattr(value, ATTRIBUTE, None)
            if not isinstance(statement, str) or not inspect.isfunction(value):
                continue
            candidate = Claim(statement, value, path)
            if list(inspect.signature(value).parameters) not in (["evidence"], ["definition"]):
                raise UserError(f"{path}: {candidate.name} must take one parameter, evidence or definition")
            if statement in claims and claims[statement].function is not value:
                raise UserError(
                    f"{path}: {candidate.name} claims {statement}, and so does {claims[statement].name} in "
                    f"{claims[statement].path}; a statement has one claim"
                )
            claims[statement] = candidate
    return claims


def _executed(path: Path) -> Any:
    name = f"_repro_claims.{path.parent.name}.{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise UserError(f"{path} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pickling look modules up by name
    try:
        spec.loader.exec_module(module)
    finally:
        del sys.modules[name]
    return module

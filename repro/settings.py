"""From what a file says to typed settings, or one sentence on what is wrong with it."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Annotated, Any, ClassVar, TypeVar, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError, model_validator

from repro.errors import UserError

Location = tuple[int | str, ...]


class Settings(BaseModel):
    """Base of all settings: immutable, no unknown keys, no silent conversion of types.

    YAML and JSON know lists alone; what they list is a tuple here.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )

    from_yaml: ClassVar[bool] = True
    """whether people write it, who may need to hear that YAML takes a value without quotes for a number"""

    @model_validator(mode="before")
    @classmethod
    def _lists_as_tuples(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        return {key: tuple(value) if isinstance(value, list) else value for key, value in data.items()}


Model = TypeVar("Model", bound=BaseModel)


def validated(model: type[Model], value: Any, where: str) -> Model:
    """`value` as `model`; UserError that names the file, the key, the value and what is allowed."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise UserError(f"{where}: {_explain(error, model)}") from None


Kind = TypeVar("Kind")


def validated_json(kind: type[Kind], text: str, where: str) -> Kind:
    """What a JSON text says, as a dataclass or settings; UserError as for `validated`."""
    try:
        result: Kind = _adapter(kind).validate_json(text)
    except ValidationError as error:
        raise UserError(f"{where}: {_explain(error, kind)}") from None
    return result


_adapter: Callable[[Any], TypeAdapter[Any]] = lru_cache(TypeAdapter)


def _explain(error: ValidationError, model: type) -> str:
    alternatives: dict[Location, list[tuple[Location, Mapping[str, Any]]]] = {}
    for problem in error.errors():
        key, union = _without_labels(model, problem["loc"])
        alternatives.setdefault(key if union is None else union, []).append((key, problem))
    return "; ".join(line for shared, problems in alternatives.items() for line in _lines(model, shared, problems))


def _lines(model: type, shared: Location, problems: Sequence[tuple[Location, Mapping[str, Any]]]) -> list[str]:
    """What is wrong with one key, of whose alternatives (all, a number, a list of names) none fits the value.

    Where the value has the form of one alternative and something inside it is wrong, only that is reported.
    """
    if inside := [(key, problem) for key, problem in problems if key != shared]:
        return [_line(model, key, problem) for key, problem in inside]
    first = _line(model, shared, problems[0][1])
    more = [_message(problem).removeprefix("Input should be ") for _, problem in problems[1:]]
    return [" or ".join([first, *more])]


def _line(model: type, location: Location, problem: Mapping[str, Any]) -> str:
    key, message = ".".join(map(str, location)).removesuffix(".[key]"), _message(problem)
    if problem["type"] in ("extra_forbidden", "unexpected_keyword_argument"):  # of settings, of a dataclass
        allowed = _fields_at(model, location[:-1])
        return f"unknown key {key}; allowed here: {', '.join(sorted(allowed)) or 'nothing'}"
    if problem["type"] == "missing":
        return f"{key} is missing"
    if not key or (problem["type"] == "value_error" and isinstance(problem["input"], dict)):  # of several keys
        return f"{key}: {message}" if key else message
    value = problem["input"]
    if problem["type"] in ("string_type", "invalid_key"):
        return f"{key}: {not_text(value) if getattr(model, 'from_yaml', False) else _not_allowed(value)}"
    return f"{key}: {value!r} is not allowed; {message}"


def _message(problem: Mapping[str, Any]) -> str:
    """pydantic's sentence; what it calls a tuple or an array is a list in the file."""
    return (
        str(problem["msg"]).removeprefix("Value error, ").replace("valid tuple", "list").replace("valid array", "list")
    )


def not_text(value: object) -> str:
    """Half a sentence on a value of a file that is no text: a class called 2012, data called true."""
    if isinstance(value, list | tuple | dict):
        return _not_allowed(value)
    written = "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    return f'{written} is not allowed; YAML reads it as no text, so if it is meant put it in quotes, as in "{written}"'


def _not_allowed(value: object) -> str:
    return f"{value!r} is not allowed; Input should be text"


def _without_labels(model: type, location: Location) -> tuple[Location, Location | None]:
    """A problem's key without the labels that pydantic gives a union's alternatives; the union's own key."""
    current: Any = model
    parts: list[int | str] = []
    union: Location | None = None
    for part in location:
        if union is None and _is_union(current := _without_none(current)):
            union, current = tuple(parts), None
            continue
        current = _annotations(current).get(part)
        parts.append(part)
    return tuple(parts), union


def _without_none(annotation: Any) -> Any:
    """The type without None: where one alternative is left, pydantic gives it no label."""
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if _is_union(annotation):
        others = [kind for kind in get_args(annotation) if kind is not type(None)]
        return others[0] if len(others) == 1 else annotation
    return annotation


def _is_union(annotation: Any) -> bool:
    return get_origin(annotation) in (Union, types.UnionType)


def _fields_at(model: type, path: Location) -> set[str]:
    current: Any = model
    for part in path:
        current = _without_none(_annotations(current).get(part))
    return set(_annotations(current))


def _annotations(kind: Any) -> dict[Any, Any]:
    """The annotation of each field of settings or of a dataclass; empty for all else."""
    if dataclasses.is_dataclass(kind):
        annotations = get_type_hints(kind)
        return {field.name: annotations[field.name] for field in dataclasses.fields(kind)}
    return {name: field.annotation for name, field in getattr(kind, "model_fields", {}).items()}

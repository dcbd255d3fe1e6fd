"""From what a file says to typed settings, or one sentence on what is wrong with it."""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

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


def _explain(error: ValidationError, model: type[BaseModel]) -> str:
    alternatives: dict[Location, list[tuple[Location, Mapping[str, Any]]]] = {}
    for problem in error.errors():
        key, union = _without_labels(model, problem["loc"])
        alternatives.setdefault(key if union is None else union, []).append((key, problem))
    return "; ".join(line for shared, problems in alternatives.items() for line in _lines(model, shared, problems))


def _lines(
    model: type[BaseModel], shared: Location, problems: Sequence[tuple[Location, Mapping[str, Any]]]
) -> list[str]:
    """What is wrong with one key, of whose alternatives (all, a number, a list of names) none fits the value.

    Where the value has the form of one alternative and something inside it is wrong, only that is told.
    """
    if inside := [(key, problem) for key, problem in problems if key != shared]:
        return [_line(model, key, problem) for key, problem in inside]
    first = _line(model, shared, problems[0][1])
    more = [_message(problem).removeprefix("Input should be ") for _, problem in problems[1:]]
    return [" or ".join([first, *more])]


def _line(model: type[BaseModel], location: Location, problem: Mapping[str, Any]) -> str:
    key, message = ".".join(map(str, location)).removesuffix(".[key]"), _message(problem)
    if problem["type"] == "extra_forbidden":
        allowed = _fields_at(model, location[:-1])
        return f"unknown key {key}; allowed here: {', '.join(sorted(allowed)) or 'nothing'}"
    if problem["type"] == "missing":
        return f"{key} is missing"
    if not key or (problem["type"] == "value_error" and isinstance(problem["input"], dict)):  # of several keys
        return f"{key}: {message}" if key else message
    value = problem["input"]
    if problem["type"] in ("string_type", "invalid_key"):
        return f"{key}: {not_text(value) if getattr(model, 'from_yaml', True) else _not_allowed(value)}"
    return f"{key}: {value!r} is not allowed; {message}"


def _message(problem: Mapping[str, Any]) -> str:
    """pydantic's sentence; what it calls a tuple is a list in the file."""
    return str(problem["msg"]).removeprefix("Value error, ").replace("a valid tuple", "a list")


def not_text(value: object) -> str:
    """Half a sentence on a value of a file that is no text: a class called 2012, data called true."""
    if isinstance(value, list | tuple | dict):
        return _not_allowed(value)
    written = "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    return f'{written} is not allowed; YAML reads it as no text, so if it is meant put it in quotes, as in "{written}"'


def _not_allowed(value: object) -> str:
    return f"{value!r} is not allowed; Input should be text"


def _without_labels(model: type[BaseModel], location: Location) -> tuple[Location, Location | None]:
    """A problem's key without the labels that pydantic gives a union's alternatives; the union's own key."""
    current: Any = model
    parts: list[int | str] = []
    union: Location | None = None
    for part in location:
        if union is None and _is_union(current := _without_none(current)):
            union, current = tuple(parts), None
            continue
        fields = getattr(current, "model_fields", {})
        current = fields[part].annotation if part in fields else None
        parts.append(part)
    return tuple(parts), union


def _without_none(annotation: Any) -> Any:
    """What may stand there apart from nothing: pydantic gives these no labels."""
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if _is_union(annotation):
        others = [kind for kind in get_args(annotation) if kind is not type(None)]
        return others[0] if len(others) == 1 else annotation
    return annotation


def _is_union(annotation: Any) -> bool:
    return get_origin(annotation) in (Union, types.UnionType)


def _fields_at(model: type[BaseModel], path: Location) -> set[str]:
    current: Any = model
    for part in path:
        field = getattr(current, "model_fields", {}).get(part)
        if field is None:
            return set()
        current = _without_none(field.annotation)
    return set(getattr(current, "model_fields", ()))

"""From what a file says to typed settings, or one sentence on what is wrong with it."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from repro.errors import UserError


class Settings(BaseModel):
    """Base of all settings: immutable, no unknown keys, no silent conversion of types."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


Model = TypeVar("Model", bound=BaseModel)


def validated(model: type[Model], value: Any, where: str) -> Model:
    """`value` as `model`; UserError that names the file, the key, the value and what is allowed."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise UserError(f"{where}: {_explain(error, model)}") from None


def _explain(error: ValidationError, model: type[BaseModel]) -> str:
    lines = []
    for problem in error.errors():
        key = ".".join(str(part) for part in problem["loc"])
        if problem["type"] == "extra_forbidden":
            allowed = _fields_at(model, problem["loc"][:-1])
            lines.append(f"unknown key {key}; allowed here: {', '.join(sorted(allowed)) or 'nothing'}")
        elif problem["type"] == "missing":
            lines.append(f"{key} is missing")
        elif not key or (problem["type"] == "value_error" and isinstance(problem["input"], dict)):  # of several keys
            message = problem["msg"].removeprefix("Value error, ")
            lines.append(f"{key}: {message}" if key else message)
        else:
            lines.append(f"{key}: {problem['input']!r} is not allowed; {problem['msg'].removeprefix('Value error, ')}")
    return "; ".join(lines)


def _fields_at(model: type[BaseModel], path: tuple[int | str, ...]) -> set[str]:
    current: Any = model
    for part in path:
        field = current.model_fields.get(part) if hasattr(current, "model_fields") else None
        if field is None:
            return set()
        current = field.annotation
    return set(current.model_fields) if hasattr(current, "model_fields") else set()

"""YAML files as DVC reads them: YAML 1.2, repeated keys refused.

DVC reads `params.yaml`, the studies and the variants by ruamel.yaml to see what has changed. PyYAML alone reads
another language, YAML 1.1: `no` is a truth value, `1e-2` a text, `017` fifteen, and of two equal keys the last one
counts. Here libyaml parses through PyYAML, which is ten times as fast, and ruamel.yaml's rules say what a scalar
is. A test holds the two against each other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any

import yaml

from repro.errors import UserError

_TAG = "tag:yaml.org,2002:"
_PLAIN_SCALARS = (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    (
        "float",
        r"[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?"
        r"|[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+"
        r"|[-+]?\.[0-9_]+(?:[eE][-+][0-9]+)?"
        r"|[-+]?\.(?:inf|Inf|INF)"
        r"|\.(?:nan|NaN|NAN)",
        "-+0123456789.",
    ),
    ("int", r"[-+]?0b[01_]+|[-+]?0o?[0-7_]+|[-+]?[0-9_]+|[-+]?0x[0-9a-fA-F_]+", "-+0123456789"),
    ("merge", r"<<", "<"),
    ("null", r"~|null|Null|NULL|", ("~", "n", "N", "")),
    (
        "timestamp",
        r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
        r"|[0-9]{4}-[0-9][0-9]?-[0-9][0-9]?(?:[Tt]|[ \t]+)[0-9][0-9]?:[0-9]{2}:[0-9]{2}(?:\.[0-9]*)?"
        r"(?:[ \t]*(?:Z|[-+][0-9][0-9]?(?::[0-9]{2})?))?",
        "0123456789",
    ),
    ("value", r"=", "="),
)
"""What ruamel.yaml takes a scalar without quotes for under YAML 1.2, in its order; anything else is text."""


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """libyaml's parser (PyYAML's own where it was built without), YAML 1.2's scalars, no key twice."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012  none of YAML 1.1's

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self._checked: set[int] = set()

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Called for every mapping before anything is merged into it: the moment to look at its own keys."""
        if id(node) not in self._checked:
            self._checked.add(id(node))
            keys = set()
            for key_node, _ in node.value:
                merged = key_node.tag == f"{_TAG}merge"
                key = "<<" if merged else self.construct_object(key_node, deep=True)
                if not isinstance(key, Hashable):
                    continue  # PyYAML says so itself
                if (merged, key) in keys:
                    problem = f"the key {key!r} stands twice in one mapping"
                    raise yaml.constructor.ConstructorError(None, None, problem, key_node.start_mark)
                keys.add((merged, key))
        super().flatten_mapping(node)

    def construct_integer(self, node: yaml.ScalarNode) -> int:
        """A leading zero alone does not make a number octal, as in YAML 1.1: that takes 0o."""
        text = self.construct_scalar(node).replace("_", "").lower()
        bases = {"0b": 2, "0o": 8, "0x": 16}
        return int(text, bases.get(text.lstrip("+-")[:2], 10))


def _refusing(construct: Callable[[Any, yaml.ScalarNode], Any]) -> Callable[[Any, yaml.ScalarNode], Any]:
    """A scalar that looks like a number or a date and is none, such as 0x_ or 2012-13-01, is an error of the file."""

    def constructed(loader: _Loader, node: yaml.ScalarNode) -> Any:
        try:
            return construct(loader, node)
        except ValueError as error:
            raise yaml.constructor.ConstructorError(None, None, str(error), node.start_mark) from None

    return constructed


for _kind, _pattern, _first in _PLAIN_SCALARS:
    _Loader.add_implicit_resolver(_TAG + _kind, re.compile(f"(?:{_pattern})$"), list(_first))
for _kind, _construct in (
    ("int", _Loader.construct_integer),
    ("float", _Loader.construct_yaml_float),
    ("timestamp", _Loader.construct_yaml_timestamp),
):
    _Loader.add_constructor(_TAG + _kind, _refusing(_construct))


def parse_yaml(text: str) -> Any:
    """The value of a YAML text; ValueError, in one sentence with the line, when it is none."""
    try:
        return yaml.load(text, Loader=_Loader)  # a subclass of PyYAML's safe loader
    except yaml.MarkedYAMLError as error:
        where = "" if error.problem_mark is None else f"line {error.problem_mark.line + 1}: "
        raise ValueError(f"{where}{' '.join(str(error.problem or error.context).split())}") from None
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from None
    except RecursionError:
        raise ValueError("nested too deeply") from None


def read_yaml(path: Path) -> dict[str, Any]:
    """A YAML mapping; UserError when the file is missing, not YAML, or not a mapping."""
    try:
        value = parse_yaml(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path} does not exist; run this from the project's folder") from None
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from error
    except ValueError as error:
        raise UserError(f"{path} is not valid YAML: {error}") from None
    if not isinstance(value, dict):
        raise UserError(f"{path} must hold a mapping of keys to values")
    return value


def as_scalar(text: str) -> str:
    """`text` as a YAML value that is read as this text: in quotes where it would be something else."""
    try:
        plain = parse_yaml(text) == text
    except ValueError:
        plain = False
    return text if plain else yaml.safe_dump(text, default_style='"').strip()


def read_versioned_yaml(path: Path, schema: int) -> dict[str, Any]:
    """What `read_yaml` gives without its key `schema`; UserError when that is not the one that this version reads."""
    raw = read_yaml(path)
    if raw.pop("schema", None) != schema:
        raise UserError(f"{path}: schema: this version reads schema {schema}")
    return raw

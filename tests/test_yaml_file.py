"""Our YAML files are read as DVC reads them: by ruamel.yaml's rules for YAML 1.2."""

from __future__ import annotations

import math
import warnings
from pathlib import Path
from typing import Any

import pytest
import ruamel.yaml
from hypothesis import example, given
from hypothesis import strategies as st

from repro.errors import UserError
from repro.yaml_file import as_scalar, parse_yaml, read_yaml
from tests.project_copy import ROOT

FILES = sorted(
    path
    for pattern in ("*.yaml", "data.dvc", "studies/*.yaml", "claims/*.yaml", ".github/workflows/*.yml", "*.cff")
    for path in ROOT.glob(pattern)
)


def as_dvc_reads(text: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ruamel.yaml.YAML(typ="safe").load(text)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_all_files_of_the_project_read_as_dvc_reads_them(path: Path) -> None:
    ours = read_yaml(path)
    assert ours == as_dvc_reads(path.read_text(encoding="utf-8"))
    assert _kinds(ours) == _kinds(as_dvc_reads(path.read_text(encoding="utf-8")))


def _kinds(value: Any) -> Any:
    """1, 1.0 and True are equal; their types are not."""
    if isinstance(value, dict):
        return {key: (type(key), _kinds(item)) for key, item in value.items()}
    return [_kinds(item) for item in value] if isinstance(value, list) else type(value)


def scalars() -> st.SearchStrategy[str]:
    """Texts that look like numbers, dates, truth values or nothing, and many that just miss it."""
    words = st.sampled_from(
        [
            *("y", "n", "yes", "no", "on", "off", "Yes", "NO", "true", "True", "TRUE", "tRUE", "false", "null", "Null"),
            *("~", "NULL", ".inf", "-.INF", "+.Inf", ".nan", ".NaN", "-.nan", "inf", "nan", "=", "<<", "<"),
            *("2012-12-03", "2012-2-3", "2012-13-01", "2012-12-03 10:00:00", "2012-12-03T10:00:00Z", "2012-12"),
            *("12:30:45", "1:30", "190:20:30.15", "0o17", "017", "0x_", "0b_", "08", "1_000", "_1", "+_", "1e400"),
        ]
    )
    made_up = st.text("0123456789+-._eExXoObBaAfF:", min_size=1, max_size=9)
    dates = st.dates().map(str) | st.datetimes().map(lambda time: time.isoformat(" ", "seconds"))
    return words | made_up | st.integers().map(str) | st.floats().map(repr) | dates


@given(scalars())
@example("1e-2")
@example("1E5")
@example("-.5")
@example("9" * 5000)
def test_every_scalar_is_what_dvc_takes_it_for(text: str) -> None:
    document = f"key: {text}\n"
    try:
        wanted = as_dvc_reads(document)
    except (ruamel.yaml.YAMLError, ValueError, OverflowError):
        with pytest.raises(ValueError, match=r"."):
            parse_yaml(document)
        return
    found = parse_yaml(document)
    assert _kinds(found) == _kinds(wanted)
    if isinstance(wanted, dict) and isinstance(wanted.get("key"), float) and math.isnan(wanted["key"]):
        assert math.isnan(found["key"])
    else:
        assert found == wanted


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("training: {}\nseeds: [1]\ntraining: {}\n", "line 3: the key 'training' stands twice"),
        ("training:\n  epochs: 1\n  epochs: 1\n", "line 3: the key 'epochs' stands twice"),
        ("{1: a, 0x1: b}", "the key 1 stands twice"),
        ("a: &a {x: 1}\nb: {<<: *a, <<: *a}", "line 2: the key '<<' stands twice"),
        ("a: 0x_", "line 1: invalid literal"),
        ("a: 2012-13-01", "line 1: month must be in 1..12"),
        ("a: [1\nb: 2", "line 2: "),
        ("a: !!python/object/apply:os.getcwd []", "line 1: could not determine a constructor"),
        ("[" * 5000, "."),
    ],
)
def test_what_is_no_yaml_or_says_a_thing_twice_is_told_with_its_line(tmp_path: Path, text: str, line: str) -> None:
    (tmp_path / "study.yaml").write_text(text)
    with pytest.raises(UserError) as told:
        read_yaml(tmp_path / "study.yaml")
    assert str(told.value).startswith(f"{tmp_path / 'study.yaml'} is not valid YAML: ")
    assert line in str(told.value)
    assert "\n" not in str(told.value)


def test_a_mapping_that_is_merged_may_say_things_otherwise() -> None:
    text = "base: &base {x: 1, y: 1}\nmiddle: &middle {<<: *base, x: 2}\nlast: {deep: {<<: *middle, y: 3}, <<: *base}\n"
    assert parse_yaml(text) == as_dvc_reads(text)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_the_encoding_of_the_shell_does_not_matter(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "file.yaml").write_text("summary: größer\n", encoding=encoding)
    assert read_yaml(tmp_path / "file.yaml") == {"summary": "größer"}


@given(scalars() | st.text("ab-9e", min_size=1))
def test_a_name_as_a_scalar_is_read_as_that_name(name: str) -> None:
    assert as_dvc_reads(f"data: {as_scalar(name)}") == {"data": name}


def test_plain_names_need_no_quotes() -> None:
    assert [as_scalar(name) for name in ("tiny-imagenet", "no", "2012", "1e3")] == [
        "tiny-imagenet",
        "no",
        '"2012"',
        '"1e3"',
    ]


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_what_dvc_cannot_decode_is_refused(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "file.yaml").write_text("summary: größer\n", encoding=encoding)
    with pytest.raises(UserError, match=r"file.yaml is not valid YAML: 'utf-8' codec can't decode"):
        read_yaml(tmp_path / "file.yaml")

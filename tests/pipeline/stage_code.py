"""Which files of the program each stage of dvc.yaml runs, read off the imports.

A file is a stage's when the stage's command imports it, directly or through other files, at the top of a module or
inside a function; when a process is started by its module's name; or when a module names a data file beside itself.
`python -m tests.pipeline.stage_code` (`make deps`) writes what it finds into dvc.yaml.
"""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import yaml
from pathspec import GitIgnoreSpec

from tests.project_copy import ROOT

COMMANDS = "repro.cli"
ENTRY = ("bin/repro", "repro/__main__.py")
"""What a stage's command starts: the program, which calls the command's function and none of the others."""
NOT_BY_DVC = {
    "_measured_facts": "evaluate by hand; in the pipeline the facts are a stage of their own",
    "_train_in_ranks": "train under torchrun",
    "_report_on_all": "report without a study",
}
"""Functions of the command line that a stage's command calls only where DVC did not start it, and when it does."""
CLAIMS = {"verdicts": "*.py", "report": "test_*.py"}
"""Stages that read the folder of claims, whose files nobody imports by name; and which of those they execute."""
BY_DECLARATION = {"repro.measurement.measure": ("repro.measurement", "metrics/*.yaml")}
"""Modules that import others by the names of data files: the package in which these others lie, in its folders too, and
the data files."""
COMMENT = "# The code that this stage runs, by its imports (make deps):"
_WIDTH = 120


def stages() -> list[str]:
    return list(yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"])


@cache
def code_of(stage: str) -> frozenset[str]:
    """The files of one stage, relative to the project."""
    found: set[str] = set(ENTRY)
    seen: set[str] = set()
    to_read = _started_by(stage)
    if stage in CLAIMS:
        for path in (ROOT / "claims").glob(CLAIMS[stage]):
            to_read |= _used(ast.parse(path.read_text()))
        found |= {_relative(path) for path in _files_under(ROOT / "claims")}
    while to_read:
        name = to_read.pop()
        if name in seen:
            continue
        seen.add(name)
        found.add(_relative(_modules()[name]))
        found |= {_relative(path) for path in _data_beside(name)}
        to_read |= _used_by(name) | ({name.rpartition(".")[0]} - {""})
    return frozenset(found)


def deps_of(stage: str) -> list[str]:
    """The same as dvc.yaml lists it: a folder stands for its files where the stage runs all of them."""
    return sorted(_folded(ROOT / "repro", code := code_of(stage)) | _folded(ROOT / "claims", code) | {ENTRY[0]})


def expanded(deps: Iterable[str]) -> set[str]:
    """The files of entries that are files or folders."""
    return {_relative(path) for entry in deps for path in _files_under(ROOT / entry)}


def written_into(text: str) -> str:
    """dvc.yaml with what stands below each stage's COMMENT replaced by what is found; all else stays as it is."""
    lines: list[str] = []
    stage, replacing = "", False
    for line in text.splitlines():
        if match := re.fullmatch(r"  (\w+):", line):
            stage = match[1]
        if replacing and line.strip() == "]":
            replacing = False
        if not replacing:
            lines.append(line)
        if line.strip() == COMMENT:
            replacing, indent = True, line[: line.index("#")]
            listed = ", ".join(deps_of(stage)) + ","
            lines += textwrap.wrap(
                listed, _WIDTH, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
            )
    return "\n".join(lines) + "\n"


# ---- what the imports say ----------------------------------------------------------------------------


@cache
def _modules() -> dict[str, Path]:
    """Every module of the package, by name; packages by theirs."""
    names = {}
    for path in _files_under(ROOT / "repro"):
        if path.suffix == ".py":
            names[".".join(Path(_relative(path)).with_suffix("").parts).removesuffix(".__init__")] = path
    return names


@cache
def _tree(name: str) -> ast.Module:
    return ast.parse(_modules()[name].read_text())


def _started_by(stage: str) -> set[str]:
    """What the command line imports for one command, and the command line itself."""
    rooms = [name for name in _modules() if _is_command_line(name)]
    functions = {node.name: node for name in rooms for node in _tree(name).body if isinstance(node, ast.FunctionDef)}
    assert set(NOT_BY_DVC) <= set(functions)
    found, to_read = {COMMANDS}, ["main", stage]
    read: set[str] = set()
    while to_read:
        name = to_read.pop()
        if name not in read and name in functions and name not in NOT_BY_DVC:
            read.add(name)
            found |= _used(functions[name])
            to_read += [node.id for node in ast.walk(functions[name]) if isinstance(node, ast.Name)]
    return found


@cache
def _used_by(name: str) -> set[str]:
    """The modules that a module uses. Of the package itself, and of the command line, only what their tops import."""
    tree = _tree(name)
    if name == "repro" or _is_command_line(name):
        tree = ast.Module([node for node in tree.body if not isinstance(node, ast.FunctionDef)], [])
    return _used(tree) | _declared(name)


def _declared(name: str) -> set[str]:
    if name not in BY_DECLARATION:
        return set()
    package, files = BY_DECLARATION[name]
    declared = {path.stem for path in _modules()[package].parent.glob(files)}
    return {name for name in _modules() if name.startswith(f"{package}.") and name.rpartition(".")[2] in declared}


def _used(tree: ast.AST) -> set[str]:
    """The modules that code imports, or names in a text: a process is started by its module's name."""
    found: set[str] = set()
    for node in _run(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {str(node.module)}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.add(node.value)
    return found & set(_modules())


def _is_command_line(name: str) -> bool:
    return name == COMMANDS or name.startswith(f"{COMMANDS}.")


@cache
def _data_beside(name: str) -> set[Path]:
    """Data files and folders of data that a module names, where they lie in its own folder."""
    folder = _modules()[name].parent
    texts = {node.value for node in _run(_tree(name)) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    named = {folder / text for text in texts if text and "\n" not in text and "/" not in text and text.strip(".")}
    found = {path for path in named if path.exists() and path.suffix != ".py" and not (path / "__init__.py").exists()}
    return {file for path in found for file in _files_under(path)}


def _run(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node but those that only a type checker reads."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            yield from (found for part in node.orelse for found in (part, *_run(part)))
        else:
            yield node
            yield from _run(node)


# ---- files -------------------------------------------------------------------------------------------


def _folded(folder: Path, code: frozenset[str]) -> set[str]:
    files = {_relative(path) for path in _files_under(folder)}
    if files <= code:
        return {_relative(folder)} if files else set()
    below = (_folded(path, code) for path in folder.iterdir() if path.is_dir())
    return ({_relative(path) for path in folder.iterdir()} & code).union(*below)


def _files_under(path: Path) -> list[Path]:
    """A file itself, or what DVC sees in a folder (.dvcignore)."""
    found = [path] if path.is_file() else path.rglob("*")
    return [file for file in found if file.is_file() and not _ignored().match_file(_relative(file))]


@cache
def _ignored() -> GitIgnoreSpec:
    return GitIgnoreSpec.from_lines((ROOT / ".dvcignore").read_text().splitlines())


def _relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


if __name__ == "__main__":
    file = ROOT / "dvc.yaml"
    file.write_text(written_into(file.read_text()))

"""Plant small faults in modules, one at a time, and see whether the package's own tests notice: `make mutants`.

The faults are those of cosmic-ray (another operator, another number, a condition turned round, a decorator left out);
of all that it could plant, a sample is drawn with a stated seed. They are planted in a copy of the repository, so that
files that are being edited are left alone. Faults that change nothing but annotations are passed over: no test could
notice them. Which tests run which line is measured once, by coverage.py; against each fault only the tests that run
its line are tried, the others could not notice it. They run in a fork of this process, which has imported the large
libraries already, but nothing of the program. What runs on import, such as a table of constants, any of the
package's tests may notice: a fault there that survives is tried against all of them.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import difflib
import math
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import hypothesis  # noqa: F401
import numpy as np  # noqa: F401
import pytest
import scipy.stats  # noqa: F401
import torch  # noqa: F401
from cosmic_ray.commands.init import init
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator
from cosmic_ray.work_db import WorkDB
from cosmic_ray.work_item import MutationSpec
from coverage import CoverageData

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = {
    "stages": ["pipeline"],
    "facts": ["measurement"],
    "evidence": ["measurement", "pipeline"],
    "runs": ["training"],
    "scheduling": ["training"],
    "training": ["training", "placement"],
    "data": ["data", "training"],
    "net": ["net", "placement"],
}
"""Where the tests of a package lie, if not in one folder of its own name."""
TESTS_FILE, OUTPUT_FILE = "tests_to_run.txt", "tests_said.txt"


def modules_in(path: Path) -> list[Path]:
    """The module itself, or all modules of a folder, in sorted order."""
    return sorted(path.rglob("*.py")) if (ROOT / path).is_dir() else [path]


def folders_of(modules: list[Path]) -> list[str]:
    """The folders in which the modules' own tests lie."""
    packages = {module.parts[1] if len(module.parts) > 2 else "" for module in modules}
    names = sorted({name for package in packages for name in FOLDERS.get(package, [package])})
    return [Path("tests", name).as_posix() for name in names]


def copied(folder: Path) -> Path:
    """A copy of all files that git knows or would take up, with the prepared pictures beside them."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    for name in names:
        if name and (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    if (ROOT / "data").exists():
        shutil.copytree(ROOT / "data", folder / "data", dirs_exist_ok=True)
    return folder


def does(code: str) -> str | None:
    """What a module's text makes the program do, which never reads annotations; None for what is no Python."""
    try:
        tree = ast.parse(code)
    except SyntaxError:
        return None
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node.returns = None
        if isinstance(node, ast.arg):
            node.annotation = None
        if isinstance(node, ast.AnnAssign):
            node.annotation = ast.Constant(None)
    return ast.dump(tree)


def faults(modules: list[Path], source: random.Random) -> Iterator[MutationSpec]:
    """All faults that change what the modules do, in random order."""
    with tempfile.NamedTemporaryFile(suffix=".sqlite") as file:
        database = WorkDB(file.name, WorkDB.Mode.create)
        init(modules, database, {})
        specs = [item.mutations[0] for item in database.work_items]
        database.close()
    specs.sort(key=lambda spec: (str(spec.module_path), spec.operator_name, spec.occurrence))
    source.shuffle(specs)
    for spec in specs:
        code = Path(spec.module_path).read_text()
        changed = mutate_code(code, get_operator(spec.operator_name)(), spec.occurrence)
        if changed is not None and does(changed) not in (None, does(code)):
            yield spec


def passes(*words: str, limit: float) -> bool:
    """Whether these tests pass within `limit` seconds, in a fork of this process; what they print goes to a file."""
    # -x: one failing test is enough. Without hypothesis' random seed a fault would be noticed today and not tomorrow.
    options = ["-q", "-x", "-p", "no:cacheprovider", "--hypothesis-seed=0", "-m", "not slow and not cluster"]
    child = os.fork()
    if child == 0:
        output = os.open(OUTPUT_FILE, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.setpgid(0, 0)
        signal.alarm(math.ceil(limit))  # a fault may well make a loop endless
        # Bytecode is kept by a file's second and size, which a planted fault need not change: the old would be run.
        sys.dont_write_bytecode, os.environ["PYTHONDONTWRITEBYTECODE"] = True, "1"
        sys.path.insert(0, str(Path.cwd()))  # the copy, not the repository that this module was read from
        for name in [name for name in sys.modules if name.partition(".")[0] == "tests"]:
            del sys.modules[name]
        code = 3
        try:
            code = int(pytest.main([*options, *words]))
        finally:
            sys.stdout.flush()
            os._exit(code)
    _, status = os.waitpid(child, 0)
    with contextlib.suppress(ProcessLookupError):  # what the tests have left running
        os.killpg(child, signal.SIGKILL)
    return status == 0


class RunBy:
    """Which tests run which line of the modules."""

    def __init__(self, modules: list[Path], folders: list[str]) -> None:
        watched = [f"--cov={'.'.join(module.with_suffix('').parts)}" for module in modules]
        began = time.monotonic()
        if not passes(*watched, "--cov-context=test", "--cov-report=", *folders, limit=7200):
            sys.exit(f"{' '.join(folders)} fails before any fault is planted:\n{Path(OUTPUT_FILE).read_text()}")
        self.limit = 60 + 5 * (time.monotonic() - began)
        data = CoverageData()
        data.read()
        self._by_line: dict[Path, dict[int, set[str]]] = {}
        self._on_import: dict[Path, set[int]] = {}
        for module in modules:
            found = data.contexts_by_lineno(str(module.resolve()))
            self._by_line[module] = {
                line: {context.rpartition("|")[0] for context in contexts if context}
                for line, contexts in found.items()
            }
            self._on_import[module] = {line for line, contexts in found.items() if "" in contexts}

    def of(self, module: Path, first: int, last: int) -> list[str]:
        """Tests that run one of the lines; for lines that run on import, all that run anything of the module.

        Empty for a module that only processes run which the tests start: they are not watched.
        """
        lines = self._by_line[module]
        tests = {test for line in range(first, last + 1) for test in lines.get(line, ())}
        return sorted(tests or {test for these in lines.values() for test in these})

    def on_import(self, module: Path, first: int, last: int) -> bool:
        """Whether one of the lines runs before any test begins, so that tests may notice it that do not run it."""
        return not self._on_import[module].isdisjoint(range(first, last + 1))


def main() -> int:
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("modules", nargs="+", type=Path, help="modules or folders, as repro/verdicts/statistics")
    words.add_argument("--count", type=int, default=60, help="how many faults (default 60)")
    words.add_argument("--seed", type=int, default=0, help="of the sample (default 0)")
    words.add_argument("--only", nargs="+", type=int, default=[], help="numbers of faults of the sample; no others")
    words.add_argument("--tests", nargs="+", default=[], help="files or folders of tests, not all of the package's")
    asked = words.parse_args()
    for module in asked.modules:
        if not (ROOT / module).exists() or module.parts[0] != "repro":
            words.error(f"{module} is no module or folder of repro/; give paths as repro/verdicts/statistics")
    if not (ROOT / ".git").exists():
        words.error(f"{ROOT} is no git repository, whose list of files says what to copy")
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(copied(Path(folder)))
        modules = [module for path in asked.modules for module in modules_in(path)]
        return planted(modules, asked.tests or folders_of(modules), asked.count, asked.seed, set(asked.only))


def planted(modules: list[Path], folders: list[str], count: int, seed: int, only: set[int]) -> int:
    """Plant the sample, or `only` some of it, in the copy that is the current folder; 1 when a fault survives."""
    run_by = RunBy(modules, folders)
    killed, survivors = defaultdict(int), defaultdict(int)
    for number, spec in zip(range(1, count + 1), faults(modules, random.Random(seed)), strict=False):
        if only and number not in only:
            continue
        module = Path(spec.module_path)
        lines = spec.start_pos[0], spec.end_pos[0]
        tests = run_by.of(module, *lines) or folders
        Path(TESTS_FILE).write_text("\n".join(tests) + "\n")
        code = module.read_text()
        faulty = mutate_code(code, get_operator(spec.operator_name)(), spec.occurrence)
        module.write_text(faulty)
        survived = passes(f"@{TESTS_FILE}", limit=run_by.limit)
        if survived and run_by.on_import(module, *lines):
            tests, survived = folders, passes(*folders, limit=run_by.limit)
        module.write_text(code)
        if survived:
            survivors[module] += 1
            diff = difflib.unified_diff(
                code.splitlines(), faulty.splitlines(), str(module), str(module), lineterm="", n=2
            )
            name = spec.operator_name.removeprefix("core/")
            told = "all" if tests == folders else len(tests)
            print(f"survived {told} tests (fault {number}): {name}", *diff, "", sep="\n", flush=True)
        else:
            killed[module] += 1
    for module in sorted({*killed, *survivors}):
        print(f"{module!s:<56}{killed[module]:>4} killed{survivors[module]:>4} survived")
    total = sum(killed.values())
    sample = f"sample of {count}, seed {seed}" + (f", of it {' '.join(map(str, sorted(only)))}" if only else "")
    print(f"{total} of {total + sum(survivors.values())} killed by {' '.join(folders)}; {sample}")
    return 1 if any(survivors.values()) else 0


if __name__ == "__main__":
    sys.exit(main())

"""Plant small faults in modules, one at a time, and see whether the modules' own tests notice: `make mutants`.

The faults are those of cosmic-ray (another operator, another number, a condition turned round, a decorator left out);
of all that it could plant, a sample is drawn with a stated seed. They are planted in a copy of the repository, so that
files that are being edited are left alone. Faults that change nothing but annotations are passed over: no test could
notice them.
"""

from __future__ import annotations

import argparse
import ast
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from cosmic_ray.commands.init import init
from cosmic_ray.mutating import mutate_and_test, mutate_code
from cosmic_ray.plugins import get_operator
from cosmic_ray.testing import run_tests
from cosmic_ray.work_db import WorkDB
from cosmic_ray.work_item import MutationSpec, TestOutcome

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = {
    "stages": "pipeline",
    "facts": "measurement",
    "evidence": "measurement",
    "runs": "training",
    "scheduling": "training",
}
"""Where the tests of a package lie that has no folder of its own name."""


def tests_of(module: Path) -> Path:
    """The module's own tests: the file that is named after it, else the whole folder of its package's tests."""
    package = module.parts[1] if len(module.parts) > 2 else ""
    folder = Path("tests", FOLDERS.get(package, package))
    own = folder / f"test_{module.stem}.py"
    return own if (ROOT / own).exists() else folder


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


def command(module: Path) -> str:
    # -x: one failing test is enough. Without hypothesis' random seed a fault would be noticed today and not tomorrow.
    return f"{sys.executable} -m pytest -q -x -p no:cacheprovider --hypothesis-seed=0 {tests_of(module)}"


def main() -> int:
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument(
        "modules", nargs="+", type=Path, help="paths of modules, as repro/verdicts/statistics/estimates.py"
    )
    words.add_argument("--count", type=int, default=60, help="how many faults (default 60)")
    words.add_argument("--seed", type=int, default=0, help="of the sample (default 0)")
    asked = words.parse_args()
    for module in asked.modules:
        if not (ROOT / module).is_file() or module.parts[0] != "repro":
            words.error(f"{module} is no module of repro/; give paths as repro/verdicts/statistics/estimates.py")
    if not (ROOT / ".git").exists():
        words.error(f"{ROOT} is no git repository, whose list of files says what to copy")
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(copied(Path(folder)))
        return planted(asked.modules, asked.count, asked.seed)


def planted(modules: list[Path], count: int, seed: int) -> int:
    """Plant the sample in the copy that is the current folder; returns 1 when a fault survives."""
    limits = {}
    for module in modules:
        began = time.monotonic()
        outcome, said = run_tests(command(module), timeout=3600)
        if outcome is not TestOutcome.SURVIVED:
            print(f"{tests_of(module)} fails before any fault is planted:\n{said}", file=sys.stderr)
            return 2
        limits[module] = 60 + 5 * (time.monotonic() - began)
    killed, survivors = dict.fromkeys(modules, 0), dict.fromkeys(modules, 0)
    for _, spec in zip(range(count), faults(modules, random.Random(seed)), strict=False):
        module = Path(spec.module_path)
        result = mutate_and_test([spec], command(module), limits[module])
        if result.test_outcome is TestOutcome.SURVIVED:
            survivors[module] += 1
            print(f"survived: {spec.operator_name.removeprefix('core/')}\n{result.diff}\n", flush=True)
        else:
            killed[module] += 1
    print(f"{'module':<44}{'tests':<44}{'killed':>7}{'survived':>9}   (sample of {count}, seed {seed})")
    for module in modules:
        print(f"{module!s:<44}{tests_of(module)!s:<44}{killed[module]:>7}{survivors[module]:>9}")
    return 1 if any(survivors.values()) else 0


if __name__ == "__main__":
    sys.exit(main())

"""`pytest claims/` as a user runs it: outcomes, exit codes, options, the same verdicts however it is run."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from repro.errors import UserError
from repro.verdicts.judging.ledger import make_ledger
from repro.verdicts.registry.registry import Registry
from repro.verdicts.telling.summary import SECTIONS
from tests.made_up import MadeUp
from tests.pytest_here import PLUGINS, pytest_here

ROOT = Path(__file__).resolve().parents[2]
KEYS = [
    *("id", "section", "statement", "kind", "study", "verdict", "reason", "estimate", "interval", "confidence", "p"),
    *("p_adjusted", "n", "detectable", "seeds_needed", "flags", "look", "code", "waits_for"),
    *("paper", "authors", "unit", "paper_evidence", "judged_from"),
]
FAMILY = ("S12", "S61c", "S76", "S77", "S78", "S89")
WATCH = """
import os, sys

def pytest_collection_modifyitems(items):
    if "BACKWARDS" in os.environ:
        items.reverse()

def pytest_unconfigure(config):
    slow = ("torch", "torchvision", "matplotlib", "hypothesis", "hydra")
    heavy = sorted(name for name in slow if name in sys.modules)
    print("heavy modules:", ", ".join(heavy) or "none")
"""


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory, registry: Registry) -> Path:
    """A study that supports S61c and S76 to S78, contradicts S12, and leaves S79 and S90 open."""
    made = MadeUp(
        study="made",
        family=FAMILY,
        registry={name: registry.digest(name) for name in FAMILY},
        registered={},
        effects={
            "no_weight_decay": {"train_error_as_trained": 0.03},
            "remove_conv1": {"held_out_error": -0.05},
            **{f"remove_conv{n}": {"held_out_error": 0.03} for n in (2, 3)},
        },
        colour_tower=[1] * 9 + [0] * 3,
    )
    return made.write(tmp_path_factory.mktemp("evidence") / "made")


def _pytest(*arguments: str | Path, cwd: Path = ROOT) -> tuple[int, str]:
    """Exit code and output of pytest in this process."""
    answer = pytest_here(cwd, *arguments)
    return answer.code, answer.out + answer.err


def _pytest_process(*arguments: str | Path, cwd: Path = ROOT, **environment: str) -> tuple[int, str]:
    """The same of a process of its own, where that is what matters, or where pytest starts more of them."""
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *PLUGINS, *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", "COLUMNS": "80", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return run.returncode, run.stdout + run.stderr


Verdicts = dict[tuple[str, str | None], dict[str, Any]]


def _verdicts(path: Path) -> Verdicts:
    return {(row["id"], row["study"]): row for row in json.loads(path.read_text())}


@pytest.fixture(scope="module")
def plain_run(evidence: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[int, str, Verdicts]:
    """One run of everything, in a process of its own: exit code, output, verdicts."""
    folder = tmp_path_factory.mktemp("verdicts")
    target = folder / "verdicts.json"
    arguments = ("claims/", "--evidence", evidence, "--verdicts", target, "-v", *_watching(folder))
    code, output = _pytest_process(*arguments, PYTHONPATH=f"{ROOT}{os.pathsep}{folder}")
    return code, output, _verdicts(target)


def _watching(folder: Path) -> tuple[str, ...]:
    (folder / "watch_modules.py").write_text(WATCH)
    return ("-p", "watch_modules")


def test_nothing_heavy_is_imported(plain_run: tuple[int, str, Verdicts]) -> None:
    assert "heavy modules: none" in plain_run[1]


def test_contradicted_statements_fail_the_run(plain_run: tuple[int, str, Verdicts]) -> None:
    code, output, verdicts = plain_run
    assert code == 1
    assert verdicts["S12", "made"]["verdict"] == "contradicted"
    assert verdicts["S61c", "made"]["verdict"] == "supported"
    assert verdicts["S90", "made"]["verdict"] == "inconclusive"
    assert re.search(r"\[S12-made\] CONTRADICTED", output)
    assert re.search(r"\[S61c-made\] SUPPORTED", output)
    assert re.search(r"\[S13\] CONTRADICTED", output)
    assert re.search(r"\[S27\] NOT EVALUATED", output)
    assert re.search(r"1 failed, \d+ passed, \d+ skipped", output)


def test_all_statements_are_written_with_these_keys(plain_run: tuple[int, str, Verdicts], registry: Registry) -> None:
    _, _, verdicts = plain_run
    assert {identity for identity, _ in verdicts} == set(registry.statements)
    for row in verdicts.values():
        assert list(row) == KEYS
        assert row["verdict"] is not None
        assert row["reason"]
    assert verdicts["S10", None]["verdict"] == "untestable"
    assert verdicts["S13", None]["flags"] == ["known_erratum"]
    assert verdicts["S38", "made"]["authors"]["file"] == "layers/layer-params-148.cfg"
    assert verdicts["S38", "made"]["paper_evidence"][0]["exceeds_noise"] is True
    assert (verdicts["S61c", "made"]["unit"], verdicts["S20", "made"]["unit"]) == ("points", None)


def test_repeated_statements_share_the_verdict(plain_run: tuple[int, str, Verdicts]) -> None:
    _, _, verdicts = plain_run
    repeat, original = verdicts["S89", "made"], verdicts["S12", "made"]
    assert repeat["reason"] == f"repeats S12: {original['reason']}"
    assert {key: repeat[key] for key in ("verdict", "p", "estimate", "n")} == {
        key: original[key] for key in ("verdict", "p", "estimate", "n")
    }


def test_summary_is_readable_in_80_columns_counts_last(
    plain_run: tuple[int, str, Verdicts], registry: Registry
) -> None:
    _, output, _ = plain_run
    summary = output[output.index("= the paper's statements =") :].splitlines()[1:]
    assert max(len(line) for line in summary) <= 80
    sections = [line for line in summary if re.match(r"\d \w|Abstract", line) and "statements" not in line]
    assert sections == list(SECTIONS.values())
    numbers = [line.split()[0] for line in summary if re.match(r"  S\d\d", line)]
    assert sorted(numbers) == list(registry.statements)
    counts = next(number for number, line in enumerate(summary) if line.startswith("Verdicts, by what they rest on:"))
    assert not [line for line in summary[counts:] if line.startswith("  S")]
    assert f"{len(registry.statements)} statements" in " ".join(summary[counts:])


def test_verdicts_do_not_depend_on_what_is_selected(
    evidence: Path, plain_run: tuple[int, str, Verdicts], tmp_path: Path
) -> None:
    target = tmp_path / "verdicts.json"
    arguments = ("claims/", "-k", "decay and S61c", "--evidence", evidence, "--verdicts", target, "--report-only")
    code, output = _pytest(*arguments)
    assert code == 0, output
    assert _verdicts(target) == plain_run[2]
    assert "S12 " not in output


def test_report_only_shows_what_is_contradicted_and_succeeds(evidence: Path) -> None:
    code, output = _pytest("claims/test_1_introduction.py", "--evidence", evidence, "--report-only", "-v")
    assert code == 0
    assert re.search(r"\[S12-made\] CONTRADICTED", output)
    assert "failed" not in output.splitlines()[-1]


def test_strict_claims_fails_what_is_open(evidence: Path) -> None:
    code, output = _pytest("claims/", "--evidence", evidence, "--strict-claims", "-k", "S90 or S27 or S04")
    assert code == 1
    assert "2 failed, 1 passed" in output


def test_torch_is_not_imported_whatever_the_claims_read(tmp_path: Path, registry: Registry) -> None:
    """Evidence by which every form comes to its numbers."""
    named = {name for entry in registry for name in getattr(entry.test, "variants", ())}
    made = replace(MadeUp(study="all"), variants=("base", *sorted(named - {"base"})), seeds=range(3))
    folder = made.write(tmp_path / "all")
    script = (
        "import sys; from pathlib import Path; from repro.verdicts.judging.ledger import make_ledger\n"
        "ledger = make_ledger(Path(sys.argv[1]), [Path(sys.argv[2])])\n"
        "print(len({e.statement.test.form for e in ledger.entries if e.standing == 'judged' and e.verdict.finding}))\n"
        "print(sorted({'torch', 'torchvision', 'matplotlib', 'pandas'} & {m.split('.')[0] for m in sys.modules}))\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script, str(ROOT / "claims"), str(folder)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    forms, heavy = run.stdout.splitlines()
    assert heavy == "[]"
    assert int(forms) >= 10


def test_markers_select_kinds(evidence: Path) -> None:
    code, output = _pytest("claims/", "--evidence", evidence, "-m", "not statistical", "-v")
    assert code == 0
    assert "[S61c-made]" not in output
    assert "[S04]" in output
    assert "[S92-made]" in output


def test_several_studies_stand_side_by_side(evidence: Path, tmp_path: Path) -> None:
    other = replace(MadeUp(study="other"), variants=("base",)).write(tmp_path / "other")
    again = MadeUp(study="made", variants=("base",)).write(tmp_path / "again")
    arguments = ("--evidence", evidence, "--evidence", other, "--evidence", again)
    code, output = _pytest("claims/", *arguments, "-k", "S61c or S04", "-v", "--report-only")
    assert code == 0
    assert f"[S61c-made@{evidence}] SUPPORTED" in output
    assert "[S61c-other] NOT EVALUATED" in output
    assert output.count("[S04]") == 1


def _project(folder: Path, change: Callable[[str], str] = lambda text: text) -> Path:
    """A copy of the claims in a project of its own, section 5's file changed."""
    shutil.copytree(ROOT / "claims", folder / "claims", ignore=shutil.ignore_patterns("__pycache__"))
    learning = folder / "claims" / "test_5_learning.py"
    learning.write_text(change(learning.read_text()))
    return folder


def test_default_evidence_is_the_pipelines_else_the_recorded(tmp_path: Path) -> None:
    project = _project(tmp_path)
    (project / "params.yaml").write_text("studies: {one: procedural, two: procedural, three: procedural}\n")
    MadeUp(study="one", variants=("base",)).write(project / "results" / "one" / "evidence")
    MadeUp(study="one-recorded", variants=("base",)).write(project / "evidence" / "one")
    MadeUp(study="two", variants=("base",)).write(project / "evidence" / "two")
    _, output = _pytest("claims", "-k", "S92", "-v", cwd=project)
    assert re.findall(r"\[S92-(.+?)\] SUPPORTED", output) == ["one", "two"]


def test_without_any_evidence_definitions_are_judged_and_the_rest_say_why(tmp_path: Path) -> None:
    target = tmp_path / "verdicts.json"
    code, _ = _pytest("claims", "--verdicts", target, cwd=_project(tmp_path / "project"))
    assert code == 0
    verdicts = _verdicts(target)
    assert verdicts["S04", None]["verdict"] == "supported"
    assert verdicts["S61c", None]["verdict"] == "not_evaluated"
    assert "--evidence" in verdicts["S61c", None]["reason"]


def test_an_error_inside_a_claim_fails_even_with_report_only(evidence: Path, tmp_path: Path) -> None:
    project = _project(tmp_path, lambda text: text.replace("return evidence.samples()", "return 1 / 0", 1))
    code, output = _pytest("claims", "--evidence", evidence, "--report-only", cwd=project)
    assert code == 1
    assert "ZeroDivisionError" in output
    assert "1 failed" in output


def test_a_known_erratum_that_comes_out_supported_fails(evidence: Path, tmp_path: Path) -> None:
    project = _project(tmp_path)
    path = project / "claims" / "test_4_overfitting.py"
    path.write_text(path.read_text().replace("2048)", "2178)"))
    code, output = _pytest("claims", "--evidence", evidence, "-k", "S50", cwd=project)
    assert code == 1
    assert "known as false in print" in output


def test_a_claim_without_a_registry_entry_and_the_other_way_round(tmp_path: Path) -> None:
    project = _project(tmp_path, lambda text: text.replace('@claim("S64")', '@claim("S89")'))
    code, output = _pytest("claims", cwd=project)
    assert code == 2
    assert "claims S89, which has no test" in output
    project = _project(tmp_path / "second", lambda text: text.replace('@claim("S64")\n', ""))
    with pytest.raises(UserError, match="S64 have a test and no claim"):
        make_ledger(project / "claims", [])


def _started_with(workers: tuple[str, ...]) -> Callable[..., tuple[int, str]]:
    return _pytest_process if workers else _pytest


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_bad_evidence_is_one_clear_message_and_exit_code_2(workers: tuple[str, ...], tmp_path: Path) -> None:
    code, output = _started_with(workers)("claims", "--evidence", tmp_path / "nowhere", *workers)
    assert code == 2
    assert "nowhere is not an evidence directory" in output
    assert "Traceback" not in output


def test_verdicts_that_cannot_be_written_are_exit_code_2(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    code, output = _pytest("claims", "-k", "S04", "--verdicts", tmp_path / "file" / "verdicts.json")
    assert code == 2
    assert "cannot write" in output
    assert "Traceback" not in output


def test_verdicts_as_markdown_hold_all_statements_whatever_was_selected(
    evidence: Path, registry: Registry, tmp_path: Path
) -> None:
    target = tmp_path / "summary" / "verdicts.md"
    code, output = _pytest("claims/", "-k", "S04", "--evidence", evidence, "--verdicts", target)
    assert code == 0, output
    text = target.read_text()
    assert text.startswith("# The paper's statements\n")
    assert "## Study made\n" in text
    assert set(re.findall(r"^\| \*\*(S\d\d[a-f]?)\*\*", text, flags=re.MULTILINE)) == set(registry.statements)


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_a_file_of_verdicts_of_unknown_form_is_refused_before_anything_is_judged(
    workers: tuple[str, ...], tmp_path: Path
) -> None:
    arguments = ("claims", "-k", "S04", "--verdicts", tmp_path / "verdicts.html")
    code, output = _started_with(workers)(*arguments, *workers)
    assert code == 2
    assert output.count("must end in .json, for programs, or in .md, for Markdown") == 1
    assert "Traceback" not in output
    assert "S04" not in output
    assert not list(tmp_path.iterdir())


def test_the_plugin_leaves_other_tests_alone(tmp_path: Path) -> None:
    (tmp_path / "test_other.py").write_text("def test_one(): assert True\n")
    code, output = _pytest_process("-q", "test_other.py", cwd=tmp_path)
    assert code == 0
    assert "statements" not in output
    check = "import sys, repro.verdicts.plugin; print(sorted({m.split('.')[0] for m in sys.modules}))"
    loaded = subprocess.run(
        [sys.executable, "-c", check],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert not {"torch", "scipy", "numpy", "pydantic", "yaml"} & set(eval(loaded.stdout))


# ---- other people's pytest ------------------------------------------------------------------------------

REPEATING = """
import pytest

@pytest.fixture(autouse=True)
def step(request):
    return request.param

def pytest_generate_tests(metafunc):
    metafunc.fixturenames.append("step")
    metafunc.parametrize("step", range(2), indirect=True)
"""


def test_two_workers_a_turned_order_and_a_plugin_that_repeats_tests_change_no_verdict(
    evidence: Path, plain_run: tuple[int, str, Verdicts], tmp_path: Path
) -> None:
    """Repeated as by pytest-repeat, and others that give tests parameters of their own."""
    (tmp_path / "repeating.py").write_text(REPEATING)
    target = tmp_path / "verdicts.json"
    arguments = ("claims/", "--evidence", evidence, "--verdicts", target, "--report-only", "-v")
    code, output = _pytest_process(
        *(*arguments, "-n", "2", "-p", "repeating", *_watching(tmp_path)),
        PYTHONPATH=f"{ROOT}{os.pathsep}{tmp_path}",
        BACKWARDS="1",
    )
    assert code == 0, output
    assert _verdicts(target) == plain_run[2]
    assert len(re.findall(r"\[gw\d\].* claims/\S+\[\d?-?S61c-made", output)) == 2
    assert re.search(r"  S12 ", output)


@pytest.mark.parametrize(("how", "named"), [("autoload off", "claims/"), ("blocked", ".")])
def test_the_claims_bring_their_plugin_with_them(how: str, named: str, evidence: Path, tmp_path: Path) -> None:
    """Whatever of pytest's plugins the shell has switched off."""
    project = _project(tmp_path / "project")
    (project / "params.yaml").write_text("studies: {made: procedural}\n")
    shutil.copytree(evidence, project / "results" / "made" / "evidence")
    environment = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"} if how == "autoload off" else {}
    off = ("-p", "no:repro_claims") if how == "blocked" else ()
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *off, named, "-k", "S12", "-v"]
    run = subprocess.run(
        command,
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "80", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert re.search(r"\[S12-made\] CONTRADICTED", run.stdout), run.stdout + run.stderr
    assert "the paper's statements" in run.stdout
    assert run.returncode == 1


def test_the_claims_of_one_checkout_are_not_judged_by_the_code_of_another(evidence: Path, tmp_path: Path) -> None:
    """As when the first clone's environment is active in the second."""
    project = _project(tmp_path / "second")
    (project / "repro" / "verdicts").mkdir(parents=True)
    for name in ("repro/__init__.py", "repro/verdicts/__init__.py", "repro/verdicts/plugin.py"):
        shutil.copy(ROOT / name, project / name)
    code, output = _pytest(".", "--evidence", evidence, cwd=project / "claims")
    assert code == 2
    (line,) = [line for line in output.splitlines() if "Exit" in line]
    assert str(ROOT) in line
    assert str(project) in line
    assert ".venv/bin/python -m pytest" in line
    assert "Traceback" not in output

"""`repro explain`: one statement whole, as text and as data."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from repro.errors import UserError
from repro.verdicts.finding import Finding, NotEvaluated, WhyNot
from repro.verdicts.judging.verdict import FLAGS, Verdict, not_evaluated, untestable
from repro.verdicts.registry.literature import LITERATURE_FILE, load_literature
from repro.verdicts.registry.registry import Registry
from repro.verdicts.telling.explain import FLAGS_MEAN, REMEDIES, explanation, what_would_decide
from repro.verdicts.telling.explain_text import console_for, print_explanation
from tests.made_up import VARIANTS, MadeUp
from tests.small_project import repro, the_error

ROOT = Path(__file__).resolve().parents[2]
CLAIMS = ROOT / "claims"
FAMILY = ("S12", "S61b", "S61c", "S76", "S77", "S78", "S79")
REMOVED = [name for name in VARIANTS if name.startswith("remove")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, registry: Registry) -> Path:
    """Six seeds on which removing a layer hurts, weight decay does a little, and the kernels never moved."""
    return MadeUp(
        seeds=range(6),
        family=FAMILY,
        registry={name: registry.digest(name) for name in FAMILY},
        registered={},
        effects={
            **{name: {"held_out_error": 0.03} for name in REMOVED},
            "no_weight_decay": {"train_error_as_trained": 0.001},
        },
        scalars={"base": {"kernel_cosine": 0.95}},
    ).write(tmp_path_factory.mktemp("explain") / "made")


def _explained(statement: str, *evidence: Path) -> dict[str, Any]:
    return explanation(ROOT, CLAIMS, statement, evidence)


def _text(told: dict[str, Any]) -> str:
    stream = io.StringIO()
    print_explanation(told, console_for(stream))
    return stream.getvalue()


def _flat(told: dict[str, Any]) -> str:
    return " ".join(_text(told).split())


def test_a_decided_statement_is_told_whole(folder: Path) -> None:
    told = _explained("S12", folder)
    (found,) = told["evidence"]
    assert found["verdict"] == "supported"
    assert found["in_family"]
    assert found["n"] == [6, 6]
    assert [gate["state"] for gate in found["gates"]] == ["open", "open"]
    assert {row["variant"] for row in found["values"]} == {*REMOVED, "base"}
    assert all(row["seeds"] == [*range(6)] and len(row["values"]) == 6 for row in found["values"])
    assert set(found["details"]["parts"]) == set(REMOVED)
    assert told["test"]["variants"]["remove_conv4"]["changes"] == {"net.removed": ["conv4"]}
    assert {"study", "seeds", "in_family", "lacks"} <= told["studies"][0].keys()
    text = _flat(told)
    for said in (
        told["statement"],
        "Tested as: any of",
        "net.removed: conv4",
        "training error below share of chance 0.5",
        "open: every run's training error is below 45.0 %",
        "repeated by S89",
        "remove_conv5 3.",
        "supported",
        "adjusted p",
        "arXiv:1311.2901",
    ):
        assert said in text


def test_an_open_statement_says_what_would_decide_it(folder: Path) -> None:
    told = _explained("S61c", folder)
    (found,) = told["evidence"]
    assert found["verdict"] == "inconclusive"
    assert f"6 seeds find {100 * found['detectable']:.2f} points with 80 % power" in found["what_would_decide"]
    assert found["what_would_decide"] in _flat(told)


def test_a_shut_gate_shows_its_reading(folder: Path) -> None:
    (found,) = _explained("S78", folder)["evidence"]
    assert found["verdict"] == "not_evaluated"
    states = {gate["gate"]: gate["state"] for gate in found["gates"]}
    assert states == {"learned": "open", "kernels_moved": "shut", "both_kinds": "open", "enough_kernels": "open"}
    assert "0.95, not below 0.8" in _flat(_explained("S78", folder))
    assert found["what_would_decide"] == REMEDIES["gate"]


def test_gates_are_read_on_the_runs_of_the_look_that_gave_the_verdict(tmp_path: Path, registry: Registry) -> None:
    """Decided by the first six seeds of twelve, whose other runs are not trained yet."""
    names = {name: registry.digest(name) for name in FAMILY}
    made = {"effects": {"no_weight_decay": {"train_error_as_trained": 0.03}}, "registry": names, "registered": {}}
    missing = dict.fromkeys(VARIANTS, range(6, 12))
    folder = MadeUp(seeds=range(12), looks="two", family=FAMILY, missing=missing, **made).write(tmp_path / "made")
    (row,) = _explained("S61c", folder)["evidence"]
    assert (row["verdict"], row["look"]) == ("supported", 1)
    assert {gate["state"] for gate in row["gates"]} == {"open"}


def test_a_study_without_the_variant_is_not_evaluated(tmp_path: Path) -> None:
    few = MadeUp(variants=["base", "dense"], seeds=range(3)).write(tmp_path / "few")
    (found,) = _explained("S61c", few)["evidence"]
    assert found["code"] == "missing_runs"
    assert {row["variant"] for row in found["values"]} == {"base"}


def test_a_repeat_shows_the_test_and_literature_of_its_original(folder: Path) -> None:
    told, original = _explained("S89", folder), _explained("S12", folder)
    assert told["repeats"] == "S12"
    assert told["test"] == original["test"]
    assert told["literature"] == original["literature"]
    assert told["evidence"][0]["reason"].startswith("repeats S12")


def test_a_tower_statement_shows_each_run(tmp_path: Path) -> None:
    evidence = MadeUp(seeds=range(6)).write(tmp_path / "towers")
    told = _explained("S78", evidence)
    assert len(told["evidence"][0]["details"]["division"]) == 6
    assert "division" in _text(told)
    assert "in its family" in _text(told)


def test_a_record_names_its_study(folder: Path) -> None:
    told = _explained("S92", folder)
    assert told["evidence"][0]["verdict"] == "supported"
    assert f"Evidence: made ({folder})" in _flat(told)


def test_definitions_errata_and_untestable_statements() -> None:
    erratum = _explained("S13")
    assert [found["study"] for found in erratum["evidence"]] == [None]
    assert "conv3 holds 1.45 %" in _flat(erratum)
    assert "false as printed, so contradicted is what is expected" in _flat(erratum)
    beyond = _explained("S10")
    assert beyond["test"] is None
    assert beyond["untestable"] in _flat(beyond)
    assert "Evidence" not in _text(beyond)


def test_every_statement_fits_80_columns(registry: Registry, folder: Path) -> None:
    for statement in ("S12", "S61c", "S78", "S38", "S47", "S11b"):
        lines = _text(_explained(statement, folder)).splitlines()
        assert max(map(len, lines)) <= 80
        assert all(line == line.rstrip() for line in lines)


def test_several_evidences_stand_side_by_side(folder: Path, tmp_path: Path) -> None:
    other = MadeUp(study="other", seeds=range(3)).write(tmp_path / "other")
    assert [found["study"] for found in _explained("S12", folder, other)["evidence"]] == ["made", "other"]


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        (untestable("an outlook"), None),
        (not_evaluated(NotEvaluated("scale", "too small")), REMEDIES["scale"]),
        (Verdict("supported", "clear"), None),
        (Verdict("contradicted", "clear", flags=frozenset({"fragile"})), "more seeds: leaving one out would undo it"),
        (Verdict("inconclusive", "cannot tell"), "figures that do not straddle the bound"),
        (
            Verdict(
                "inconclusive",
                "few",
                detectable=0.02,
                seeds_needed=9,
                finding=Finding("direction", 0.5, 0.5, 0.0, "points", (2, 2), 3, details={"planned_effect": 0.014}),
            ),
            "the registered effect, 1.40 points, needs 9 seeds; 2 seeds find 2.00 points with 80 % power; "
            "at least 3 seeds, which this form needs",
        ),
    ],
)
def test_what_would_decide(verdict: Verdict, said: str | None) -> None:
    assert what_would_decide(verdict) == said


def test_every_reason_and_flag_has_words() -> None:
    assert set(REMEDIES) == set(get_args(WhyNot))
    assert set(FLAGS) <= set(FLAGS_MEAN)


def _process(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """`repro ARGUMENTS` in a process of its own, which says at its end whether torch was imported."""
    program = (
        "import sys; from repro.cli import main\ntry: main()\nfinally: print('torch' in sys.modules, file=sys.stderr)"
    )
    return subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_the_command_gives_the_same_as_data_and_never_imports_torch(folder: Path) -> None:
    done = _process("explain", "S12", "--evidence", folder, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["evidence"][0]["verdict"] == "supported"
    assert done.stderr.split() == ["False"]
    plain = repro(ROOT, "explain", "S12", "--evidence", str(folder))
    assert "\x1b" not in plain.out
    assert plain.out.startswith("S12  section 1, statistical\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(("S99",), r"no statement S99"), (("S12", "--evidence", "nowhere"), r"nowhere is not an evidence directory")],
)
def test_mistakes_are_one_sentence(arguments: tuple[str, ...], said: str) -> None:
    answer = repro(ROOT, "explain", *arguments)
    assert re.search(said, the_error(answer))
    assert len(answer.err.splitlines()) == 1
    assert answer.out == ""


# ---- literature ------------------------------------------------------------------------------------


def test_the_literature_is_cited_and_tersely_told(registry: Registry) -> None:
    findings = load_literature(CLAIMS / LITERATURE_FILE, registry)
    assert len(findings) >= 20
    for found in (entry for entries in findings.values() for entry in entries):
        assert re.search(r"arXiv:\d{4}\.\d{4,5}|SRC2012|[\w-]+/[\w-]+|\.com|doi:10\.|\d+:\d+ \(\d{4}\)", found.source)
        assert found.found.endswith(".")
        assert len(found.found) < 300


@pytest.mark.parametrize(
    ("findings", "said"),
    [
        ({"S99": [{"direction": "for", "found": "x", "source": "y"}]}, r"no statement S99"),
        ({"S89": [{"direction": "for", "found": "x", "source": "y"}]}, r"S89 repeats S12"),
        ({"S12": [{"direction": "pro", "found": "x", "source": "y"}]}, r"direction: 'pro'"),
        ({"S12": [{"direction": "for", "found": "x"}]}, r"source is missing"),
        ({"S12": []}, r"S12"),
    ],
)
def test_mistakes_in_the_literature_are_named(
    findings: dict[str, Any], said: str, registry: Registry, tmp_path: Path
) -> None:
    path = tmp_path / "literature.yaml"
    path.write_text(yaml.safe_dump({"schema": 1, "findings": findings}))
    with pytest.raises(UserError, match=said):
        load_literature(path, registry)

"""Every verb of `repro` on a project that may only be read, and after Ctrl-C: a result, or one true sentence."""

from __future__ import annotations

import errno
import shlex
import signal
from pathlib import Path

import pytest
import typer

from repro.cli import app
from tests.broken_disk import CTRL_C, At, broken_disk
from tests.small_project import Place, did, nothing_lost, repro, the_error
from tests.spoiling import gone, judged, root, unfinished

SMALL = "--per-class 1 --size 16 --classes 2"
PICTURES = "--train-per-class 1 --validation-per-class 1 --side 16"
WRITING = {
    "prepare small": gone(lambda place: place.store / "pictures"),
    "train small": unfinished,
    "facts": gone(root("results/facts.json")),
    "evaluate small": gone(root("results/small/evidence")),
    "report small": judged,
    "report --all": judged,
    "record small": lambda place: None,
    "plan --prune --yes": lambda place: (place.store / "runs" / "0123456789abcdef").mkdir(),
    "use-data ../colours --as mine": lambda place: None,
    f"subset colours ../out {SMALL}": lambda place: None,
    f"make-pictures ../out {PICTURES}": lambda place: None,
}
READING = (
    "plan small",
    "plan small --decide",
    "plan --prune",
    "describe",
    "describe --study small",
    "explain S61c",
    "results",
)
ELSEWHERE = ("verdicts", "repeat", "diff")
"""Whose file another process writes, and those with tests of their own (test_repeat.py, test_diff.py)."""
GO_ON = ("prepare", "train", "evaluate")
"""What they have finished is kept, and they go on from there."""


@pytest.fixture(autouse=True)
def _quick_facts(workers_here: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("repro.stages.facts.measure_facts", lambda name: {})


def test_no_verb_is_forgotten() -> None:
    verbs = set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
    assert {command.split()[0] for command in (*WRITING, *READING, *ELSEWHERE)} == verbs


@pytest.mark.parametrize("command", WRITING)
def test_what_cannot_be_written_on_a_read_only_disk_is_one_sentence(command: str, place: Place) -> None:
    WRITING[command](place)
    with nothing_lost(place.folder), broken_disk(place.folder, errno.EROFS):
        sentence = the_error(repro(place.root, *shlex.split(command)))
    assert "Read-only file system" in sentence


def test_a_verb_that_runs_in_a_tests_process_leaves_its_signals(place: Place) -> None:
    """Else nobody could end `make test`: a later test would fail of SIGTERM, and the run go on."""
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    unfinished(place)
    did(place.root, "train", "small")
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == before


@pytest.mark.parametrize("command", READING)
def test_what_only_reads_works_on_a_read_only_disk(command: str, place: Place) -> None:
    with broken_disk(place.folder, errno.EROFS):
        did(place.root, *shlex.split(command))


@pytest.mark.parametrize("at", ["open", "write"])
@pytest.mark.parametrize("command", WRITING)
def test_ctrl_c_says_what_has_become_of_the_work_and_the_command_may_be_given_again(
    command: str, at: At, place: Place
) -> None:
    if at == "write" and "--prune" in command:
        pytest.skip("writes nothing")
    WRITING[command](place)
    with nothing_lost(place.folder), broken_disk(place.folder, CTRL_C, at):
        answer = repro(place.root, *shlex.split(command))
    assert answer.code == 130, answer
    last = answer.err.splitlines()[-1]
    assert last.startswith("stopped; ")
    assert ("goes on from there" in last) is (command.split()[0] in GO_ON)
    did(place.root, *shlex.split(command))


def test_ctrl_c_in_a_repetition_says_that_it_goes_on(place: Place) -> None:
    did(place.root, "record", "small")
    command = ("repeat", "evidence/small", "--run", "base/1")
    with broken_disk(place.folder, CTRL_C, "write", spared=1):
        answer = repro(place.root, *command)
    assert answer.code == 130, answer
    assert answer.err.endswith("the same command again goes on from there\n")
    did(place.root, *command)
    (only,) = (place.store / "repeats").iterdir()
    assert only.name == f"{place.run.name}-1", "the repetition that was begun is the one that was finished"


@pytest.mark.parametrize("words", ["--retrain", "REPRO_RETRAIN"])
def test_ctrl_c_in_retraining_does_not_advise_to_retrain_again(
    words: str, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    if words == "REPRO_RETRAIN":
        monkeypatch.setenv(words, "1")
    command = ("train", "small", *([words] if words.startswith("--") else []))
    with broken_disk(place.folder, CTRL_C, "write"):
        answer = repro(place.root, *command)
    assert answer.code == 130, answer
    last = answer.err.splitlines()[-1]
    assert last.startswith(f"stopped; what is finished is kept: go on without {words}, which would train it again")
    assert "same command" not in last
    monkeypatch.delenv("REPRO_RETRAIN", raising=False)
    did(place.root, "train", "small")
    assert len(list((place.store / "set-aside").iterdir())) == 1


@pytest.mark.parametrize("command", [command for command in READING if command != "describe"] + ["verdicts small"])
def test_ctrl_c_in_a_verb_that_keeps_nothing(command: str, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def impatient() -> Path:
        raise KeyboardInterrupt

    monkeypatch.setattr("repro.project.project_here", impatient)
    answer = repro(place.root, *shlex.split(command))
    assert (answer.code, answer.out) == (130, "")
    assert answer.err.startswith("stopped; ")
    assert "kept" not in answer.err

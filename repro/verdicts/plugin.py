"""The pytest plugin: `pytest claims/` judges the paper's statements on evidence.

pytest loads this module in every run, so it imports nothing at its top but pytest, and does nothing where
no claim is collected. Verdicts come from the ledger (`repro.verdicts.judging.ledger`), which judges everything at
once; a test looks its own verdict up. So -k, -n and the order of tests cannot change a verdict.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

if TYPE_CHECKING:
    from repro.verdicts.judging.ledger import Entry, Ledger

REGISTRY_FILE = "statements.yaml"
READS = ("evidence", "definition")
"""What a claim's one parameter is called (`repro.verdicts.authoring.claim`)."""
PROPERTY = "claim"
LETTERS = {
    "supported": ".",
    "contradicted": "C",
    "inconclusive": "i",
    "not_evaluated": "n",
    "untestable": "u",
}
COLOURS = {"supported": "green", "contradicted": "red"}
_LEDGERS = pytest.StashKey[dict[Path, "Ledger"]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("claims", "the paper's statements (pytest claims/)")
    group.addoption(
        "--evidence",
        action="append",
        metavar="DIR",
        help="evidence directory to judge by; may be given several times. Default: results/STUDY/evidence, "
        "else evidence/STUDY, of every study in params.yaml that has some",
    )
    group.addoption(
        "--verdicts", metavar="FILE", help="write the verdicts on all statements: FILE.json, or FILE.md as Markdown"
    )
    group.addoption(
        "--report-only",
        action="store_true",
        help="show contradicted statements without failing; an error inside a claim still fails",
    )
    group.addoption("--strict-claims", action="store_true", help="inconclusive and not evaluated statements fail too")


def pytest_configure(config: pytest.Config) -> None:
    for marker in (
        "definition: claims decided without training, from the layer table, facts or printed numbers",
        "record: claims decided from a study's record (its data, its logs) without statistics",
        "statistical: claims decided by comparing trained runs",
    ):
        config.addinivalue_line("markers", marker)
    config.stash[_LEDGERS] = {}
    if not config.getoption("help", default=False):
        _check_target(config)
        for folder in _asked_for(config):  # before any worker starts, so that a mistake is reported once
            _ledger(config, folder)
        _leave_out_hypothesis(config)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    statement = getattr(metafunc.function, "__claim__", None)
    if statement is None:
        return
    ledger = _ledger(metafunc.config, metafunc.definition.path.parent)
    entry = ledger.registry[statement]
    mark = getattr(pytest.mark, entry.scope or "definition")
    metafunc.parametrize(
        ledger.claims[statement].reads,
        [
            pytest.param(
                ledger.find(statement, study),
                id=statement if study is None else f"{statement}-{study}",
                marks=mark,
            )
            for study in ledger.scopes(statement)
        ],
    )


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    if getattr(pyfuncitem.function, "__claim__", None) is None:
        return None
    # Other plugins, such as pytest-repeat, may have given the test parameters of their own.
    entry = next(value for name, value in pyfuncitem.callspec.params.items() if name in READS)
    _conclude(pyfuncitem.config, pyfuncitem, cast("Entry", entry))
    return True


def _conclude(config: pytest.Config, item: pytest.Item, entry: Entry) -> None:
    """Turn a verdict into pytest's outcome: passed, failed or skipped."""
    verdict = entry.verdict
    assert verdict is not None
    item.user_properties.append(
        (
            PROPERTY,
            json.dumps(
                {
                    "id": entry.statement.id,
                    "study": entry.study,
                    "verdict": verdict.outcome,
                    "error": entry.error is not None,
                }
            ),
        )
    )
    if entry.error is not None:
        raise entry.error
    text = f"{verdict.outcome}: {entry.statement.statement}\n{verdict.reason}"
    if verdict.outcome in ("inconclusive", "not_evaluated"):
        if config.getoption("strict_claims", False):
            pytest.fail(text, pytrace=False)
        pytest.skip(f"{verdict.outcome.replace('_', ' ')}: {verdict.reason}")
    if not entry.unexpected:
        return
    if entry.statement.known_erratum is not None:
        text += f"\nknown as false in print: {entry.statement.known_erratum}"
    if config.getoption("report_only", False):
        pytest.skip(f"{verdict.outcome}: {verdict.reason}")
    pytest.fail(text, pytrace=False)


def pytest_report_teststatus(
    report: pytest.CollectReport | pytest.TestReport, config: pytest.Config
) -> tuple[str, str, Any] | None:
    row = _property(report)
    if row is None or row["error"]:  # where a claim's own code failed, pytest's usual words are right
        return None
    outcome = row["verdict"]
    word = outcome.replace("_", " ").upper()
    category = report.outcome
    return category, LETTERS[outcome], (word, {COLOURS.get(outcome, "yellow"): True})


@pytest.hookimpl(tryfirst=True)
def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    reports = [report for category in terminalreporter.stats.values() for report in category]
    shown = [row for report in reports if (row := _property(report)) is not None]
    if not shown:
        return
    from repro.verdicts.telling.summary import summary_lines

    others = [r for r in reports if getattr(r, "when", None) == "call" and _property(r) is None]
    if not others:  # the summary says it all, so pytest need not list skipped and failed tests again
        terminalreporter.reportchars = "".join(set(terminalreporter.reportchars) - set("sSfF"))
    keys = {(row["id"], row["study"]) for row in shown}
    for ledger in config.stash[_LEDGERS].values():
        terminalreporter.section("the paper's statements", sep="=")
        verbose = config.get_verbosity() > 0
        for line, colour in summary_lines(ledger, keys, verbose=verbose):
            terminalreporter.write_line(line, **({colour: True} if colour else {}))


def pytest_sessionfinish(session: pytest.Session) -> None:
    target = session.config.getoption("verdicts", None)
    if target is None or _is_worker(session.config) or session.config.getoption("collectonly"):
        return
    from repro.errors import UserError
    from repro.verdicts.telling.markdown import write_verdicts

    ledgers = session.config.stash[_LEDGERS]
    if len(ledgers) != 1:
        pytest.exit("--verdicts needs one folder of claims on the command line: pytest claims/", 2)
    try:
        write_verdicts(target, next(iter(ledgers.values())))
    except UserError as error:
        pytest.exit(str(error), 2)


def _leave_out_hypothesis(config: pytest.Config) -> None:
    """Where only claims are asked for: Hypothesis' summary imports all of it, a tenth of the time of judging them."""
    claims = _asked_for(config)
    if claims and all(_folder(config, argument) in claims for argument in config.args):
        config.pluginmanager.unregister(name="hypothesispytest")


def _check_target(config: pytest.Config) -> None:
    """Refuse a file of verdicts of unknown form before anything is judged."""
    target = config.getoption("verdicts", None)
    if target is None or _is_worker(config):
        return
    from repro.errors import UserError
    from repro.verdicts.telling.markdown import check_ending

    try:
        check_ending(target)
    except UserError as error:
        pytest.exit(str(error), 2)


def _ledger(config: pytest.Config, folder: Path) -> Ledger:
    """The ledger of a folder of claims, judged once per process."""
    ledgers = config.stash[_LEDGERS]
    if folder not in ledgers:
        from repro.errors import UserError, missing_module

        given = config.getoption("evidence", None)
        try:
            from repro.verdicts.default_evidence import default_evidence
            from repro.verdicts.judging.ledger import make_ledger

            if given is None:
                chosen = default_evidence(folder.parent)
            else:
                chosen = [config.invocation_params.dir / path for path in given]
            ledgers[folder] = make_ledger(folder, chosen)
        except UserError as error:
            pytest.exit(str(error), 2)
        except ModuleNotFoundError as error:
            pytest.exit(missing_module(error), 2)
    return ledgers[folder]


def _asked_for(config: pytest.Config) -> list[Path]:
    """Folders of claims named on the command line."""
    folders = []
    for argument in config.args:
        folder = _folder(config, argument)
        if (folder / REGISTRY_FILE).is_file() and folder not in folders:
            folders.append(folder)
    return folders


def _folder(config: pytest.Config, argument: str) -> Path:
    """Of a path on the command line, which may end in ::NAME."""
    path = (config.invocation_params.dir / argument.split("::")[0]).resolve()
    return path if path.is_dir() else path.parent


def _property(report: Any) -> dict[str, Any] | None:
    if getattr(report, "when", None) != "call":
        return None
    for name, value in getattr(report, "user_properties", ()):
        if name == PROPERTY:
            row: dict[str, Any] = json.loads(value)
            return row
    return None


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")

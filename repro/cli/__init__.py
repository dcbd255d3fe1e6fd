"""The command line: `repro COMMAND`, the same as `python -m repro COMMAND`.

Exit codes: 0 done; 1 something failed; 2 a mistake in what the user gave, reported in one sentence.
Every command works on the project that holds the current folder, and imports its stage only when it is called.
"""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from typing import NoReturn

import typer

from repro.cli.answers import describe, diff, explain, results
from repro.cli.pictures import make_pictures, subset, use_data
from repro.cli.pipeline import evaluate, facts, prepare, report, train, verdicts
from repro.cli.study_runs import plan, record, repeat
from repro.errors import UserError, mendable, missing_module

app = typer.Typer(
    name="repro",
    help="Reproduce AlexNet (NIPS 2012) and test the paper's statements.",
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)
for _command in (
    *(prepare, train, facts, evaluate, verdicts, report),
    *(plan, record, repeat),
    *(describe, explain, diff, results),
    *(use_data, subset, make_pictures),
):
    app.command(_command.__name__.replace("_", "-"))(_command)

INTERRUPTED = 130  # Ctrl-C
_GO_ON = ("prepare", "train", "evaluate", "repeat")
"""Commands that keep what they have finished when they are stopped."""


def main() -> None:
    """Entry point: mistakes that the user can mend are one line and exit code 2."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a path may be bytes that the terminal has no letters for
            stream.reconfigure(errors="backslashreplace")
    try:
        Path.cwd()
    except FileNotFoundError:
        _end("error: the folder in which you are was deleted; go to the cloned folder and give the command again", 2)
    try:
        code = app(standalone_mode=False)
    except UserError as error:
        _end(f"error: {error}", 2)
    except OSError as error:
        mistake = mendable(error)
        if mistake is None:
            raise
        _end(f"error: {mistake}", 2)
    except ModuleNotFoundError as error:
        _end(f"error: {missing_module(error)}", 2)
    except RuntimeError as error:
        _end(f"error: {error}", 1)
    except Exception as error:  # the command line's own errors have no common public class
        if not hasattr(error, "format_message"):
            raise
        message, context = error.format_message().rstrip("."), getattr(error, "ctx", None)
        if not message or "\n" in message:  # not a mistake: the help that stands in for a missing command
            _end(message, 2)
        _end(f"error: {message}; see `{context.command_path if context else 'repro'} --help`", 2)
    if code == INTERRUPTED:
        _end(f"stopped; {_how_to_go_on(sys.argv[1:])}", INTERRUPTED)
    sys.exit(code if isinstance(code, int) else 0)


def _how_to_go_on(words: list[str]) -> str:
    if words[:1] == ["train"] and (retraining := _retraining(words)):
        return (
            f"what is finished is kept: go on without {retraining}, which would train it again; runs that are recorded "
            "count as finished then, so name those that are left with --variant, --seed and --retrain"
        )
    if words and words[0] in _GO_ON:
        return "what is finished is kept, and the same command again goes on from there"
    return "no file is half-written, and the same command again starts from the beginning"


def _retraining(words: list[str]) -> str | None:
    """What made `repro train` set finished runs aside: the option, or the variable that stands for it."""
    given = [word for word in words if word in ("--retrain", "--no-retrain")]
    if given:
        return given[-1] if given[-1] == "--retrain" else None
    said = os.environ.get("REPRO_RETRAIN", "").strip().lower()
    return "REPRO_RETRAIN" if said in ("1", "true", "t", "yes", "y", "on") else None


def _end(sentence: str, code: int) -> NoReturn:
    print(sentence, file=sys.stderr)
    sys.exit(code)

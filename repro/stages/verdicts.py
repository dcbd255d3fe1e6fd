"""The verdicts stage: the claims, run on a study's evidence."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from repro.errors import UserError
from repro.project import Project
from repro.verdicts.judging.ledger import evidence_to_judge


def verdicts_stage(project: Project, study: str) -> int:
    """Run the claims on a study's evidence; writes `verdicts.json`. Returns pytest's exit code."""
    evidence = project.evidence(study)
    if not evidence.is_dir():
        raise UserError(f"{evidence} does not exist; run `repro evaluate {study}` first")
    evidence_to_judge(evidence)  # what is wrong with it is reported here, once
    command = [sys.executable, "-m", "pytest", "claims/", "--report-only", "-q", "--no-header"]
    command += ["-p", "repro.verdicts.plugin", "-p", "no:cacheprovider", "-c", os.devnull]
    command += ["--rootdir", str(project.root), "--evidence", str(evidence)]
    command += ["--verdicts", str(project.results(study) / "verdicts.json")]
    # The caller's pytest settings and plugins are for tests: here they would select claims, or order and repeat them.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    # Ctrl-C is for this process, which then ends pytest; pytest itself would answer with a traceback.
    return subprocess.run(command, cwd=project.root, env=environment, preexec_fn=_leave_ctrl_c, check=False).returncode


def _leave_ctrl_c() -> None:
    """In a child before its program starts: ignore SIGINT, as that program then does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

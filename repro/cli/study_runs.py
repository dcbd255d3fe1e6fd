"""Commands beside the pipeline: what a study lacks, its evidence kept in git, a recorded run trained again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from repro.cli.options import StudyName, Workers
from repro.errors import UserError
from repro.project import Project


def plan(
    study: Annotated[str | None, typer.Argument(help="name of a study (default: all in params.yaml)")] = None,
    workers: Workers = None,
    prune: Annotated[bool, typer.Option("--prune", help="list runs and pictures that no study needs")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="with --prune: remove them")] = False,
    decide: Annotated[
        bool, typer.Option("--decide", help="what the study's seeds can decide, at what effect, with what power")
    ] = False,
    spread: Annotated[
        list[str] | None,
        typer.Option(
            help="with --decide: the runs' spread, from an evidence folder or as METRIC=SD (errors as fractions); "
            "may be repeated"
        ),
    ] = None,
) -> None:
    """What is done, running and missing; the hours, disk and memory that the rest will take."""
    from repro.stages.planning.plan import plan_study
    from repro.stages.planning.prune import prune_store

    project = Project.here()
    if spread and not decide:
        raise UserError("--spread is only read with --decide")
    if decide:
        from repro.stages.planning.decide import decide_plan

        for name in [study] if study else project.studies:
            decide_plan(project, name, spread or [], typer.echo)
    elif prune:
        prune_store(project, remove=yes, echo=typer.echo)
    else:
        plan_study(project, study, workers=workers, echo=typer.echo)


def record(study: StudyName) -> None:
    """Add the pipeline's evidence of a study to evidence/STUDY, which git keeps."""
    from repro.stages.finished.record import record_evidence

    typer.echo(record_evidence(Project.here(), study))


def repeat(
    evidence: Annotated[Path, typer.Argument(help="an evidence directory, for instance evidence/decay")],
    run: Annotated[str, typer.Option("--run", help="the beginning of a run's identity, or VARIANT/SEED", metavar="ID")],
    device: Annotated[str, typer.Option("--device", help="cpu, cuda, or cuda:1 and so on: one device")] = "cpu",
) -> None:
    """Train a recorded run again and compare every number; exit code 1 where one differs. Changes no evidence."""
    from repro.processes import leave_on_sigterm
    from repro.progress import say
    from repro.stages.finished.repeat import comparison_lines, repeat_run

    leave_on_sigterm()
    repetition = repeat_run(Project.here(), evidence, run, device=device, say=say)
    typer.echo("\n".join(comparison_lines(repetition)))
    if not repetition.equal:
        raise typer.Exit(1)

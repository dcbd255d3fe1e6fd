"""The commands that dvc.yaml runs as stages, in their order."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from repro.cli.options import Device, Placed, StudyName, Workers
from repro.errors import UserError
from repro.project import Project

if TYPE_CHECKING:
    from repro.stages.facts_file import Facts


def prepare(
    study: StudyName,
    workers: Workers = None,
    skip_bad: Annotated[
        bool, typer.Option(help="leave out pictures that cannot be decoded, and record their names")
    ] = False,
) -> None:
    """Decode, resize and pack a study's pictures (section 2 of the paper); resumes where it stopped."""
    from repro.stages.prepare import prepare_stage

    prepared = prepare_stage(Project.here(), study, workers=workers, skip_bad=skip_bad)
    counts = ", ".join(f"{count} {split}" for split, count in prepared.counts.items())
    typer.echo(f"{study}: {len(prepared.classes)} classes, {counts} pictures of {prepared.size} px")


def train(
    study: Annotated[str | None, typer.Argument(help="name of a file in studies/", metavar="STUDY")] = None,
    study_option: Annotated[
        str | None, typer.Option("--study", help="in place of the argument", metavar="STUDY")
    ] = None,
    variant: Annotated[list[str] | None, typer.Option(help="only this variant; may be repeated")] = None,
    seed: Annotated[list[int] | None, typer.Option(help="only this seed; may be repeated")] = None,
    workers: Workers = None,
    device: Device = "cpu",
    placement: Placed = "single",
    executor: Annotated[
        Literal["local", "ray"],
        typer.Option(help="where runs are trained: processes here, or the Ray cluster at RAY_ADDRESS"),
    ] = "local",
    retrain: Annotated[
        bool,
        typer.Option(
            envvar="REPRO_RETRAIN", help="train finished and recorded runs again, compare weights, set the old aside"
        ),
    ] = False,
    checkpoint_seconds: Annotated[
        float, typer.Option(min=0, help="seconds between checkpoints within an epoch")
    ] = 30.0,
) -> None:
    """Train a study's missing runs side by side; the same command again resumes."""
    from repro.net.table.placement import placement_named
    from repro.processes import die_with_parent, leave_on_sigterm
    from repro.stages.ranks.torchrun import launched_rank
    from repro.stages.train import train_stage

    placed = placement_named(placement)
    rank = launched_rank(placed)
    if study and study_option and study != study_option:
        raise UserError(f"--study {study_option}: the study was given as {study} already; name one")
    name = study or study_option
    if name is None:
        raise UserError("no study was named; give one of the files in studies/, for instance `repro train smoke`")
    if rank is not None:
        raise typer.Exit(_train_in_ranks(name, variant, seed, rank, device, retrain, checkpoint_seconds))
    if "DVC_STAGE" in os.environ:  # a killed dvc leaves its stage running, unseen
        die_with_parent(None)
    leave_on_sigterm()

    train_stage(
        Project.here(),
        name,
        workers=workers,
        device=device,
        placement=placed,
        executor=executor,
        variants=variant,
        seeds=seed,
        retrain=retrain,
        checkpoint_seconds=checkpoint_seconds,
    )


def _train_in_ranks(
    study: str,
    variants: list[str] | None,
    seeds: list[int] | None,
    rank: int,
    device: str,
    retrain: bool,
    checkpoint_seconds: float,
) -> int:
    """Apart, since the stage that DVC runs never comes here: `NOT_BY_DVC` in tests/pipeline/stage_code.py."""
    from repro.stages.ranks.train_ranks import train_one_run

    return train_one_run(Project.here(), study, variants, seeds, rank, device, retrain, checkpoint_seconds)


def facts() -> None:
    """Measure what statements on definitions need to know of the program's own nets; the same for every study."""
    from repro.stages.facts import facts_stage

    measured = facts_stage(Project.here()).fidelity
    counts = ", ".join(f"{len(measured_facts)} of fidelity {name}" for name, measured_facts in measured.items())
    typer.echo(f"facts about the net: {counts}")


def _measured_facts(project: Project) -> Facts:
    from repro.stages.facts import facts_stage

    return facts_stage(project)


def evaluate(
    study: StudyName,
    device: Annotated[str, typer.Option("--device", help="cpu, cuda, or cuda:1 and so on: one device")] = "cpu",
) -> None:
    """Measure a study's finished runs and write its evidence; says which runs are not trained yet."""
    from repro.stages.evaluate import evaluate_stage
    from repro.stages.facts_file import facts_of_nets

    # DVC has seen to the facts by another stage, and would take evidence with runs missing for up to date from then on.
    by_dvc = "DVC_STAGE" in os.environ
    fact_source = facts_of_nets if by_dvc else _measured_facts
    evidence = evaluate_stage(Project.here(), study, device=device, facts=fact_source, all_listed=by_dvc)
    typer.echo(f"{study}: evidence of {len(evidence.runs)} runs in {evidence.path}")


def verdicts(study: StudyName) -> None:
    """Run the claims on what the pipeline made of a study (pytest claims/ --report-only)."""
    from repro.stages.verdicts import verdicts_stage

    raise typer.Exit(verdicts_stage(Project.here(), study))


def report(
    study: Annotated[str | None, typer.Argument(help="a study (default: one page over all)", metavar="STUDY")] = None,
    every: Annotated[bool, typer.Option("--all", help="one page over all studies: results/report.html")] = False,
) -> None:
    """Write a study's report, or one page over all studies at hand: HTML files that work offline."""
    from repro.stages.report import report_stage

    if study is not None and every:
        raise UserError(f"--all: the page over all studies has no STUDY; leave {study} or --all out")
    if study is not None:
        typer.echo(f"{study}: report in {report_stage(Project.here(), study)}")
        return
    _report_on_all()


def _report_on_all() -> None:
    from repro.stages.report_all import report_all_stage

    path, names = report_all_stage(Project.here())
    typer.echo(f"{', '.join(names)}: report in {path}")

"""The command line: `repro COMMAND`, the same as `python -m repro COMMAND`.

Exit codes: 0 done; 1 something failed; 2 a mistake in what the user gave, told in one sentence.
Every command works on the project that holds the current folder.
"""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NoReturn

import typer

from repro.errors import UserError, mendable, missing_module
from repro.project import Project, project_here

if TYPE_CHECKING:
    from repro.data.layouts.layout import Layout
    from repro.stages.handed_on import Facts

app = typer.Typer(
    name="repro",
    help="Reproduce AlexNet (NIPS 2012) and test the paper's statements.",
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)

INTERRUPTED = 130  # Ctrl-C
_GO_ON = ("prepare", "train", "evaluate")
"""Commands that keep what they have finished when they are stopped."""

StudyName = Annotated[str, typer.Argument(help="name of a file in studies/, for instance smoke", metavar="STUDY")]
Workers = Annotated[
    int | None, typer.Option("--workers", min=1, help="processes or threads side by side [default: one a core]")
]
Device = Annotated[str, typer.Option("--device", help="cpu, cuda (every accelerator), or cuda:0 and so on")]
Placed = Annotated[
    str,
    typer.Option(
        "--placement",
        help="single; split: a tower on each of two devices; ranks: a tower in each of torchrun's two processes",
    ),
]


@app.command()
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


@app.command()
def train(
    study: Annotated[str | None, typer.Argument(help="name of a file in studies/", metavar="STUDY")] = None,
    study_option: Annotated[str | None, typer.Option("--study", help="the same, by name", metavar="STUDY")] = None,
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
            envvar="REPRO_RETRAIN", help="train finished runs anew and compare their weights; the old are set aside"
        ),
    ] = False,
    checkpoint_seconds: Annotated[
        float, typer.Option(min=0, help="seconds between checkpoints within an epoch")
    ] = 30.0,
) -> None:
    """Train a study's missing runs side by side; the same command again resumes."""
    from repro.net.table.placement import placement_named
    from repro.processes import die_with_parent, leave_on_sigterm
    from repro.stages.torchrun import launched_rank
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
    from repro.stages.train_ranks import train_one_run

    return train_one_run(Project.here(), study, variants, seeds, rank, device, retrain, checkpoint_seconds)


@app.command()
def facts() -> None:
    """Measure what statements on definitions need to know of the program's own nets; the same for every study."""
    from repro.stages.facts import facts_stage

    measured = facts_stage(Project.here()).fidelity
    told = ", ".join(f"{len(of_one)} of fidelity {name}" for name, of_one in measured.items())
    typer.echo(f"facts about the net: {told}")


def _measured_facts(project: Project) -> Facts:
    from repro.stages.facts import facts_stage

    return facts_stage(project)


@app.command()
def evaluate(
    study: StudyName,
    device: Annotated[str, typer.Option("--device", help="cpu, cuda, or cuda:1 and so on: one device")] = "cpu",
) -> None:
    """Measure a study's finished runs and write its evidence; says which runs are not trained yet."""
    from repro.stages.evaluate import evaluate_stage
    from repro.stages.handed_on import facts_of_nets

    known = facts_of_nets if "DVC_STAGE" in os.environ else _measured_facts  # by hand no stage has seen to them
    evidence = evaluate_stage(Project.here(), study, device=device, facts=known)
    typer.echo(f"{study}: evidence of {len(evidence.runs)} runs in {evidence.path}")


@app.command()
def verdicts(study: StudyName) -> None:
    """Run the claims on what the pipeline made of a study (pytest claims/ --report-only)."""
    from repro.stages.verdicts import verdicts_stage

    raise typer.Exit(verdicts_stage(Project.here(), study))


@app.command()
def report(
    study: Annotated[str | None, typer.Argument(help="name of a study [default: all]", metavar="STUDY")] = None,
    every: Annotated[bool, typer.Option("--all", help="one page over all studies that have verdicts")] = False,
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
    from repro.report.page.all_studies import write_all_studies

    path, names = write_all_studies(Project.here().root)
    typer.echo(f"{', '.join(names)}: report in {path}")


@app.command()
def plan(
    study: Annotated[str | None, typer.Argument(help="name of a study [default: all in params.yaml]")] = None,
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
    from repro.stages.plan import plan_study, prune_store

    project = Project.here()
    if spread and not decide:
        raise UserError("--spread is only read with --decide")
    if decide:
        from repro.stages.decide import decide_plan

        for name in [study] if study else project.studies:
            decide_plan(project, name, spread or [], typer.echo)
    elif prune:
        prune_store(project, remove=yes, echo=typer.echo)
    else:
        plan_study(project, study, workers=workers, echo=typer.echo)


@app.command()
def record(study: StudyName) -> None:
    """Add the pipeline's evidence of a study to evidence/STUDY, which git keeps."""
    from repro.stages.record import record_evidence

    typer.echo(record_evidence(Project.here(), study))


@app.command()
def repeat(
    evidence: Annotated[Path, typer.Argument(help="an evidence directory, for instance evidence/decay")],
    run: Annotated[str, typer.Option("--run", help="the beginning of a run's identity, or VARIANT/SEED", metavar="ID")],
    device: Annotated[str, typer.Option("--device", help="cpu, cuda, or cuda:1 and so on: one device")] = "cpu",
) -> None:
    """Train a recorded run again and compare every number; exit code 1 where one differs. Changes no evidence."""
    from repro.processes import leave_on_sigterm
    from repro.progress import say
    from repro.stages.repeat import repeat_run, told

    leave_on_sigterm()
    repetition = repeat_run(Project.here(), evidence, run, device=device, say=say)
    typer.echo("\n".join(told(repetition)))
    if not repetition.equal:
        raise typer.Exit(1)


@app.command()
def describe(
    fidelity: Annotated[str, typer.Option(help="paper, authors or modern")] = "paper",
    study: Annotated[str | None, typer.Option(help="describe a study's net instead")] = None,
    variant: Annotated[str, typer.Option(help="with --study: which variant")] = "base",
    classes: Annotated[int, typer.Option(min=2, help="classes")] = 1000,
    placement: Annotated[
        str | None, typer.Option(help="what each device holds and sends with single, split or ranks")
    ] = None,
    batch: Annotated[int, typer.Option(min=1, help="with --placement: pictures a step")] = 128,
    as_json: Annotated[bool, typer.Option("--json", help="for programs")] = False,
) -> None:
    """The layer table: shapes, parameters, neurons, multiply-adds; with --placement what devices hold and send."""
    from repro.net.table.describe import describe as describe_net
    from repro.net.table.describe import describe_text
    from repro.net.table.layers import layer_table
    from repro.net.table.placement import placement_named, placement_record, placement_text
    from repro.study.load import fidelity_net, load_study

    if study is None:
        net = fidelity_net(fidelity)
    else:
        resolved = load_study(Project.here().root, study)
        if variant not in resolved.settings:
            raise UserError(f"--variant {variant}: study {study} has {', '.join(resolved.settings)}")
        net = resolved.settings[variant].net
    if placement is not None:
        table, placed = layer_table(net, classes), placement_named(placement, net.towers)
        record = placement_record(table, placed, batch)
        typer.echo(json.dumps(record, indent=2) if as_json else placement_text(table, placed, batch), nl=as_json)
        return
    typer.echo(json.dumps(describe_net(net, classes), indent=2) if as_json else describe_text(net, classes))


@app.command()
def explain(
    statement: Annotated[str, typer.Argument(help="its id, for instance S38 or S61c (docs/claims.md)", metavar="ID")],
    evidence: Annotated[
        list[Path] | None,
        typer.Option(help="judge by this evidence directory; may be repeated [default: as pytest claims/]"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="for programs")] = False,
) -> None:
    """One statement whole: what it says, how it is tested, the evidence, the verdict, what would decide it."""
    from repro.verdicts.default_evidence import default_evidence
    from repro.verdicts.registry.registry import claims_folder
    from repro.verdicts.telling.explain import explanation
    from repro.verdicts.telling.explain_text import console_for, print_explanation

    root = Project.here().root
    told = explanation(root, claims_folder(root), statement, evidence or default_evidence(root))
    if as_json:
        typer.echo(json.dumps(told, indent=2))
    else:
        print_explanation(told, console_for())


@app.command()
def diff(
    before: Annotated[
        Path, typer.Argument(help="an evidence folder, or a file of verdicts (--verdicts FILE.json)", metavar="A")
    ],
    after: Annotated[Path, typer.Argument(help="another one of the same study", metavar="B")],
    as_json: Annotated[bool, typer.Option("--json", help="for programs")] = False,
) -> None:
    """Which verdicts two evidences do not share, and why; exit code 1 when there are any, 0 when there are none."""
    from repro.verdicts.registry.registry import claims_folder
    from repro.verdicts.telling.diff import verdict_diff
    from repro.verdicts.telling.diff_text import print_diff
    from repro.verdicts.telling.explain_text import console_for

    found = verdict_diff(claims_folder(Project.here().root), before, after)
    if as_json:
        typer.echo(json.dumps(found.as_json(), indent=2))
    else:
        print_diff(found, console_for())
    raise typer.Exit(1 if found.changes else 0)


@app.command()
def results() -> None:
    """The headline verdicts on all recorded evidence (evidence/), in seconds; docs/results.md has the rest."""
    from repro.verdicts.registry.registry import claims_folder
    from repro.verdicts.telling.headline import headline_lines, recorded_results

    root = Project.here().root
    typer.echo("\n".join(headline_lines(recorded_results(root, claims_folder(root)))))


@app.command("use-data")
def use_data(
    path: Annotated[Path, typer.Argument(help="a folder or archive; it is only read, never changed or copied")],
    name: Annotated[str, typer.Option("--as", help="its name: lower-case letters, digits, dashes")],
    verify: Annotated[bool, typer.Option(help="compare archives with the official digests; reads them once")] = False,
) -> None:
    """Register ImageNet, a subset of it or CIFAR-10: a small manifest under data/, tracked by data.dvc."""
    from repro.data.registration import track
    from repro.data.registration import use_data as register
    from repro.yaml_file import as_scalar

    root = Project.here().root
    manifest = register(path, name, root, verify=verify)
    track(root)
    counts = ", ".join(f"{count} {split}" for split, count in manifest["counts"].items())
    data = as_scalar(name)
    typer.echo(f"{name}: {manifest['layout']}, {len(manifest['classes'])} classes; {counts} pictures")
    _tell(manifest["notes"])
    typer.echo(
        f"Next: add `STUDY: {data}` under `studies:` in params.yaml (decay, towers, tiny, ...), then `dvc repro`."
    )


@app.command()
def subset(
    source: Annotated[str, typer.Argument(help="a registered data set's name, or a path (./NAME where both exist)")],
    out: Annotated[Path, typer.Argument(help="a new folder, in the ImageFolder layout")],
    classes: Annotated[int, typer.Option(min=2, help="how many classes")] = 20,
    per_class: Annotated[int, typer.Option(min=1, help="training pictures of each class")] = 500,
    held_out_per_class: Annotated[
        int | None, typer.Option(min=1, help="held-out pictures of each [default: all]")
    ] = None,
    size: Annotated[int, typer.Option(min=8, help="shorter side and crop, pixels")] = 64,
    seed: Annotated[int, typer.Option(min=0, help="of the choice")] = 0,
) -> None:
    """Make a downscaled subset of any recognised data set."""
    from repro.data.preparation.subset import make_subset

    layout = _pictures_called(source)
    _tell(layout.notes)
    make_subset(
        layout, out, classes=classes, per_class=per_class, size=size, seed=seed, held_out_per_class=held_out_per_class
    )
    typer.echo(
        f"{out}: {classes} classes of at most {per_class} pictures; register it with `repro use-data {out} --as NAME`"
    )


def _pictures_called(source: str) -> Layout:
    """The registered data set of that name; where there is none, the folder or archive at that path."""
    from repro.data.layouts.recognise import recognise
    from repro.data.registration import is_registered, open_data

    here, root = Path(source), project_here()
    if "/" in source or (os.path.lexists(here) and not (root and is_registered(root, source))):
        return recognise(here)
    layout = open_data(Project.here().root, source)
    if here.exists() and not Path(os.path.realpath(layout.root)).is_relative_to(os.path.realpath(here)):
        _tell([f"{source} is the registered data set ({layout.root}); write ./{source} for what bears that name here"])
    return layout


@app.command("make-pictures")
def make_pictures(
    folder: Annotated[Path, typer.Argument(help="where the archives go; data/procedural is the embedded set")],
    train_per_class: Annotated[int, typer.Option(min=1, help="training pictures of each class")] = 300,
    validation_per_class: Annotated[int, typer.Option(min=1, help="validation pictures of each class")] = 60,
    side: Annotated[int, typer.Option(min=16, help="pixels")] = 56,
    seed: Annotated[int, typer.Option(min=0, help="of every draw")] = 0,
) -> None:
    """Generate the procedural pictures, the same bytes each time, in ILSVRC2012's own layout."""
    from repro.data.procedural.data_set import make_procedural

    manifest = make_procedural(
        folder, train_per_class=train_per_class, validation_per_class=validation_per_class, side=side, seed=seed
    )
    typer.echo(f"{folder}: {len(manifest['classes'])} classes, {manifest['counts']['train']} training pictures")


def _tell(notes: Sequence[str]) -> None:
    """What should not pass unnoticed, a line each, beside a command's answer."""
    for note in notes:
        typer.echo(f"note: {note}", err=True)


def main() -> None:
    """Entry point: mistakes that the user can mend are one line and exit code 2."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a path may be bytes that the terminal has no letters for
            stream.reconfigure(errors="backslashreplace")
    try:
        code = app(standalone_mode=False)
    except UserError as error:
        _end(f"error: {error}", 2)
    except OSError as error:
        told = mendable(error)
        if told is None:
            raise
        _end(f"error: {told}", 2)
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
        if sys.argv[1:2] and sys.argv[1] in _GO_ON:
            _end("stopped; what is finished is kept, and the same command again goes on from there", INTERRUPTED)
        _end("stopped; no file is half-written, and the same command again starts from the beginning", INTERRUPTED)
    sys.exit(code if isinstance(code, int) else 0)


def _end(sentence: str, code: int) -> NoReturn:
    print(sentence, file=sys.stderr)
    sys.exit(code)

"""Commands that answer a question: about the net, a statement, two evidences, what is recorded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from repro.errors import UserError
from repro.project import Project

if TYPE_CHECKING:
    from repro.study.load import ResolvedStudy


def describe(
    fidelity: Annotated[str, typer.Option(help="paper, authors or modern")] = "paper",
    study: Annotated[str | None, typer.Option(help="describe a study's net instead")] = None,
    variant: Annotated[str, typer.Option(help="with --study: which variant")] = "base",
    classes: Annotated[
        int | None, typer.Option(min=2, help="number of classes (default: the study's; without --study 1000)")
    ] = None,
    placement: Annotated[
        str | None, typer.Option(help="what each device holds and sends with single, split or ranks")
    ] = None,
    batch: Annotated[int, typer.Option(min=1, help="with --placement: pictures a step")] = 128,
    as_json: Annotated[bool, typer.Option("--json", help="for programs")] = False,
) -> None:
    """The layer table: shapes, parameters, neurons, multiply-adds; with --placement what devices hold and send.

    Without options it is the paper's net; --study NAME and --variant NAME name another.
    """
    from repro.net.table.describe import describe as describe_net
    from repro.net.table.describe import describe_text
    from repro.net.table.layers import layer_table
    from repro.net.table.placement import placement_named, placement_record, placement_text
    from repro.study.load import fidelity_net, load_study

    outputs = classes or 1000
    if study is None:
        net = fidelity_net(fidelity)
    else:
        root = Project.here().root
        resolved = load_study(root, study)
        if variant not in resolved.settings:
            raise UserError(f"--variant {variant}: study {study} has {', '.join(resolved.settings)}")
        net = resolved.settings[variant].net
        outputs = classes or _classes_of(root, resolved)
    if placement is not None:
        table, placed = layer_table(net, outputs), placement_named(placement, net.towers)
        record = placement_record(table, placed, batch)
        typer.echo(json.dumps(record, indent=2) if as_json else placement_text(table, placed, batch), nl=as_json)
        return
    typer.echo(json.dumps(describe_net(net, outputs), indent=2) if as_json else describe_text(net, outputs))


def _classes_of(root: Path, resolved: ResolvedStudy) -> int:
    """How many classes a study has; UserError where that depends on pictures that are not registered."""
    from repro.data.registration import load_manifest

    data = resolved.settings["base"].data
    if isinstance(data.classes, int):
        return data.classes
    if isinstance(data.classes, tuple):
        return len(data.classes)
    return len(set(load_manifest(root, resolved.data_name)["classes"]) - set(data.exclude_classes))


def explain(
    statement: Annotated[str, typer.Argument(help="its id, for instance S38 or S61c (docs/claims.md)", metavar="ID")],
    evidence: Annotated[
        list[Path] | None,
        typer.Option(help="judge by this evidence directory; may be repeated (default: what `pytest claims/` reads)"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="for programs")] = False,
) -> None:
    """One statement whole: what it says, how it is tested, the evidence, the verdict, what would decide it."""
    from repro.verdicts.default_evidence import default_evidence
    from repro.verdicts.registry.registry import claims_folder
    from repro.verdicts.telling.explain import explanation
    from repro.verdicts.telling.explain_text import console_for, print_explanation

    root = Project.here().root
    explained = explanation(root, claims_folder(root), statement, evidence or default_evidence(root))
    if as_json:
        typer.echo(json.dumps(explained, indent=2))
    else:
        print_explanation(explained, console_for())


def diff(
    before: Annotated[
        Path, typer.Argument(help="an evidence folder, or a file of verdicts (--verdicts FILE.json)", metavar="A")
    ],
    after: Annotated[Path, typer.Argument(help="another one of the same study", metavar="B")],
    as_json: Annotated[bool, typer.Option("--json", help="for programs")] = False,
) -> None:
    """Compare the verdicts on two evidence folders and say why they differ; exit code 1 when any does."""
    from repro.verdicts.registry.registry import claims_folder
    from repro.verdicts.telling.diff import verdict_diff
    from repro.verdicts.telling.diff_text import print_diff
    from repro.verdicts.telling.explain_text import console_for

    difference = verdict_diff(claims_folder(Project.here().root), before, after)
    if as_json:
        typer.echo(json.dumps(difference.as_json(), indent=2))
    else:
        print_diff(difference, console_for())
    raise typer.Exit(1 if difference.changes else 0)


def results() -> None:
    """The headline verdicts on all recorded evidence (evidence/), in seconds; docs/results.md has the rest."""
    from repro.verdicts.registry.registry import claims_folder
    from repro.verdicts.telling.headline import headline_lines, recorded_results

    root = Project.here().root
    typer.echo("\n".join(headline_lines(recorded_results(root, claims_folder(root)))))

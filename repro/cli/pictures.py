"""Commands on pictures: registering them, making a subset, drawing procedural ones."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from repro.project import Project, project_here

if TYPE_CHECKING:
    from repro.data.layouts.layout import Layout


def use_data(
    path: Annotated[Path, typer.Argument(help="a folder or archive; it is only read, never changed or copied")],
    name: Annotated[str, typer.Option("--as", help="its name: lower-case letters, digits, dashes")],
    verify: Annotated[bool, typer.Option(help="compare archives with the official digests; reads them once")] = False,
) -> None:
    """Register pictures (ImageNet, Tiny-ImageNet, CIFAR-10, any image folder): a small manifest under data/."""
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


def subset(
    source: Annotated[str, typer.Argument(help="a registered data set's name, or a path (./NAME where both exist)")],
    out: Annotated[Path, typer.Argument(help="a new folder, in the ImageFolder layout")],
    classes: Annotated[int, typer.Option(min=2, help="how many classes")] = 20,
    per_class: Annotated[int, typer.Option(min=1, help="training pictures of each class")] = 500,
    held_out_per_class: Annotated[
        int | None, typer.Option(min=1, help="held-out pictures of each (default: all)")
    ] = None,
    size: Annotated[int, typer.Option(min=8, help="shorter side and crop, pixels")] = 64,
    seed: Annotated[int, typer.Option(min=0, help="seed of the random choice of classes and pictures")] = 0,
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


def make_pictures(
    folder: Annotated[Path, typer.Argument(help="where the archives go, e.g. data/procedural")],
    drawn: Annotated[str, typer.Option("--set", metavar="SET", help="procedural or parts")] = "procedural",
    train_per_class: Annotated[int | None, typer.Option(min=1, help="training pictures of each class")] = None,
    validation_per_class: Annotated[int | None, typer.Option(min=1, help="validation pictures of each class")] = None,
    side: Annotated[int | None, typer.Option(min=16, help="pixels")] = None,
    seed: Annotated[int, typer.Option(min=0, help="seed of every random draw")] = 0,
) -> None:
    """Draw an embedded set of pictures in ILSVRC2012's own layout; without numbers, the pictures that are embedded."""
    from repro.data.procedural import data_set

    manifest = data_set.make_pictures(
        folder, drawn, train_per_class=train_per_class, validation_per_class=validation_per_class, side=side, seed=seed
    )
    typer.echo(f"{folder}: {len(manifest['classes'])} classes, {manifest['counts']['train']} training pictures")


def _tell(notes: Sequence[str]) -> None:
    """What should not pass unnoticed, a line each, beside a command's answer."""
    for note in notes:
        typer.echo(f"note: {note}", err=True)

"""Arguments and options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

StudyName = Annotated[str, typer.Argument(help="name of a file in studies/, for instance smoke", metavar="STUDY")]
Workers = Annotated[
    int | None, typer.Option("--workers", min=1, help="processes or threads side by side (default: one a core)")
]
Device = Annotated[
    str,
    typer.Option(
        "--device",
        help="cpu, cuda (every accelerator), or cuda:0 and so on; cuda:0+graph captures the update as a CUDA graph",
    ),
]
Placed = Annotated[
    str,
    typer.Option(
        "--placement",
        help="single; split: a tower on each of two devices; ranks: a tower in each of torchrun's two processes",
    ),
]

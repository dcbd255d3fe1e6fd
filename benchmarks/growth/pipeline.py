"""Time and memory of `prepare` against pictures; seconds of verdicts, `dvc repro` and reports against runs."""

from __future__ import annotations

from collections.abc import Iterator

from simplejpeg import decode_jpeg

from benchmarks.alternation import clock_seconds, processor_seconds
from benchmarks.drawn_pictures import image_folder, jpeg
from benchmarks.finished_project import STUDY, finished_project, made_up_study
from benchmarks.growth.points import Point
from benchmarks.preparing import afresh, peak_memory
from benchmarks.processes import command_seconds
from benchmarks.projects import folder
from benchmarks.starting import VERDICTS, done_again
from repro.data.registration import use_data
from tests.project_copy import ROOT

SMALL = 64
"""Side of the pictures that are prepared in large numbers."""


def preparing(tiny: bool) -> Iterator[Point]:
    """Small pictures, one core; the decoder's own time is the limit."""
    content = jpeg(0, (SMALL, SMALL))
    decode = min(processor_seconds(lambda: decode_jpeg(content), 50)() for _ in range(2 if tiny else 20))
    for count in (100,) if tiny else (1_000, 3_000, 10_000, 30_000, 100_000):
        with folder() as parent:
            use_data(image_folder(parent / "made", count, (SMALL, SMALL)), "drawn", parent)
            seconds = clock_seconds(lambda parent=parent: afresh(parent, workers=1, size=56))()  # type: ignore[misc]
            memory = peak_memory(parent, size=56)
        read = 1.1 * count  # the held-out ones too
        yield Point(
            figure="prepare, time",
            series="prepare",
            x_name="training pictures",
            x=count,
            y_name="s",
            y=seconds,
            limit=read * decode,
            limit_name="decoding alone",
        )
        yield Point(
            figure="prepare, memory",
            series="anonymous memory",
            x_name="training pictures",
            x=count,
            y_name="MB",
            y=memory,
        )


def evidence(tiny: bool) -> Iterator[Point]:
    """Commands by the clock, the better of two, on made-up evidence of ten variants."""
    for runs in (10,) if tiny else (10, 30, 100, 300, 1_000):
        variants = 5 if runs < 100 else 10
        made = made_up_study(variants, runs // variants)
        with folder() as parent:
            project = finished_project(parent / "project", made)
            judged = ("--evidence", str(project / "results" / STUDY / "evidence"))
            for name, measure in (
                ("pytest claims/", lambda judged=judged: command_seconds(ROOT, *VERDICTS, *judged)),
                ("dvc repro, all done", lambda project=project: done_again(project)),
                ("repro report", lambda project=project: command_seconds(project, "repro", "report", STUDY)),
            ):
                seconds = min(measure() for _ in range(1 if tiny else 2))  # type: ignore[no-untyped-call]
                yield Point(figure="runs", series=name, x_name="runs", x=runs, y_name="s", y=seconds)

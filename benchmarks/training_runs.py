"""Whole runs: by `repro train` beside their bare steps, measured by `repro evaluate`, and side by side on two cores."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from benchmarks.processes import command_seconds, watched_memory
from benchmarks.projects import STUDY, folder, project_with_pictures, scaled_study
from benchmarks.results import Record, compared, measured
from benchmarks.training_step import helpers, request
from repro.files import write_json
from repro.project import Project
from repro.runs.grid import GridRun
from repro.runs.prepared_study import PreparedStudy, prepared_pictures
from repro.stages.facts_file import FACTS_SCHEMA
from repro.stages.prepare import prepare_stage
from repro.study.load import load_study
from repro.study.settings import RunSettings

WORKER = "multiprocessing.forkserver"
"""In the command lines of runs' processes: they are forked, and keep the command line of their server."""


def whole_run(tiny: bool) -> Iterable[Record]:
    """`repro train` beside bare steps; memory of its worker; `repro evaluate` beside the training."""
    rounds = 1 if tiny else 2
    seeds = list(range(1, rounds + 1))
    with folder() as parent:
        root = project_with_pictures(parent / "project", scaled_study(seeds, tiny, epochs=40))
        prepare_stage(Project(root), STUDY, workers=1)
        settings = load_study(root, STUDY).settings["base"]
        steps = total_steps(root, settings)
        forward_passes = curve_batches(prepared_pictures(Project(root), STUDY).counts, settings)
        bare: list[float] = []
        curves: list[float] = []
        whole: list[float] = []
        most: dict[str, float] = {}
        forms = ("ours", "forward")
        with helpers({form: request(form, settings, 10, settings.training.batch_size) for form in forms}) as started:
            short = 2 if tiny else 150
            for helper in started.values():
                helper.ask("2")
            for seed in seeds:
                before = started["ours"].ask(str(short))["clock"]
                # Seldom: the kernel walks all pages for it. What was taken once is kept, so that no peak is missed.
                with watched_memory(WORKER, every=5.0) as memory:
                    whole.append(command_seconds(root, *train(1), "--seed", str(seed)))
                after = started["ours"].ask(str(short))["clock"]
                bare.append(steps * (before + after) / 2)
                curves.append(forward_passes * started["forward"].ask(str(short))["clock"])
                most = {key: max(value, most.get(key, 0.0)) for key, value in memory.items()}
        command_seconds(root, *train(1))  # trains nothing: writes the list of runs
        # The facts are made once for all studies; here there are none.
        write_json(Project(root).facts_file, {"schema": FACTS_SCHEMA, "fidelity": {}})
        measuring = command_seconds(root, "repro", "evaluate", STUDY, DVC_STAGE="evaluate")
    yield compared(
        "whole run",
        f"`repro train` of a run of {steps:,.0f} steps: start, batches, learning curve, checkpoints, final record",
        f"{steps:,.0f} bare steps of the same net on a batch in memory",
        whole,
        bare,
        "s",
        ratio_of="ours / peer",
        target=1.1,
        goal="at most",
        note=f"The forward passes of its learning curve alone take {sum(curves) / sum(bare):.1%} of the steps.",
    )
    yield compared(
        "measuring a run",
        f"`repro evaluate` of {len(seeds)} such runs side by side on two cores",
        "training them side by side; they are half as long as those of studies/decay.yaml",
        [measuring],
        [sum(whole) / len(whole)],
        "s",
        ratio_of="ours / peer",
        target=0.1,
        goal="at most",
    )
    for name, what, target in (
        ("private", "in no other process", 500.0),
        (
            "anonymous",
            "of no file: private memory, and what importing torch left, which all runs' processes share",
            None,
        ),
        ("resident", "all of it that is in memory", None),
    ):
        if name in most:
            told = f"memory of the one process that trains such a run, the largest seen: {what} (smaps_rollup)"
            yield measured(f"worker, {name}", told, [most[name]], "MB", target=target)


def grid(tiny: bool) -> Iterable[Record]:
    """Eight short runs side by side, and one after another with two threads: once each, since it takes a minute."""
    runs = 2 if tiny else 8
    with folder() as parent:
        ours, peer = parent / "ours", parent / "peer"
        for root in (ours, peer):
            project_with_pictures(root, scaled_study(list(range(1, runs + 1)), tiny, epochs=4))
            prepare_stage(Project(root), STUDY, workers=1)
        side_by_side = [command_seconds(ours, *train(2))]
        one_by_one = [command_seconds(peer, "benchmarks.training_runs", str(peer))]
    yield compared(
        "grid on two cores",
        f"`repro train` of {runs} runs of 250 steps of the scaled net, two side by side",
        "the same runs one after another in one process with two threads",
        side_by_side,
        one_by_one,
        "s",
        target=1.3,
    )


def train(workers: int) -> list[str]:
    return ["repro", "train", STUDY, "--workers", str(workers)]


def total_steps(root: Path, settings: RunSettings) -> float:
    """Whole batches that a run of the prepared study sees: the last one of an epoch may be a part of one."""
    pictures = prepared_pictures(Project(root), STUDY).counts["train"]
    return float(pictures * settings.training.epochs / settings.training.batch_size)


def curve_batches(counts: Mapping[str, int], settings: RunSettings) -> float:
    """Batches that a run's learning curve classifies, of so many prepared pictures."""
    training = settings.training
    points = training.epochs // training.curve_every + (training.epochs % training.curve_every > 0)
    pictures = sum(min(training.curve_pictures, counts[split]) for split in ("train", "held_out"))
    return points * pictures / training.batch_size


def cells_of(root: Path) -> list[GridRun]:
    """The runs of the prepared study."""
    return PreparedStudy.of(Project(root), STUDY).runs().report


def one_after_another(root: Path, threads: int = 2) -> None:
    """Train all runs of the study in this process."""
    import torch

    from repro.data.packed import open_packed
    from repro.training.loop import Training

    torch.set_num_threads(threads)
    for cell in cells_of(root):
        cell.run.create(cell.spec, {})
        packed = open_packed(cell.run.store / cell.spec.pictures)
        Training(cell.run, packed, torch.device("cpu")).train()


if __name__ == "__main__":
    start = time.perf_counter()
    one_after_another(Path(sys.argv[1]))
    print(f"{time.perf_counter() - start:.1f} s")

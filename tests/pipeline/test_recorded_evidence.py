"""What is recorded in git can be read by this version, says where it comes from, and holds no pictures."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from repro.evidence.directory import FILES, Evidence, load_evidence
from repro.evidence.doubts import contradictions
from repro.stages.finished.record import SIZE_LIMIT_BYTES
from tests.project_copy import ROOT

RECORDED = sorted(path.parent for path in (ROOT / "evidence").glob("*/study.json"))
Shape = Callable[[dict[str, int]], tuple[int, ...]]
SHAPES: dict[str, tuple[str, Shape]] = {
    "held_out_correct": ("uint8", lambda n: (-(-n["held_out"] // 8),)),
    "ten_view_correct": ("uint8", lambda n: (-(-n["views"] // 8),)),
    "ten_view_centre_correct": ("uint8", lambda n: (-(-n["views"] // 8),)),
    "conv1": ("float32", lambda n: (n["kernels"], 3, n["side"], n["side"])),
    "conv1_initial": ("float32", lambda n: (n["kernels"], 3, n["side"], n["side"])),
    "conv1_live": ("bool", lambda n: (n["kernels"],)),
    "conv1_chroma_response": ("float32", lambda n: (n["kernels"],)),
    "conv1_chroma_response_initial": ("float32", lambda n: (n["kernels"],)),
    "conv1_points_step": ("int32", lambda n: (n["points"],)),
    "conv1_points_chroma_response": ("float16", lambda n: (n["points"], n["kernels"])),
    "conv1_points_division": ("float16", lambda n: (n["points"],)),
    "conv2_input_vector": ("float32", lambda n: (n["kernels"],)),
}
"""Every array that a run may have, by docs/evidence.md: bits of outcomes, kernels, and numbers per kernel."""
LARGEST_KERNEL = 11
"""Pixels a side: the paper's first layer, far below any picture."""


@pytest.fixture(scope="module", params=RECORDED, ids=lambda path: path.name)
def evidence(request: pytest.FixtureRequest) -> Evidence:
    return load_evidence(request.param)


def sizes(evidence: Evidence, identity: str) -> dict[str, int]:
    run = next(run for run in evidence.runs if run.identity == identity)
    kernels = evidence.array(identity, "conv1")
    steps = evidence.arrays.get(f"{identity}/conv1_points_step", np.zeros(0))
    return {
        "held_out": int(run.scalars["held_out_pictures"]),
        "views": int(run.scalars["view_pictures"]),
        "kernels": len(kernels),
        "side": kernels.shape[-1],
        "points": len(steps),
    }


def unexpected(evidence: Evidence) -> list[str]:
    """Arrays that are none of those described, or of another shape or type."""
    identities = {run.identity for run in evidence.runs}
    found = []
    for name, array in evidence.arrays.items():
        whose, _, what = name.partition("/")
        expected: tuple[str, tuple[int, ...]] | None = None
        if whose in identities and what in SHAPES:
            kind, shape = SHAPES[what]
            expected = kind, shape(sizes(evidence, whose))
        elif re.fullmatch(r"ensemble/[a-z0-9_]+/\d+(\+\d+)*(/ten_views|/ten_views_top5)?", name):
            of = sizes(evidence, evidence.of(name.split("/")[1])[0].identity)
            expected = "uint8", (-(-of["views" if "/ten_views" in name else "held_out"] // 8),)
        if (str(array.dtype), array.shape) != expected:
            found.append(f"{name}: {array.dtype} {array.shape}, not {expected}")
    return found


def test_some_evidence_is_recorded() -> None:
    assert RECORDED


def test_it_reloads_and_nothing_speaks_against_it(evidence: Evidence) -> None:
    assert evidence.runs
    assert evidence.study.study == evidence.path.name
    assert contradictions(evidence) == []


def test_it_is_small_and_holds_its_files_alone(evidence: Evidence) -> None:
    files = list(evidence.path.iterdir())
    assert sorted(path.name for path in files) == sorted(FILES)
    assert sum(path.stat().st_size for path in files) < SIZE_LIMIT_BYTES


def test_its_arrays_are_those_described_and_no_pictures(evidence: Evidence) -> None:
    assert unexpected(evidence) == []
    kernels = [array for name, array in evidence.arrays.items() if array.ndim == 4]
    assert kernels
    assert max(max(array.shape[2:]) for array in kernels) <= LARGEST_KERNEL
    assert evidence.study.data["crop"] > LARGEST_KERNEL


def test_every_array_is_described_in_the_docs() -> None:
    described = (ROOT / "docs" / "evidence.md").read_text().partition("## Arrays")[2]
    assert [name for name in SHAPES if f"| `{name}` |" not in described] == []


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("pictures", np.zeros((10, 64, 64, 3), np.uint8)),
        ("conv1_live", np.zeros((64, 64, 3), np.uint8)),
        ("held_out_correct", np.zeros(64 * 64 * 3, np.uint8)),
    ],
)
def test_a_picture_under_any_name_would_be_found(name: str, array: npt.NDArray[np.uint8]) -> None:
    known = load_evidence(RECORDED[0])
    identity = known.runs[0].identity
    spoilt = Evidence(known.path, known.study, known.runs, known.facts, {**known.arrays, f"{identity}/{name}": array})
    assert [line.partition(":")[0] for line in unexpected(spoilt)] == [f"{identity}/{name}"]


def test_it_says_where_it_comes_from(evidence: Evidence) -> None:
    study = evidence.study
    assert re.fullmatch(r"[0-9a-f]{40}(\+changes)?", study.git_commit or "")
    assert re.fullmatch(r"[0-9a-f]{64}", study.data["digest"])
    assert {"python", "torch", "numpy", "alexnet-repro"} <= set(study.versions)
    assert {"system", "processor", "cores", "cpu_capability"} <= set(study.machine)
    for run in evidence.runs:
        assert {"versions", "machine", "device", "threads", "training_version", "tensors_digest"} <= set(run.provenance)
        assert {"python", "torch", "numpy", "alexnet-repro"} <= set(run.provenance["versions"])


def test_no_other_folder_stands_among_them() -> None:
    folders: list[Path] = [path for path in (ROOT / "evidence").iterdir() if not path.name.startswith(".")]
    assert sorted(folders) == RECORDED


def test_git_does_not_see_what_a_killed_writer_left() -> None:
    assert ".writing-*" in (ROOT / ".gitignore").read_text().splitlines()

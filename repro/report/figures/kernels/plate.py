"""One picture of what first layers learned: two-tower nets beside dense nets, each with its J (section 6.1, Figure 3).

Learned kernels only, no picture of a data set. The seeds are the first registered ones: nobody picked them. Letters are
those that come with Pillow as a bitmap, so the same evidence gives the same pixels on every machine.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from repro.evidence.directory import Evidence
from repro.report.drawing.kernel_images import Pixels, sheet
from repro.report.figures.kernels.tower_kernels import Tower, TowerKernels, tower_kernels
from repro.verdicts.finding import NotEvaluated

VARIANTS = ("base", "dense")
MOST_SEEDS = 6
COLUMNS = 8
"""Kernels of a tower in a row of the picture."""
ZOOM = 4
BETWEEN_TOWERS, BETWEEN_NETS, BETWEEN_ROWS, MARGIN = 8, 28, 12, 8
INK = 60


def kernel_plate(evidence: Evidence) -> Pixels | None:
    """RGB pixels (height, width, 3); None where the evidence has no kernels of base or dense nets."""
    columns = [column for name in VARIANTS if (column := _column(evidence, name)) is not None]
    return _framed(_beside(columns, BETWEEN_NETS)) if columns else None


def words_alone(text: str) -> Pixels:
    """A plate that says something in place of kernels."""
    return _framed(_letters(text))


def _column(evidence: Evidence, variant: str) -> Pixels | None:
    """The nets of a variant, one below the other."""
    recorded = {run.seed: run for run in evidence.of(variant)}
    chosen = [recorded[seed] for seed in evidence.study.seeds[:MOST_SEEDS] if seed in recorded]
    nets = [kernels for run in chosen if (kernels := tower_kernels(evidence, run)) is not None]
    if not nets:
        return None
    towers = evidence.study.settings.get(variant, {}).get("net", {}).get("towers", 2 if variant == "base" else 1)
    title = "two towers, side by side" if towers == 2 else "dense net, cut into halves"
    return _below([_letters(title), *(_net(net) for net in nets)], BETWEEN_ROWS)


def _net(net: TowerKernels) -> Pixels:
    """Seed and J above the two towers."""
    j = "none" if isinstance(net.division, NotEvaluated) else f"{net.division.j:.2f}"
    towers = _beside([_tower(tower) for tower in net.towers], BETWEEN_TOWERS)
    return _below([_letters(f"seed {net.run.seed}   J = {j}"), towers], ZOOM)


def _tower(tower: Tower) -> Pixels:
    """Live kernels from the least to the most coloured, then the others, pale; on white."""
    small = sheet([kernel.weights for kernel in tower.kernels], [not kernel.live for kernel in tower.kernels], COLUMNS)
    opacity = small[..., 3:].astype(np.float64) / 255
    flat = np.rint(small[..., :3] * opacity + 255 * (1 - opacity)).astype(np.uint8)
    return flat.repeat(ZOOM, axis=0).repeat(ZOOM, axis=1)


def _letters(text: str) -> Pixels:
    """A line of text, grey on white."""
    font = ImageFont.load_default_imagefont()
    _, _, wide, high = font.getbbox(text)
    drawn = Image.new("L", (round(wide), round(high)), 255)
    ImageDraw.Draw(drawn).text((0, 0), text, fill=INK, font=font)
    return np.asarray(drawn.convert("RGB"), dtype=np.uint8)


# ---- putting pixels together -----------------------------------------------------------------------


def _beside(parts: Sequence[Pixels], gap: int) -> Pixels:
    high = max(part.shape[0] for part in parts)
    return np.concatenate(_with_gaps((_padded(part, high, part.shape[1]) for part in parts), gap, axis=1), axis=1)


def _below(parts: Sequence[Pixels], gap: int) -> Pixels:
    wide = max(part.shape[1] for part in parts)
    return np.concatenate(_with_gaps((_padded(part, part.shape[0], wide) for part in parts), gap, axis=0), axis=0)


def _with_gaps(parts: Iterable[Pixels], gap: int, axis: int) -> list[Pixels]:
    spaced: list[Pixels] = []
    for part in parts:
        if spaced:
            shape: list[int] = list(part.shape)
            shape[axis] = gap
            spaced.append(_white(*shape))
        spaced.append(part)
    return spaced


def _padded(part: Pixels, high: int, wide: int) -> Pixels:
    whole = _white(high, wide, 3)
    whole[: part.shape[0], : part.shape[1]] = part
    return whole


def _framed(part: Pixels) -> Pixels:
    high, wide, _ = part.shape
    whole = _white(high + 2 * MARGIN, wide + 2 * MARGIN, 3)
    whole[MARGIN : MARGIN + high, MARGIN : MARGIN + wide] = part
    return whole


def _white(*shape: int) -> npt.NDArray[Any]:
    return np.full(shape, 255, dtype=np.uint8)

"""Gabor fits find the orientation, the frequency and the energy that were put in."""

from __future__ import annotations

import numpy as np
import pytest

from repro.report.figures.gabor import fit_gabor
from repro.report.figures.gabor_figure import gabor_figure
from tests.report.made_up_study import arrays_of, collapsed_run, made_up_study, run_record


def stripes(degrees: float, period: float, *, side: int = 11, width: float = 2.5, noise: float = 0.0) -> np.ndarray:
    """Stripes that run at this angle to the horizontal, in one colour, under a Gaussian."""
    y, x = np.meshgrid(np.arange(side) - side // 2, np.arange(side) - side // 2, indexing="ij")
    angle = np.deg2rad(degrees)
    across = x * np.sin(angle) + y * np.cos(angle)  # rows count downwards
    pattern = np.exp(-(x**2 + y**2) / (2 * width**2)) * np.cos(2 * np.pi * across / period + 0.7)
    kernel = np.asarray([1.0, 0.5, -0.2])[:, None, None] * pattern
    return np.asarray(kernel + np.random.default_rng(0).normal(0, noise, kernel.shape))


@pytest.mark.parametrize("degrees", [0, 20, 45, 90, 110, 160])
@pytest.mark.parametrize("period", [4.0, 6.5])
def test_orientation_and_period_are_found(degrees: float, period: float) -> None:
    fit = fit_gabor(stripes(degrees, period, noise=0.03))
    assert fit is not None
    assert min(abs(fit.orientation - degrees), 180 - abs(fit.orientation - degrees)) < 2
    assert 1 / fit.frequency == pytest.approx(period, rel=0.05)
    assert fit.explained > 0.95
    assert np.abs(fit.picture - stripes(degrees, period)).max() < 0.15


def test_noise_is_explained_badly_and_nothing_not_at_all() -> None:
    noise = np.random.default_rng(1).normal(0, 1, (3, 11, 11))
    found = fit_gabor(noise)
    assert found is not None
    assert found.explained < 0.5
    assert fit_gabor(np.zeros((3, 11, 11))) is None
    assert fit_gabor(np.full((3, 5, 5), np.nan)) is None
    assert fit_gabor(np.ones((3, 2, 2))) is None


def test_the_figure_orders_striped_kernels_by_angle_and_puts_blobs_last() -> None:
    run = run_record("base", 10)
    arrays = arrays_of([run], count=6, side=11, dead=0)
    gaussian = np.exp(-((np.arange(11) - 5.0) ** 2) / 12)
    blob = np.broadcast_to(np.outer(gaussian, gaussian), (3, 11, 11))
    kernels = [stripes(120, 5), blob, stripes(10, 5), stripes(60, 5), blob, stripes(90, 5)]
    arrays[f"{run.identity}/conv1"] = np.asarray(kernels, dtype=np.float32)
    figure = gabor_figure(made_up_study([run], arrays=arrays, variants=("base",), seeds=(10,)))
    assert figure is not None
    assert [kernel.number for kernel in figure.kernels][:4] == [2, 3, 5, 0]
    assert [kernel.blob for kernel in figure.kernels] == [False] * 4 + [True] * 2
    assert len(figure.points) == 4
    vertical = figure.points[2]
    assert abs(vertical.x) < 5
    assert vertical.y < 0, "stripes that stand upright stand at the top"


def test_no_live_kernels_no_figure() -> None:
    assert gabor_figure(made_up_study([collapsed_run("base", 10)])) is None
    assert gabor_figure(made_up_study(arrays={})) is None

"""Response normalisation against the printed formula, term by term."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from repro.net.normalisation import CrossMapNormalisation, SpatialNormalisation
from repro.net.table.layers import NormalisationRule

PAPER = NormalisationRule(size=5, k=2.0, alpha=1e-4, beta=0.75, blocks=1)


def by_the_formula(a: Tensor, rule: NormalisationRule, blocks: int) -> Tensor:
    """Section 3.3's formula, one map at a time; N is the number of maps of a block."""
    parts = []
    for block in a.chunk(blocks, 1):
        maps = block.shape[1]
        for i in range(maps):
            first, last = max(0, i - rule.size // 2), min(maps - 1, i + rule.size // 2)
            total = sum((block[:, j] ** 2 for j in range(first, last + 1)), torch.zeros_like(block[:, 0]))
            parts.append(block[:, i] / (rule.k + rule.alpha * total) ** rule.beta)
    return torch.stack(parts, 1)


rules = st.builds(
    NormalisationRule,
    size=st.integers(1, 9),
    k=st.sampled_from([1.0, 2.0]),
    alpha=st.sampled_from([1e-4, 0.41, 3.0]),
    beta=st.sampled_from([0.75, 0.5, 1.0]),
    blocks=st.just(1),
)


@given(rule=rules, blocks=st.integers(1, 3), maps=st.integers(1, 7), seed=st.integers(0, 1000))
@settings(max_examples=60, deadline=None)
def test_values_and_gradients_agree_with_the_formula(
    rule: NormalisationRule, blocks: int, maps: int, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    a = (3 * torch.randn(2, maps * blocks, 3, 2, generator=generator, dtype=torch.float64)).requires_grad_()
    weights = torch.randn(2, maps * blocks, 3, 2, generator=generator, dtype=torch.float64)
    ours = CrossMapNormalisation(rule, maps * blocks, blocks)(a)
    expected = by_the_formula(a, rule, blocks)
    torch.testing.assert_close(ours, expected, rtol=1e-10, atol=1e-10)
    (gradient,) = torch.autograd.grad((ours * weights).sum(), a)
    (wanted,) = torch.autograd.grad((expected * weights).sum(), a)
    torch.testing.assert_close(gradient, wanted, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("beta", [0.75, 0.6])
def test_gradients_by_finite_differences(beta: float) -> None:
    rule = NormalisationRule(size=5, k=2.0, alpha=0.4, beta=beta, blocks=1)
    a = torch.randn(1, 8, 2, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(CrossMapNormalisation(rule, 8, 2), a)
    assert torch.autograd.gradcheck(SpatialNormalisation(rule), a)


LAYOUTS = (torch.contiguous_format, torch.channels_last)


@pytest.mark.parametrize("beta", [0.75, 0.6])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("of_gradient", LAYOUTS)
def test_a_backward_pass_that_may_overwrite_gives_the_same_bits(
    beta: float, layout: torch.memory_format, of_gradient: torch.memory_format
) -> None:
    """Gradients come in another layout than the maps where a fully connected layer follows."""
    module = CrossMapNormalisation(NormalisationRule(size=5, k=2.0, alpha=0.4, beta=beta, blocks=1), 16, 2)
    generator = torch.Generator().manual_seed(0)
    a, gradient = (torch.randn(4, 16, 7, 7, generator=generator) for _ in range(2))
    a = a.contiguous(memory_format=layout).requires_grad_()
    gradient = gradient.contiguous(memory_format=of_gradient)
    kept, overwritten = module(a), module(a, backward_once=True)
    assert torch.equal(kept, overwritten)
    one, two = (torch.autograd.grad(values, a, gradient)[0] for values in (kept, overwritten))
    assert torch.equal(one, two)
    assert one.stride() == two.stride()


def test_what_was_overwritten_is_not_read_again() -> None:
    a = torch.randn(2, 8, 2, 3, requires_grad=True)
    values = CrossMapNormalisation(PAPER, 8, 2)(a, backward_once=True)
    gradient = torch.randn(2, 8, 2, 3)
    torch.autograd.grad(values, a, gradient, retain_graph=True)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        torch.autograd.grad(values, a, gradient)


@pytest.mark.parametrize(
    ("alpha", "expected"),
    [
        (1e-4, [5.651838, 10.708635, 14.866753, 17.999544, 22.735027, 27.944183]),
        (2e-5, [5.884357, 11.631335, 17.135998, 22.295521, 27.946353, 33.745586]),
    ],
)
def test_reference_values_as_printed_and_as_the_authors_ran_it(alpha: float, expected: list[float]) -> None:
    rule = NormalisationRule(size=5, k=2.0, alpha=alpha, beta=0.75, blocks=1)
    a = torch.tensor([10.0, 20, 30, 40, 50, 60], dtype=torch.float64).view(1, 6, 1, 1)
    assert CrossMapNormalisation(rule, 6, 1)(a).flatten().tolist() == pytest.approx(expected, abs=5e-7)


def test_torchs_own_form_divides_alpha_by_the_size() -> None:
    a = 50 * torch.randn(2, 12, 4, 4, dtype=torch.float64)
    theirs = F.local_response_norm(a, 5, alpha=5e-4, beta=0.75, k=2.0)
    torch.testing.assert_close(CrossMapNormalisation(PAPER, 12, 1)(a), theirs, rtol=1e-10, atol=1e-10)


def test_blocks_never_mix() -> None:
    a = torch.randn(1, 12, 2, 2, dtype=torch.float64)
    rule = NormalisationRule(size=5, k=2.0, alpha=0.4, beta=0.75, blocks=2)
    changed = a.clone()
    changed[:, 6:] *= 7
    before, after = (CrossMapNormalisation(rule, 12, 2)(x) for x in (a, changed))
    assert torch.equal(before[:, :6], after[:, :6])
    whole = CrossMapNormalisation(rule, 12, 1)(a)
    touched = (whole - before).abs().amax((0, 2, 3)).nonzero().flatten().tolist()
    assert touched == [4, 5, 6, 7]


def test_neighbours_inhibit_one_another() -> None:
    rule = NormalisationRule(size=5, k=2.0, alpha=0.4, beta=0.75, blocks=1)
    a = torch.rand(8, dtype=torch.float64) + 0.1
    jacobian = torch.autograd.functional.jacobian(
        lambda x: CrossMapNormalisation(rule, 8, 1)(x.view(1, 8, 1, 1)).flatten(), a
    )
    for i in range(8):
        for j in range(8):
            if i != j:
                assert (jacobian[i, j] < 0) == (abs(i - j) <= 2)


def test_the_scale_is_k_where_nothing_is_active() -> None:
    module = CrossMapNormalisation(PAPER, 6, 1)
    assert torch.equal(module.scale(torch.zeros(1, 6, 2, 2)), torch.full((1, 6, 2, 2), 2.0))
    a = torch.tensor([10.0, 20, 30, 40, 50, 60], dtype=torch.float64).view(1, 6, 1, 1)
    assert module.scale(a).flatten()[0].item() == pytest.approx(2 + 1e-4 * (100 + 400 + 900))


def test_the_spatial_form_against_a_loop() -> None:
    rule = NormalisationRule(size=5, k=1.0, alpha=4e-2, beta=0.75, blocks=1)
    a = 5 * torch.randn(2, 3, 7, 6, dtype=torch.float64)
    padded = F.pad(a, (2, 2, 2, 2))
    expected = torch.empty_like(a)
    for y in range(7):
        for x in range(6):
            total = (padded[:, :, y : y + 5, x : x + 5] ** 2).sum((2, 3))
            expected[:, :, y, x] = a[:, :, y, x] / (1 + 4e-2 * total) ** 0.75
    torch.testing.assert_close(SpatialNormalisation(rule)(a), expected, rtol=1e-10, atol=1e-10)


def test_autocast_does_not_reach_it() -> None:
    module = CrossMapNormalisation(PAPER, 8, 2)
    a = 5 * torch.randn(1, 8, 3, 3)
    with torch.autocast("cpu", torch.bfloat16):
        inside = module(a)
    assert inside.dtype == torch.float32
    assert torch.equal(inside, module(a))

"""Spans of time: what is decoded has as many and as long ones as are expected."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from musicae.core.likelihoods import Bernoulli, apportioned
from musicae.core.randomness import RandomSource
from musicae.core.spans import Spans

ROWS, STEPS = 6, 16


def spans(seed: int = 0, scale: float = 2.0, batch: int = 3) -> Spans:
    return Spans(scale * RandomSource(seed).normal(batch, 2 * ROWS, STEPS) - 1)


def real(seed: int = 0) -> torch.Tensor:
    """Some spans, each of which goes on only after it began."""
    begins = RandomSource(seed).uniform(3, ROWS, STEPS) < 0.2
    continues = torch.zeros_like(begins)
    for step in range(1, STEPS):
        may = (begins | continues)[..., step - 1] & ~begins[..., step]
        continues[..., step] = may & (RandomSource(seed, step).uniform(3, ROWS) < 0.7)
    return torch.cat([begins, continues], 1).float()


def counted(x: torch.Tensor) -> torch.Tensor:
    return torch.stack([half.sum((1, 2)) for half in x.chunk(2, 1)], 1)


@given(st.integers(0, 2**16))
def test_what_is_certain_is_decoded_as_it_is(seed):
    x = real(seed)
    assert torch.equal(Spans(20 * (2 * x - 1)).mode(), x)


def test_training_takes_the_cells_as_they_are():
    p, x = spans(), real()
    expected = torch.distributions.Bernoulli(logits=p.logits).log_prob(x).sum((1, 2))
    torch.testing.assert_close(p.log_prob(x), expected)


@given(st.integers(0, 2**16))
def test_as_many_begin_at_each_step_as_are_expected(seed):
    p = spans(seed)
    begins, _ = p.mode().chunk(2, 1)
    assert torch.equal(begins.sum(1), apportioned(p.mean[:, :ROWS].sum(1)))


def test_a_faint_span_is_as_long_as_a_sure_one():
    """Chords of three rows, one of which is unsure: half probable from its beginning to its end."""
    p = torch.full((1, 2 * 3, 8), 1e-4)
    p[0, :3, 0] = torch.tensor([0.999, 0.999, 0.52])
    p[0, 3:, 1:6] = torch.tensor([0.999, 0.999, 0.45])[:, None]
    assert not (p[0, 5] > 0.5).any()
    _, continues = Spans(p.logit()).mode().chunk(2, 1)
    assert continues[0, :, 1:6].sum() == round(float(p[0, 3:].sum()))
    assert continues[0, 2, 1]


def test_draws_are_of_each_cell_and_at_temperature_0_the_mode():
    p = spans()
    assert torch.equal(p.sample(RandomSource(0), 0.0), p.mode())
    assert torch.equal(p.sample(RandomSource(0)), Bernoulli(p.logits).sample(RandomSource(0)))


@pytest.mark.parametrize("counts", [(3.0, 5.0), (20.0, 30.0), (0.0, 0.0)])
def test_other_counts_can_be_asked_for(counts):
    wanted = torch.tensor([counts]).expand(3, 2)
    shifted = spans().with_counts(wanted)
    torch.testing.assert_close(shifted.counts, wanted, rtol=0.001, atol=0.001)
    order = spans().logits.chunk(2, 1)[0].flatten(1).argsort(1)
    assert torch.equal(shifted.logits.chunk(2, 1)[0].flatten(1).argsort(1), order)


def test_to_ask_for_what_is_expected_changes_nothing():
    p = spans(4)
    assert torch.equal(p.with_counts(p.counts).mode(), p.mode())


def test_nothing_is_decoded_where_nothing_is_expected():
    assert not Spans(torch.full((2, 2 * ROWS, STEPS), -12.0)).mode().any()

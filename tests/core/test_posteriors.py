from __future__ import annotations

import math

import torch
from torch import distributions

from musicae.core.posteriors import GaussianPosterior, free_bits
from musicae.core.randomness import RandomSource

LN2 = math.log(2)


def posterior(batch: int = 5, latent: int = 7) -> GaussianPosterior:
    random = RandomSource(3)
    return GaussianPosterior(random.normal(batch, latent), random.normal(batch, latent).exp())


def test_kl_is_that_of_torch():
    q = posterior()
    expected = distributions.kl_divergence(distributions.Normal(q.mean, q.std), distributions.Normal(0.0, 1.0))
    torch.testing.assert_close(q.kl(), expected)
    assert (q.kl() > 0).all()


def test_kl_from_the_prior_to_itself_is_zero():
    prior = GaussianPosterior(torch.zeros(2, 3), torch.ones(2, 3))
    assert torch.equal(prior.kl(), torch.zeros(2, 3))


def test_log_prob_is_that_of_torch_and_takes_leading_samples():
    q, z = posterior(), RandomSource(4).normal(6, 5, 7)
    torch.testing.assert_close(q.log_prob(z), distributions.Normal(q.mean, q.std).log_prob(z).sum(-1))
    assert q.log_prob(z).shape == (6, 5)


def test_samples_have_the_mean_and_the_deviation_of_the_posterior():
    q = GaussianPosterior(torch.full((20_000, 1), 2.0), torch.full((20_000, 1), 0.5))
    z = q.sample(RandomSource(0))
    assert abs(z.mean().item() - 2.0) < 0.02
    assert abs(z.std().item() - 0.5) < 0.02


def test_the_same_source_gives_the_same_sample():
    q = posterior()
    assert torch.equal(q.sample(RandomSource(9)), q.sample(RandomSource(9)))
    assert not torch.equal(q.sample(RandomSource(9)), q.sample(RandomSource(10)))


def test_gradients_of_a_sample_reach_mean_and_deviation():
    mean, std = torch.zeros(4, 3, requires_grad=True), torch.ones(4, 3, requires_grad=True)
    GaussianPosterior(mean, std).sample(RandomSource(1)).sum().backward()
    assert torch.equal(mean.grad, torch.ones(4, 3))
    assert torch.equal(std.grad, RandomSource(1).normal(4, 3))


def test_without_free_bits_the_whole_rate_is_charged():
    kl = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    assert torch.equal(free_bits(kl), torch.tensor([3.0, 7.0]))


def test_total_free_bits_are_taken_from_each_example_as_musicvae_does():
    """`max(kl − bits · ln 2, 0)` of the whole latent vector, not of each dimension."""
    kl = torch.tensor([[0.0, 2.0], [3.0, 4.0], [0.1, 0.2]])
    charged = free_bits(kl, total=2.0)
    torch.testing.assert_close(charged, torch.tensor([2.0 - 2 * LN2, 7.0 - 2 * LN2, 0.0]))


def test_free_bits_per_group_hold_for_the_mean_of_the_batch():
    """Two groups of two: one is above its allowance, the other below, and costs the allowance itself."""
    kl = torch.tensor([[2.0, 1.0, 0.1, 0.0], [4.0, 1.0, 0.3, 0.0]], requires_grad=True)
    charged = free_bits(kl, per_group=1.0, groups=2)
    torch.testing.assert_close(charged, torch.full((2,), 4.0 + LN2))
    charged.mean().backward()
    torch.testing.assert_close(kl.grad, torch.tensor([[0.5, 0.5, 0.0, 0.0]] * 2))


def test_as_many_groups_as_dimensions_are_free_bits_per_dimension():
    kl = torch.tensor([[0.1, 5.0], [0.3, 7.0]])
    torch.testing.assert_close(free_bits(kl, per_group=1.0, groups=2), torch.full((2,), LN2 + 6.0))

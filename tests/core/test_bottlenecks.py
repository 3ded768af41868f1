from __future__ import annotations

import math

import pytest
import torch
from torch import distributions

from musicae.core.bottlenecks import BROAD_GAUSSIAN, Gaussian, Point
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


@pytest.mark.parametrize("bottleneck", [Gaussian(), BROAD_GAUSSIAN, Point(), Point(rectified=True)], ids=str)
def test_a_bottleneck_gives_a_posterior_in_float32(bottleneck):
    module = bottleneck.layer(6, 4)
    q = module(torch.randn(3, 6))
    assert module.latent == 4
    assert q.mean.shape == q.kl().shape == q.sample(RandomSource(0)).shape == (3, 4)
    with torch.autocast("cpu", torch.bfloat16):
        assert module(torch.randn(3, 6)).mean.dtype == torch.float32
    assert q.penalty() is None
    assert q.metrics() == {}
    assert hasattr(q, "log_prob") == module.has_density == q.has_rate


def test_a_point_samples_its_code_and_is_charged_nothing():
    q = Point().layer(6, 4)(torch.randn(3, 6))
    assert torch.equal(q.sample(RandomSource(0)), q.mean)
    assert torch.equal(q.kl(), torch.zeros(3, 4))


def test_a_rectified_point_is_a_point_without_negative_values():
    features = torch.randn(200, 6, requires_grad=True)
    module = Point(rectified=True).layer(6, 4)
    affine, q = module.mean(features), module(features)
    assert torch.equal(q.mean, affine.clamp(min=0))
    assert 0.2 < (q.mean == 0).float().mean() < 0.8
    assert torch.equal(q.sample(RandomSource(0)), q.mean)
    assert not q.kl().any()
    q.mean.sum().backward()
    absent = (q.mean == 0).all(1)
    assert absent.any()
    assert not features.grad[absent].any()
    assert features.grad[~absent].any(1).all()


def test_a_gaussian_starts_narrow_whatever_the_features():
    q = Gaussian().layer(64, 8)(torch.randn(32, 64))
    torch.testing.assert_close(q.std, torch.full((32, 8), 0.1), rtol=0.05, atol=0.0)


def test_the_broad_gaussian_starts_where_musicvae_does():
    q = BROAD_GAUSSIAN.layer(64, 8)(torch.randn(256, 64))
    assert abs(q.kl().mean().item() - 0.107) < 0.001
    torch.testing.assert_close(q.std, torch.full((256, 8), LN2), rtol=0.05, atol=0.0)
    assert q.mean.abs().max() < 0.05


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
